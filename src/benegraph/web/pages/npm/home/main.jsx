// The home page. The gateway writes its text as HTML; this script adds what needs the configuration or an API key.
import "./main.css";

import { lazy, Suspense, useState } from "react";
import { createRoot } from "react-dom/client";

import { Examples } from "./examples.jsx";
import { SignIn } from "./sign-in.jsx";
import { Viewers } from "./viewers.jsx";

// Loaded after the rest of the page, because it contains the package that computes the layout.
const Graph = lazy(() => import("./graph.jsx"));

function Home({ config: { endpoint, viewers, tabs } }) {
  const [viewer, setViewer] = useState(viewers[0] ?? null);
  const isDemo = viewers.length > 0;
  // In the demo, the picture is the same for all viewers, and is drawn once.
  const schemaKey = isDemo ? viewers[0].key : viewer?.key;
  return (
    <>
      {isDemo || <SignIn {...{ endpoint, viewer }} onChange={setViewer} />}
      <Suspense fallback={<p role="status">Drawing the graph …</p>}>
        <Graph endpoint={endpoint} apiKey={schemaKey} key={schemaKey} />
      </Suspense>
      {isDemo && <Viewers {...{ endpoint, viewers, viewer }} onChange={setViewer} />}
      {viewer && <Examples {...{ endpoint, viewer }} tabs={isDemo ? tabs.slice(0, 3) : undefined} />}
    </>
  );
}

async function open(root) {
  const response = await fetch("/pages/config.json", { headers: { Accept: "application/json" } });
  const body = await response.json();
  root.render(response.ok ? <Home config={body} /> : <p role="alert">{body.errors[0].message}</p>);
}

const root = createRoot(document.getElementById("home"));
open(root).catch((error) => root.render(<p role="alert">The gateway did not respond: {error.message}</p>));
