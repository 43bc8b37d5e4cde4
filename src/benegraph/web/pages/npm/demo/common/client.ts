// Apollo Client 4: its cache identifies every object of this API by `__typename` and `id` without configuration, it takes
// the generated documents as they are, and most frontend developers know it. urql's cache requires a second package
// and an update function for each list; Relay, a compiler plugin in the bundler.
import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import type { FieldPolicy, Reference } from "@apollo/client";

interface Viewer {
  key: string;
  tenant: string;
}

export function createClient(uri: string, { key, tenant }: Viewer) {
  return new ApolloClient({
    // Each page creates its own client: the cache of one viewer must never be shown to another.
    cache: new InMemoryCache({
      typePolicies: {
        // Objects without an `id` are stored within their parents. A later result adds fields to them.
        Viewer: { merge: true },
        ElectionWindow: { merge: true },
        PlanYearParticipation: { merge: true },
        Employee: { fields: { enrollments: pagesOfNodes("filter") } },
        Employer: {
          fields: {
            employees: pagesOfNodes("filter", "orderBy"),
            enrollments: pagesOfNodes("filter"),
            planYears: pagesOfNodes("status"),
          },
        },
        PlanYear: { fields: { enrollments: pagesOfNodes("filter") } },
        Query: {
          fields: {
            employees: pagesOfNodes("filter", "orderBy"),
            enrollments: pagesOfNodes("filter"),
            qualifyingLifeEvents: pagesOfNodes("filter"),
          },
        },
      },
    }),
    link: new HttpLink({ uri, headers: { Authorization: `Bearer ${key}`, "X-Tenant": tenant } }),
  });
}

interface Page {
  nodes: readonly Reference[];
}

// Pagination: `fetchMore({ variables: { after: pageInfo.endCursor } })` adds a page to the nodes that are cached for the
// same filter and order. A first page replaces them.
function pagesOfNodes(...keyArgs: string[]): FieldPolicy<Page> {
  return {
    keyArgs,
    merge: (existing, incoming, { args }) =>
      existing && args?.after ? { ...incoming, nodes: [...existing.nodes, ...incoming.nodes] } : incoming,
  };
}
