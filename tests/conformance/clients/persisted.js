// Apollo's persisted queries: node persisted.js <url> <key> <employee's id> <method> <operation>. Sends one query twice,
// by its hash if possible, and prints both results and the content of each request to the gateway.
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import * as operations from "../operations/enrollments.js";

const [uri, key, id, method, operation] = process.argv.slice(2);
const requests = [];

async function recordingFetch(address, init) {
  const response = await fetch(address, init);
  const sent = init.body ? JSON.parse(init.body) : Object.fromEntries(new URL(address).searchParams);
  const extensions = typeof sent.extensions === "string" ? JSON.parse(sent.extensions) : sent.extensions;
  const body = await response.clone().json();
  requests.push({
    method: init.method,
    query: sent.query ?? null,
    hash: extensions?.persistedQuery?.sha256Hash ?? null,
    errors: (body.errors ?? []).map((error) => error.message),
  });
  return response;
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([
    new PersistedQueryLink({ sha256, useGETForHashedQueries: method === "GET" }),
    new HttpLink({ uri, fetch: recordingFetch, headers: { authorization: `Bearer ${key}` } }),
  ]),
});

const results = [];
for (let attempt = 0; attempt < 2; attempt += 1) {
  const { data, error } = await client.query({
    query: operations[operation],
    variables: { id },
    errorPolicy: "all",
    fetchPolicy: "network-only",
  });
  results.push(data ?? String(error));
}
console.log(JSON.stringify({ results, requests }));
