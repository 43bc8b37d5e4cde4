// Apollo Client, without a framework around it: node apollo.js <url> <key> <employee's id>.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client";
import { enroll } from "./enrolling.js";

function connect(uri, key) {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri, headers: { authorization: `Bearer ${key}` } }),
  });
  return async (document, variables) => {
    const isMutation = document.definitions[0].operation === "mutation";
    const { data, error } = isMutation
      ? await client.mutate({ mutation: document, variables, errorPolicy: "all" })
      : await client.query({ query: document, variables, errorPolicy: "all", fetchPolicy: "network-only" });
    if (error && !CombinedGraphQLErrors.is(error)) throw error;
    return { data: data ?? null, codes: (error?.errors ?? []).map((each) => each.extensions.code) };
  };
}

await enroll(connect);
