// Relay's own features: a list paginated in both directions, as a fragment that is refetched by the employee's global id.
import { graphql } from "relay-runtime";

export const page = graphql`
  fragment family_page on Employee
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 10 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  )
  @refetchable(queryName: "familyPageQuery") {
    enrollments(first: $first, after: $after, last: $last, before: $before)
      @connection(key: "family_page_enrollments") {
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
