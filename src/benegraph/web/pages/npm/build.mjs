// Bundles the pages, Monaco's workers and the licences of their packages: `node build.mjs DIRECTORY`.
// The file pages.json lists the files that load.js loads for each page, with their sizes in bytes.
import { existsSync, globSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { plugins } from "./graphiql/esbuild.mjs";

const [, , outdir] = process.argv;
// Each page is a directory with a file main.jsx or main.tsx; its script and style sheet have the directory's name.
const pages = Object.fromEntries(globSync("*/main.{jsx,tsx}").map((file) => [dirname(file), file]));
const MIN_COMPRESSED_BYTES = 1024; // smaller files gain nothing from compression

const common = {
  outdir,
  bundle: true,
  minify: true,
  metafile: true,
  charset: "utf8",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
};

const built = await Promise.all([
  build({
    ...common,
    entryPoints: pages,
    format: "esm",
    splitting: true,
    jsx: "automatic",
    chunkNames: "[name]-[hash]",
    plugins,
  }),
  build({
    ...common,
    entryPoints: {
      "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
      "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
      "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    },
    format: "iife",
  }),
  build({ ...common, entryPoints: ["load.js"], format: "esm" }),
]);

writeFileSync(join(outdir, "pages.json"), JSON.stringify(pageFiles(built[0].metafile.outputs)));
writeFileSync(join(outdir, "licences.txt"), licences(built.flatMap(({ metafile }) => Object.keys(metafile.inputs))));
for (const name of readdirSync(outdir)) {
  const path = join(outdir, name);
  if (statSync(path).size >= MIN_COMPRESSED_BYTES) {
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION }));
  }
}

function pageFiles(outputs) {
  const entries = Object.entries(outputs).filter(([, { entryPoint }]) => Object.values(pages).includes(entryPoint));
  return Object.fromEntries(
    entries.map(([script, { entryPoint, cssBundle }]) => {
      const files = [...staticImports(outputs, script), ...(cssBundle ? [cssBundle] : [])];
      const bytes = Object.fromEntries(files.map((file) => [basename(file), outputs[file].bytes]));
      return [dirname(entryPoint), { script: basename(script), style: cssBundle && basename(cssBundle), bytes }];
    }),
  );
}

// Returns a script and the scripts that it needs before it can run.
function staticImports(outputs, script, found = new Set()) {
  found.add(script);
  for (const { path, kind } of outputs[script].imports) {
    if (kind === "import-statement" && !found.has(path)) {
      staticImports(outputs, path, found);
    }
  }
  return found;
}

function licences(inputs) {
  const packages = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...packages].sort().map(licence).join(`\n${"-".repeat(100)}\n\n`);
}

function licence(directory) {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const [file] = globSync("LICEN[CS]E*", { cwd: directory }).sort();
  const text = file && existsSync(join(directory, file)) ? readFileSync(join(directory, file), "utf8") : "";
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
