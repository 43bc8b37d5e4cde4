// Past enrollments, page by page. The query runs when the list is opened for the first time.
import { useQuery } from "@apollo/client/react";
import { useState } from "react";

import { Failure } from "../common/failure";
import { formatCode, formatDate } from "../common/format";
import { Loaded } from "../common/loaded";
import { graphql } from "../generated";

const PAST_ENROLLMENTS = graphql(`
  query PastEnrollments($after: String) {
    viewer {
      employee {
        id
        enrollments(first: 2, after: $after, filter: { status: [INACTIVE] }) {
          totalCount
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            id
            coverageStatus
            coverageStartDate
            coverageEndDate
            benefitProduct {
              id
              category
            }
            selectedPlan {
              id
              name
            }
          }
        }
      }
    }
  }
`);

export function PastCoverage() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details className="past" onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>Past enrollments</summary>
      {isOpen && <PastEnrollments />}
    </details>
  );
}

function PastEnrollments() {
  const result = useQuery(PAST_ENROLLMENTS);
  const [failure, setFailure] = useState<Error>();
  return (
    <Loaded result={result}>
      {({ viewer }) => {
        const { nodes, totalCount, pageInfo } = viewer.employee!.enrollments;
        // The cache appends the page to the list (common/client.ts).
        const showMore = () => {
          setFailure(undefined);
          result.fetchMore({ variables: { after: pageInfo.endCursor } }).catch(setFailure);
        };
        return (
          <>
            <ul>
              {nodes.map(({ id, benefitProduct, selectedPlan, coverageStatus, coverageStartDate, coverageEndDate }) => (
                <li key={id}>
                  <strong>{formatCode(benefitProduct.category)}</strong> {selectedPlan?.name ?? "without coverage"}
                  {coverageStatus === "CANCELLED" && ", cancelled"}
                  {coverageStartDate && coverageEndDate && (
                    <span>
                      {formatDate(coverageStartDate)} – {formatDate(coverageEndDate)}
                    </span>
                  )}
                </li>
              ))}
            </ul>
            <p>
              {nodes.length} of {totalCount}
              {pageInfo.hasNextPage && (
                <button type="button" onClick={showMore}>
                  Show more
                </button>
              )}
            </p>
            {failure && <Failure error={failure} onRetry={showMore} />}
          </>
        );
      }}
    </Loaded>
  );
}
