// The answers that can still be changed: their windows are open.
import { useId } from "react";

import { FieldErrors } from "../common/errors";
import { Failure } from "../common/failure";
import { formatCents, formatCode, formatDate, formatList } from "../common/format";
import { useSubmit } from "../common/submit";
import { graphql } from "../generated";
import { type Enrollment, formatTier, sum } from "./enrollment";

const REOPEN = graphql(`
  mutation ReopenElection($input: ReopenElectionInput!) {
    reopenElection(input: $input) {
      enrollment {
        ...EnrollmentFields
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

interface Properties {
  answered: Enrollment[];
  onReopened: (notice: string) => void;
}

export function Answers({ answered, onReopened }: Properties) {
  if (answered.length === 0) {
    return null;
  }
  const startDates = [...new Set(answered.map(({ effectiveDate }) => effectiveDate))];
  return (
    <section aria-labelledby="answers">
      <h2 id="answers">Your answers</h2>
      {startDates.map((date) => (
        <Total key={date} date={date} enrollments={answered.filter(({ effectiveDate }) => effectiveDate === date)} />
      ))}
      <ul className="cards">
        {answered.map((enrollment) => (
          <Answer key={enrollment.id} enrollment={enrollment} onReopened={onReopened} />
        ))}
      </ul>
    </section>
  );
}

function Total({ date, enrollments }: { date: string; enrollments: Enrollment[] }) {
  return (
    <p className="total">
      From {formatDate(date)} you pay{" "}
      <strong>{formatCents(sum(enrollments.map((each) => each.employeeContributionCents)))}</strong> per month, your
      employer {formatCents(sum(enrollments.map((each) => each.employerContributionCents)))}.
    </p>
  );
}

function Answer({ enrollment, onReopened }: { enrollment: Enrollment; onReopened: (notice: string) => void }) {
  const id = useId();
  const { submit, errors, failure, isPending } = useSubmit(REOPEN);
  const benefit = formatCode(enrollment.benefitProduct.category);
  const dependents = enrollment.enrolledDependents.map(({ firstName }) => firstName);

  async function reopen() {
    if (await submit({ enrollmentId: enrollment.id, expectedVersion: enrollment.version })) {
      onReopened(`${benefit} is open again. Your earlier answer is withdrawn.`);
    }
  }

  return (
    <li className="card">
      <h3 id={id}>
        {benefit} from {formatDate(enrollment.effectiveDate)}
      </h3>
      {enrollment.selectedPlan && enrollment.coverageTier ? (
        <>
          <p>
            <strong>{enrollment.selectedPlan.name}</strong>
          </p>
          <p>
            {formatTier(enrollment.coverageTier)}
            {dependents.length > 0 && `: ${formatList(dependents)}`}
          </p>
          <p>
            You pay <strong>{formatCents(enrollment.employeeContributionCents!)}</strong>, your employer{" "}
            {formatCents(enrollment.employerContributionCents!)}.
          </p>
        </>
      ) : (
        <p>
          <strong>Waived</strong>
        </p>
      )}
      <footer>
        <button type="button" disabled={isPending} aria-describedby={id} onClick={reopen}>
          Reopen
        </button>
        <span>until {formatDate(enrollment.electionWindow.closesOn)}</span>
      </footer>
      <FieldErrors errors={errors} />
      {failure && <Failure error={failure} onRetry={reopen} />}
    </li>
  );
}
