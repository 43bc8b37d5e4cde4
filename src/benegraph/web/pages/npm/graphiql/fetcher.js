// Sends requests to the gateway with the viewer's API key. A key in the headers editor takes precedence.
import { Kind, parse } from "graphql";

const DEFAULT_HEADERS = {
  "Content-Type": "application/json",
  Accept: "application/graphql-response+json, application/json;q=0.9",
};
const KEY_HEADERS = ["Authorization", "X-API-Key"];

export function createFetcher(endpoint, getViewer) {
  return async ({ query, variables, operationName }, { headers: editorHeaders } = {}) => {
    const viewer = getViewer();
    const headers = new Headers(editorHeaders);
    for (const [name, value] of Object.entries(DEFAULT_HEADERS)) {
      headers.set(name, value);
    }
    if (viewer && !KEY_HEADERS.some((name) => headers.has(name))) {
      headers.set("Authorization", `Bearer ${viewer.key}`);
      if (viewer.tenant && !headers.has("X-Tenant")) {
        headers.set("X-Tenant", viewer.tenant);
      }
    }
    const body = JSON.stringify({ query, variables, operationName: selectedOperation(query, operationName) });
    const response = await fetch(endpoint, { method: "POST", headers, body });
    return response.json();
  };
}

// Just after the visitor changed tabs, GraphiQL still passes the operation name of the previous tab.
function selectedOperation(query, operationName) {
  try {
    const operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    return operations.length === 1 ? operations[0].name?.value : operationName;
  } catch {
    return operationName; // the gateway's error message is more precise
  }
}
