// Apollo Client's `relayStylePagination`: node backward.js <url> <key> <page size>. Reads the employees page by page from the
// end of the list, and prints the list that the cache merged, the pages, and the list as read from the start.
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { filter, firstValueFrom } from "rxjs";

const EMPLOYEES = gql`
  query ($first: Int, $last: Int, $before: String) {
    employees(first: $first, last: $last, before: $before, orderBy: { field: LAST_NAME }) {
      edges {
        cursor
        node {
          id
        }
      }
      pageInfo {
        hasPreviousPage
        hasNextPage
        startCursor
        endCursor
      }
    }
  }
`;

const [uri, key, size] = process.argv.slice(2);
const client = new ApolloClient({
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { employees: relayStylePagination(["orderBy"]) } } } }),
  link: new HttpLink({ uri, headers: { authorization: `Bearer ${key}` } }),
});
const idsOf = (data) => data.employees.edges.map((edge) => edge.node.id);

const last = Number(size);
const list = client.watchQuery({ query: EMPLOYEES, variables: { last } });
list.subscribe(() => {}); // keeps the query active
const pages = [(await firstValueFrom(list.pipe(filter((result) => !result.loading)))).data];
while (pages.at(-1).employees.pageInfo.hasPreviousPage) {
  const before = pages.at(-1).employees.pageInfo.startCursor;
  // Relay's `loadPrevious` passes null for `first`, too.
  pages.push((await list.fetchMore({ variables: { first: null, last, before } })).data);
}
const merged = client.readQuery({ query: EMPLOYEES, variables: { last } });
const forward = await client.query({ query: EMPLOYEES, variables: { first: 100 }, fetchPolicy: "no-cache" });
console.log(
  JSON.stringify({
    merged: idsOf(merged),
    pageInfo: merged.employees.pageInfo,
    pages: pages.map(idsOf),
    forward: idsOf(forward.data),
  }),
);
process.exit(0);
