// The operations of the clients and compilers: the main query, and an election. Relay requires the file's name in each name.
import { gql as graphql } from "@apollo/client";

export const ofEmployee = graphql`
  query enrollmentsOfEmployeeQuery($id: ID!, $status: [EnrollmentStatus!]) {
    employee(id: $id) {
      id
      firstName
      enrollments(filter: { status: $status }, first: 10) {
        nodes {
          id
          status
          benefitProduct {
            id
            name
          }
          selectedPlan {
            id
            name
          }
          eligiblePlans {
            plan {
              id
              name
            }
            costs {
              coverageTier
              employeeContributionCents
            }
          }
        }
      }
    }
  }
`;

export const one = graphql`
  query enrollmentsOneQuery($id: ID!) {
    enrollment(id: $id) {
      id
      status
      selectedPlan {
        id
        name
      }
    }
  }
`;

export const count = graphql`
  query enrollmentsCountQuery($id: ID!) {
    employee(id: $id) {
      id
      enrollments {
        totalCount
      }
    }
  }
`;

export const elect = graphql`
  mutation enrollmentsElectMutation($input: ElectInput!) {
    elect(input: $input) {
      enrollments {
        id
        status
        coverageTier
        selectedPlan {
          id
          name
        }
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;
