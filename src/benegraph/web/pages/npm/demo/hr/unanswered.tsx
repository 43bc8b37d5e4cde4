// Who has not answered: a list that grows by one page at a time.
import { useQuery } from "@apollo/client/react";
import { useState } from "react";

import { Failure } from "../common/failure";
import { formatCode, formatDate } from "../common/format";
import { Loaded } from "../common/loaded";
import { graphql } from "../generated";

const UNANSWERED = graphql(`
  query HrUnanswered($planYearId: ID!, $after: String) {
    planYear(id: $planYearId) {
      id
      enrollments(filter: { status: [PENDING] }, first: 10, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          id
          employee {
            id
            firstName
            lastName
          }
          electionWindow {
            closesOn
            reason
          }
        }
      }
    }
  }
`);

interface Properties {
  planYearId: string;
  /** How many of these employees have an earlier answer, which stays in force. */
  reissues: number;
}

export function Unanswered({ planYearId, reissues }: Properties) {
  const result = useQuery(UNANSWERED, { variables: { planYearId } });
  const [failure, setFailure] = useState<Error>();
  async function showMore(after: string | null) {
    if (!result.loading) {
      await result.fetchMore({ variables: { after } }).then(() => setFailure(undefined), setFailure);
    }
  }
  return (
    <section aria-labelledby="unanswered">
      <h3 id="unanswered">Not answered yet</h3>
      {reissues > 0 && (
        <p className="faint">
          For {reissues} of these employees, an earlier answer stays in force until they answer again.
        </p>
      )}
      <Loaded result={result}>
        {({ planYear }) => {
          const { nodes, totalCount, pageInfo } = planYear!.enrollments;
          if (totalCount === 0) {
            return <p>Nobody has to answer in this plan year.</p>;
          }
          return (
            <>
              <table className="people">
                <thead>
                  <tr>
                    <th scope="col">Employee</th>
                    <th scope="col">Reason</th>
                    <th scope="col">Answer until</th>
                  </tr>
                </thead>
                <tbody>
                  {nodes.map(({ id, employee, electionWindow }) => (
                    <tr key={id}>
                      <th scope="row">
                        {employee.firstName} {employee.lastName}
                      </th>
                      <td>{formatCode(electionWindow.reason)}</td>
                      <td>{formatDate(electionWindow.closesOn)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <p className="more">
                <span role="status">
                  {nodes.length} of {totalCount}
                </span>
                {pageInfo.hasNextPage && (
                  // While it loads it is not `disabled`, because a disabled button loses the keyboard's focus.
                  <button
                    type="button"
                    aria-disabled={result.loading}
                    onClick={() => void showMore(pageInfo.endCursor)}
                  >
                    Show more
                  </button>
                )}
              </p>
              {failure && <Failure error={failure} />}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
