// Requests to the gateway with an API key.

// Returns the response's body and the time until it had arrived. Throws if the gateway does not respond with JSON.
export async function send(endpoint, key, query, variables) {
  const start = performance.now();
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json;q=0.9",
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = await response.json();
  return { body, milliseconds: performance.now() - start };
}

// Returns the schema in GraphQL's schema definition language. A link could not send the key.
export async function fetchSchemaText(key) {
  const response = await fetch("/schema.graphql", { headers: { Authorization: `Bearer ${key}` } });
  if (!response.ok) {
    throw new Error((await response.json()).errors[0].message);
  }
  return response.text();
}
