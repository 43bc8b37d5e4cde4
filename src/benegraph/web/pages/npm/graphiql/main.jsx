// The page: fetches its configuration and opens GraphiQL with it.
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./main.css";
// GraphiQL imports Monaco once it has rendered. Imported here, Monaco loads with the page, under its progress bar.
import "monaco-graphql/esm/lite.js";
import "monaco-graphql/esm/monaco-editor.js";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { getOperationAST, OperationTypeNode, parse } from "graphql";
import { useEffect, useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

import { Bar } from "./bar.jsx";
import { checkKey, createFetcher } from "./fetcher.js";
import { LinkedType } from "./linked-type.jsx";
import { openStorage } from "./storage.js";

const WORKERS = { graphql: "graphql.worker.js", json: "json.worker.js" };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(WORKERS[label] ?? "editor.worker.js", import.meta.url)),
};

const isPhone = matchMedia("(max-width: 700px)").matches;

// Created once: GraphiQL compares plugins by identity, and would close the open panel if they were created again.
const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

function Page({ config }) {
  const [viewer, setViewer] = useState(config.viewers[0] ?? null);
  const [rejection, setRejection] = useState(null);
  const currentViewer = useRef(viewer);
  currentViewer.current = viewer;
  const changeViewer = (changed) => {
    setViewer(changed);
    setRejection(null);
  };
  // A new fetcher makes GraphiQL fetch the schema again, which is needed once a visitor has signed in. In the demo, only
  // the first viewer may read the schema, so the fetcher stays the same for all of them.
  const schemaViewer = config.viewers.length ? null : viewer;
  const fetcher = useMemo(
    () => createFetcher(config.endpoint, () => currentViewer.current, setRejection),
    [config.endpoint, schemaViewer],
  );
  const storage = useMemo(() => openStorage(config.edition), [config.edition]);
  const tabs = useMemo(() => config.tabs.map(toEditorText), [config.tabs]);
  // GraphiQL would open the first tab without its variables. Stored tabs take precedence over the configured ones.
  const [first] = storage.isEmpty ? tabs : [];
  return (
    <>
      <Bar
        viewers={config.viewers}
        viewer={viewer}
        onChange={changeViewer}
        signIn={(key) => checkKey(config.endpoint, key)}
        rejection={rejection}
      />
      <GraphiQL
        fetcher={fetcher}
        schema={viewer ? undefined : null}
        schemaDescription
        storage={storage}
        plugins={PLUGINS}
        defaultTabs={tabs}
        defaultQuery=""
        initialQuery={first?.query}
        initialVariables={first?.variables}
        defaultEditorToolsVisibility={!isPhone}
        shouldPersistHeaders={false}
      >
        <GraphiQL.Logo>{" "}</GraphiQL.Logo>
        <LinkedType />
        {config.viewers.length && isQuery(first?.query) ? <RunOnce /> : null}
      </GraphiQL>
    </>
  );
}

// Runs the first tab as soon as the editors contain it, so that a first visit to the demo shows data.
function RunOnce() {
  const { run } = useGraphiQLActions();
  const isReady = useGraphiQL(({ queryEditor, variableEditor, responseEditor }) =>
    [queryEditor, variableEditor, responseEditor].every(Boolean),
  );
  const hasRun = useRef(false);
  useEffect(() => {
    if (isReady && !hasRun.current) {
      hasRun.current = true;
      run();
    }
  }, [isReady, run]);
  return null;
}

function isQuery(text) {
  return text !== undefined && getOperationAST(parse(text))?.operation === OperationTypeNode.QUERY;
}

function toEditorText({ query, variables }) {
  return { query, variables: variables ? JSON.stringify(variables, null, 2) : "" };
}

function ErrorMessage({ children }) {
  return <p role="alert">{children}</p>;
}

async function open(root) {
  const response = await fetch("/pages/config.json", { headers: { Accept: "application/json" } });
  const body = await response.json();
  root.render(response.ok ? <Page config={body} /> : <ErrorMessage>{body.errors[0].message}</ErrorMessage>);
}

const root = createRoot(document.querySelector("main"));
open(root).catch((error) => root.render(<ErrorMessage>The gateway did not respond: {error.message}</ErrorMessage>));
