// Adapts packages of GraphiQL while they are bundled. A text that is no longer found fails the build.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const local = (name) => fileURLToPath(new URL(name, import.meta.url));

// GraphiQL's style sheet contains Monaco's. Importing Monaco's again would write files that no page links to.
const withoutMonacosStyles = {
  name: "without-monacos-styles",
  setup({ onLoad }) {
    onLoad({ filter: /monaco-editor.*\.css$/ }, () => ({ contents: "", loader: "empty" }));
  },
};

// The first page of the documentation starts with the types that people need first.
const documentationRoot = {
  name: "documentation-root",
  setup({ onResolve }) {
    const module = /plugin-doc-explorer.*\/schema-documentation\.js$|^\.\/(components\/)?schema-documentation\.js$/;
    onResolve({ filter: module }, () => ({ path: local("documentation.jsx") }));
  },
};

// The field explorer ignores that an argument is a list: it shows no values, and replaces a list by one value.
const listArguments = {
  name: "list-arguments",
  setup({ onLoad }) {
    onLoad({ filter: /graphiql-explorer.dist.Explorer\.js$/ }, async ({ path }) => {
      const edits = [
        ["'use strict';", `'use strict'; var lists = require(${JSON.stringify(local("list-argument.jsx"))});`, 1],
        [
          "if (argValue) {\n        if (argValue.kind === 'Variable') {",
          `if (argValue) {
            if (lists.isListArgument(arg, argValue)) {
              input = React.createElement(lists.ListArgument, _extends({}, this.props, {
                ItemView: AbstractArgView,
                createLeaf: coerceArgValue,
                createFields: defaultInputObjectFields,
              }));
            } else if (argValue.kind === 'Variable') {`,
          1,
        ],
        ["if (!argSelection) {\n        console.error('Unable to add", "argSelection = lists.toList(arg, argSelection);\n$&", 2],
      ];
      return { contents: edits.reduce(replace, await readFile(path, "utf8")) };
    });
  },
};

function replace(text, [old, replacement, count]) {
  if (text.split(old).length !== count + 1) {
    throw new Error(`Expected this text ${count} times: ${old}`);
  }
  return text.replaceAll(old, replacement);
}

export const plugins = [withoutMonacosStyles, documentationRoot, listArguments];
