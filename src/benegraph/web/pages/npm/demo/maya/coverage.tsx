// The coverage in force today, and its monthly total.
import { formatCents, formatCode, formatDate, formatList } from "../common/format";
import { type Enrollment, formatTier, sum } from "./enrollment";

export function Coverage({ enrollments }: { enrollments: Enrollment[] }) {
  const inForce = enrollments.filter(({ coverageStatus }) => coverageStatus === "EFFECTIVE");
  return (
    <section aria-labelledby="coverage">
      <h2 id="coverage">Your coverage today</h2>
      {inForce.length === 0 ? (
        <p className="empty">No coverage is in force today.</p>
      ) : (
        <table className="coverage">
          <thead>
            <tr>
              <th scope="col">Benefit</th>
              <th scope="col">Covers</th>
              <th scope="col">You pay per month</th>
            </tr>
          </thead>
          <tbody>
            {inForce.map((enrollment) => (
              <tr key={enrollment.id}>
                <th scope="row">
                  {formatCode(enrollment.benefitProduct.category)}
                  <span>{enrollment.selectedPlan?.name}</span>
                  <span>through {formatDate(enrollment.coverageEndDate!)}</span>
                </th>
                <td>
                  {formatTier(enrollment.coverageTier!)}
                  <span>{formatList(enrollment.enrolledDependents.map(({ firstName }) => firstName))}</span>
                </td>
                <td>
                  {formatCents(enrollment.employeeContributionCents!)}
                  <span>employer {formatCents(enrollment.employerContributionCents!)}</span>
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={2}>
                Total
              </th>
              <td>
                {formatCents(sum(inForce.map((each) => each.employeeContributionCents)))}
                <span>employer {formatCents(sum(inForce.map((each) => each.employerContributionCents)))}</span>
              </td>
            </tr>
          </tfoot>
        </table>
      )}
    </section>
  );
}
