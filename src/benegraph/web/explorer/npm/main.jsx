// The page: asks how to open, and opens GraphiQL so.
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./main.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

import { Bar } from "./bar.jsx";
import { fetcherOf } from "./fetcher.js";
import { openStorage } from "./storage.js";

const WORKERS = { graphql: "graphql.worker.js", json: "json.worker.js" };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(WORKERS[label] ?? "editor.worker.js", import.meta.url)),
};

// Their identity counts: GraphiQL would close the open panel for what look like other plugins.
const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

function Page({ config }) {
  const [viewer, setViewer] = useState(config.viewers[0] ?? null);
  const asking = useRef(viewer);
  asking.current = viewer;
  // With another fetcher GraphiQL asks for the schema anew. A visitor who signs in wants that; in the demo all have one
  // schema, which the first may ask for and the others may not.
  const whose = config.viewers.length ? null : viewer;
  const fetcher = useMemo(() => fetcherOf(config.endpoint, () => asking.current), [config.endpoint, whose]);
  const storage = useMemo(() => openStorage(config.edition), [config.edition]);
  const tabs = useMemo(() => config.tabs.map(asText), [config.tabs]);
  // GraphiQL opens with the first tab's query, but without its variables; what was stored goes before both.
  const [first] = storage.fresh ? tabs : [];
  return (
    <>
      <Bar viewers={config.viewers} viewer={viewer} onChange={setViewer} />
      <GraphiQL
        fetcher={fetcher}
        schema={viewer ? undefined : null}
        storage={storage}
        plugins={PLUGINS}
        defaultTabs={tabs}
        defaultQuery=""
        initialQuery={first?.query}
        initialVariables={first?.variables}
        defaultEditorToolsVisibility
        shouldPersistHeaders={false}
      >
        <GraphiQL.Logo>{" "}</GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

function asText({ query, variables }) {
  return { query, variables: variables ? JSON.stringify(variables, null, 2) : "" };
}

function Sorry({ children }) {
  return <p role="alert">{children}</p>;
}

async function open(root) {
  const answer = await fetch("/explorer/config.json", { headers: { Accept: "application/json" } });
  const body = await answer.json();
  root.render(answer.ok ? <Page config={body} /> : <Sorry>{body.errors[0].message}</Sorry>);
}

const root = createRoot(document.querySelector("main"));
open(root).catch((error) => root.render(<Sorry>The gateway gave no answer: {error.message}</Sorry>));
