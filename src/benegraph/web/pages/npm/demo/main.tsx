// The demo app: two pages, each of one viewer, built as an ordinary frontend is. Copy from it.
//
//   /demo      Maya's election       maya/    with the key of the demo's employee
//   /demo/hr   HR's open enrollment  hr/      with the key of the demo's employer
//
// Conventions
// - A component that needs data writes its operation beside it, with `graphql(…)`. GraphQL Code Generator derives the
//   types in generated/ from schema.graphql; run `python tests/conformance/demo_types.py` after a change.
// - Reading: `useQuery`, and <Loaded> for waiting, failure and retry (common/loaded.tsx).
// - Writing: `useSubmit` (common/submit.ts). It keeps one idempotency key per intent, and returns the rules that the
//   input violates; <FieldErrors> shows each one at its field.
// - Objects that a payload returns update the cache by themselves, because they have an `id`. Only lists that gain or
//   lose items are read again: `refetchQueries`. There is no optimistic result: a rule may refuse any election.
// - Dates and amounts are formatted by common/format.ts only.
// - Colors are the variables of main.css; each page adds its own style sheet.
import "./main.css";

import { ApolloProvider } from "@apollo/client/react";
import { type ComponentType, StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createClient } from "./common/client";
import { Failure } from "./common/failure";
import { Layout } from "./common/layout";
import { HrPage } from "./hr/page";
import { MayaPage } from "./maya/page";

interface DemoPage {
  path: string;
  title: string;
  viewer: string;
  Content: ComponentType;
}

const PAGES: DemoPage[] = [
  { path: "/demo", title: "Maya’s election", viewer: "employee", Content: MayaPage },
  { path: "/demo/hr", title: "HR’s open enrollment", viewer: "employer", Content: HrPage },
];

interface Config {
  endpoint: string;
  viewers: { name: string; key: string; tenant: string }[];
}

async function fetchConfig(): Promise<Config> {
  const response = await fetch("/pages/config.json", { headers: { Accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) {
    throw new Error(body.errors[0].message);
  }
  return body;
}

async function open() {
  const { path, title, viewer, Content } = PAGES.find((page) => page.path === location.pathname) ?? PAGES[0]!;
  document.title = `${title} · benegraph`;
  const { endpoint, viewers } = await fetchConfig();
  const client = createClient(endpoint, viewers.find(({ name }) => name === viewer)!);
  root.render(
    <StrictMode>
      <ApolloProvider client={client}>
        <Layout pages={PAGES} current={path}>
          <Content />
        </Layout>
      </ApolloProvider>
    </StrictMode>,
  );
}

const root = createRoot(document.body);
open().catch((error) => root.render(<Failure error={error} onRetry={() => location.reload()} />));
