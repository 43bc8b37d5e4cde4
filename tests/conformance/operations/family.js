// Relay's own features: a paginated list, as a fragment that is refetched by the employee's global id.
import { graphql } from "relay-runtime";

export const page = graphql`
  fragment family_page on Employee
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "familyPageQuery") {
    enrollments(first: $count, after: $cursor) @connection(key: "family_page_enrollments") {
      edges {
        node {
          id
          status
        }
      }
    }
  }
`;

export const query = graphql`
  query familyQuery($id: ID!) {
    employee(id: $id) {
      firstName
      ...family_page
    }
  }
`;
