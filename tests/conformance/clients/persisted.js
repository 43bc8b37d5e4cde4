// Apollo's persisted queries: node persisted.js <url> <key> <employee's id> <method> <operation>. Asks the same twice,
// by hash where it can, and prints both answers and what each request to the gateway carried.
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import * as operations from "../operations/enrollments.js";

const [uri, key, id, method, operation] = process.argv.slice(2);
const requests = [];

async function counting(address, init) {
  const response = await fetch(address, init);
  const sent = init.body ? JSON.parse(init.body) : Object.fromEntries(new URL(address).searchParams);
  const extensions = typeof sent.extensions === "string" ? JSON.parse(sent.extensions) : sent.extensions;
  const answer = await response.clone().json();
  requests.push({
    method: init.method,
    query: sent.query ?? null,
    hash: extensions?.persistedQuery?.sha256Hash ?? null,
    errors: (answer.errors ?? []).map((error) => error.message),
  });
  return response;
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([
    new PersistedQueryLink({ sha256, useGETForHashedQueries: method === "GET" }),
    new HttpLink({ uri, fetch: counting, headers: { authorization: `Bearer ${key}` } }),
  ]),
});

const answers = [];
for (let time = 0; time < 2; time += 1) {
  const { data, error } = await client.query({
    query: operations[operation],
    variables: { id },
    errorPolicy: "all",
    fetchPolicy: "network-only",
  });
  answers.push(data ?? String(error));
}
console.log(JSON.stringify({ answers, requests }));
