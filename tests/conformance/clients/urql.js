// urql, without a framework around it: node urql.js <url> <key> <employee's id>.
import { cacheExchange, Client, fetchExchange } from "@urql/core";
import { enroll } from "./enrolling.js";

function connect(url, key) {
  const client = new Client({
    url,
    exchanges: [cacheExchange, fetchExchange],
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
    preferGetMethod: false,
  });
  return async (document, variables) => {
    const isMutation = document.definitions[0].operation === "mutation";
    const { data, error } = await (isMutation
      ? client.mutation(document, variables)
      : client.query(document, variables, { requestPolicy: "network-only" }));
    if (error?.networkError) throw error.networkError;
    return { data: data ?? null, codes: (error?.graphQLErrors ?? []).map((each) => each.extensions.code) };
  };
}

await enroll(connect);
