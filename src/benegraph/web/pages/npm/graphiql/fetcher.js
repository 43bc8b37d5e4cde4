// Sends requests to the gateway with the viewer's API key. A key in the headers editor takes precedence.
import { Kind, parse } from "graphql";

const DEFAULT_HEADERS = {
  "Content-Type": "application/json",
  Accept: "application/graphql-response+json, application/json;q=0.9",
};
const KEY_HEADERS = ["Authorization", "X-API-Key"];

// `onAnswer` receives, for each response to the viewer's key, the message with which the gateway rejected it, or null.
export function createFetcher(endpoint, getViewer, onAnswer) {
  return async ({ query, variables, operationName }, { headers: editorHeaders } = {}) => {
    const viewer = getViewer();
    const headers = new Headers(editorHeaders);
    const hasOwnKey = KEY_HEADERS.some((name) => headers.has(name));
    if (viewer && !hasOwnKey) {
      addKey(headers, viewer);
    }
    const body = await post(endpoint, headers, { query, variables, operationName: selectedOperation(query, operationName) });
    if (viewer && !hasOwnKey) {
      onAnswer(rejectionOf(body));
    }
    return body;
  };
}

// Returns the tenant and role of an API key, or the gateway's reason for rejecting it.
export async function checkKey(endpoint, key) {
  const headers = new Headers();
  addKey(headers, { key });
  try {
    const { data, errors } = await post(endpoint, headers, { query: "{ viewer { tenant role } }" });
    return errors ? { error: errors[0].message } : { viewer: data.viewer };
  } catch (error) {
    return { error: `The gateway did not respond: ${error.message}` };
  }
}

function addKey(headers, { key, tenant }) {
  headers.set("Authorization", `Bearer ${key}`);
  if (tenant && !headers.has("X-Tenant")) {
    headers.set("X-Tenant", tenant);
  }
}

async function post(endpoint, headers, body) {
  for (const [name, value] of Object.entries(DEFAULT_HEADERS)) {
    headers.set(name, value);
  }
  const response = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

function rejectionOf({ errors = [] }) {
  return errors.find(({ extensions }) => extensions?.code === "UNAUTHENTICATED")?.message ?? null;
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
