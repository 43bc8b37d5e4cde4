// The summary beside the choices: the prices so far, and then the preview that the gateway returned.
import { useEffect, useRef } from "react";

import { formatCents, formatCode, formatDate, formatList } from "../common/format";
import type { ElectionPreview } from "./election-form";
import { type Enrollment, formatTier, sum } from "./enrollment";
import { type Choice, tierOf } from "./enrollment-choice";
import type { Employee } from "./page";

interface SummaryProperties {
  chosen: Enrollment[];
  choices: Record<string, Choice>;
  employee: Employee;
  isPending: boolean;
  onReview: () => void;
}

/** Show the choices with the prices that the page already has. Only the preview is binding. */
export function Summary({ chosen, choices, employee, isPending, onReview }: SummaryProperties) {
  const lines = chosen.map((enrollment) => {
    const choice = choices[enrollment.id]!;
    const offer = enrollment.eligiblePlans.find(({ plan }) => plan.id === choice.planId);
    const cost = offer?.costs.find(({ coverageTier }) => coverageTier === tierOf(choice, employee));
    return { enrollment, choice, name: offer?.plan.name, cents: cost?.employeeContributionCents };
  });
  return (
    <>
      <h3>Your election</h3>
      {lines.length === 0 && <p className="empty">Nothing chosen yet.</p>}
      <dl className="amounts">
        {lines.map(({ enrollment, choice, name, cents }) => (
          <div key={enrollment.id}>
            <dt>
              {formatCode(enrollment.benefitProduct.category)}
              <span>{choice.isWaived ? "Waived" : (name ?? "No plan yet")}</span>
            </dt>
            <dd>{cents == null ? "–" : formatCents(cents)}</dd>
          </div>
        ))}
        <div className="total">
          <dt>Your share per month</dt>
          <dd>{formatCents(sum(lines.map(({ cents }) => cents)))}</dd>
        </div>
      </dl>
      <button type="button" className="primary" disabled={isPending} onClick={onReview}>
        {isPending ? "Checking …" : "Preview"}
      </button>
    </>
  );
}

interface PreviewProperties {
  previews: ElectionPreview[];
  enrollments: Enrollment[];
  isPending: boolean;
  onConfirm: () => void;
}

/** Show the effects of the election as the gateway computed them. Nothing is stored until it is confirmed. */
export function Preview({ previews, enrollments, isPending, onConfirm }: PreviewProperties) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <>
      <h3 tabIndex={-1} ref={heading}>
        Preview
      </h3>
      {previews.map((preview) => (
        <div className="preview" key={preview.enrollmentId}>
          <h4>{benefitOf(enrollments, preview)}</h4>
          {preview.selectedPlan ? (
            <dl className="amounts">
              <Line term="Plan" text={preview.selectedPlan.name} />
              <Line term="Coverage starts" text={formatDate(preview.coverageStartDate!)} />
              <Line term="Covers" text={formatTier(preview.coverageTier!)} />
              {preview.dependents.length > 0 && (
                <Line term="Dependents" text={formatList(preview.dependents.map(({ firstName }) => firstName))} />
              )}
              <Line term="Employer’s share" text={formatCents(preview.employerContributionCents!)} />
              <Line term="Your share" text={formatCents(preview.employeeContributionCents!)} />
            </dl>
          ) : (
            <p>Waived: no coverage.</p>
          )}
        </div>
      ))}
      <dl className="amounts">
        <div className="total">
          <dt>Your share per month</dt>
          <dd>{formatCents(sum(previews.map(({ employeeContributionCents }) => employeeContributionCents)))}</dd>
        </div>
      </dl>
      <button type="button" className="primary" disabled={isPending} onClick={onConfirm}>
        {isPending ? "Storing …" : "Confirm election"}
      </button>
      <p className="hint">Nothing is stored until you confirm. Change a choice to go back.</p>
    </>
  );
}

function benefitOf(enrollments: Enrollment[], { enrollmentId }: ElectionPreview): string {
  const enrollment = enrollments.find(({ id }) => id === enrollmentId);
  return enrollment ? formatCode(enrollment.benefitProduct.category) : "";
}

function Line({ term, text }: { term: string; text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}
