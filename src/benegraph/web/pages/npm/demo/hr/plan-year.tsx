// One plan year in detail: its figures, elected tiers and plans, who has not answered, and its change of status.
import { useQuery } from "@apollo/client/react";
import { useEffect, useRef } from "react";

import { formatCents, formatDates } from "../common/format";
import { Loaded } from "../common/loaded";
import { graphql } from "../generated";
import type { PlanYearMixFragment } from "../generated/graphql";
import { BarChart, Progress } from "./charts";
import { type PlanYear, STATUS_TITLES } from "./plan-years";
import { StatusChange } from "./status-change";
import { Unanswered } from "./unanswered";

graphql(`
  fragment PlanYearMix on PlanYear {
    participation {
      byTier {
        coverageTier
        enrolled
        employerCents
      }
      byPlan {
        plan {
          id
          name
        }
        enrolled
        employerCents
      }
    }
  }
`);

const DETAILS = graphql(`
  query HrPlanYear($id: ID!) {
    planYear(id: $id) {
      id
      ...PlanYearMix
    }
  }
`);

const TIERS = { EE: "Employee", ES: "With spouse", EC: "With children", EF: "Family", UNSPECIFIED: "" };

interface Properties {
  planYear: PlanYear;
  /** Whether the visitor chose this plan year, rather than the page. */
  isChosen: boolean;
}

export function PlanYearDetails({ planYear, isChosen }: Properties) {
  const { id, benefitProduct, coverageStart, coverageEnd, openEnrollmentStart, openEnrollmentEnd } = planYear;
  const heading = useRef<HTMLHeadingElement>(null);
  // Whoever follows a link of the list continues here, also with the keyboard, a screen reader or a small screen.
  useEffect(() => {
    if (isChosen) {
      heading.current?.focus();
    }
  }, [isChosen]);
  return (
    <article className="plan-year" aria-labelledby="plan-year-heading">
      <header>
        <div>
          <h2 id="plan-year-heading" ref={heading} tabIndex={-1}>
            {benefitProduct.name} <span className="badge">{STATUS_TITLES[planYear.status]}</span>
          </h2>
          <p className="faint">
            Coverage {formatDates(coverageStart, coverageEnd)}
            <br />
            Open enrollment {formatDates(openEnrollmentStart, openEnrollmentEnd)}
          </p>
        </div>
        <StatusChange planYear={planYear} />
      </header>
      <Figures planYear={planYear} />
      <Loaded result={useQuery(DETAILS, { variables: { id } })}>
        {(details) => <Mix participation={details.planYear?.participation} />}
      </Loaded>
      {planYear.participation && planYear.participation.issued > 0 && (
        <Unanswered planYearId={id} reissues={planYear.participation.pendingReissues} />
      )}
    </article>
  );
}

function Figures({ planYear: { participation } }: { planYear: PlanYear }) {
  if (!participation || participation.issued === 0) {
    return <p>No enrollments yet. Opening the plan year issues one to every eligible employee.</p>;
  }
  const { issued, ended, enrolled, waived, employerCents, employeeCents } = participation;
  const share = Math.round((100 * (enrolled + waived)) / Math.max(1, issued - ended));
  return (
    <>
      <dl className="figures">
        <div>
          <dt>Answered</dt>
          <dd>
            {enrolled + waived} of {issued - ended} <span className="faint">({share}%)</span>
          </dd>
        </div>
        <div>
          <dt>You pay monthly</dt>
          <dd>{formatCents(employerCents)}</dd>
        </div>
        <div>
          <dt>Employees pay monthly</dt>
          <dd>{formatCents(employeeCents)}</dd>
        </div>
      </dl>
      <Progress participation={participation} />
    </>
  );
}

function Mix({ participation }: { participation?: PlanYearMixFragment["participation"] }) {
  if (!participation || participation.byTier.length === 0) {
    return null;
  }
  return (
    <div className="mix">
      <BarChart
        caption="Coverage tiers"
        bars={participation.byTier.map(({ coverageTier, enrolled, employerCents }) => ({
          id: coverageTier,
          label: TIERS[coverageTier],
          count: enrolled,
          amount: formatCents(employerCents),
        }))}
      />
      <BarChart
        caption="Plans"
        bars={participation.byPlan.map(({ plan, enrolled, employerCents }) => ({
          id: plan.id,
          label: plan.name,
          count: enrolled,
          amount: formatCents(employerCents),
        }))}
      />
    </div>
  );
}
