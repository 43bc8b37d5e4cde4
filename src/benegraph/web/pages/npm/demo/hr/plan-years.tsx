// The list of plan years, grouped by status, each with its progress. The links select one of them.
import { formatDates } from "../common/format";
import { graphql } from "../generated";
import type { PlanYearSummaryFragment } from "../generated/graphql";
import { Progress } from "./charts";

export type PlanYear = PlanYearSummaryFragment;

// Apollo Client merges this fragment of a payload into the cached plan year, so that every bar follows each change.
graphql(`
  fragment PlanYearSummary on PlanYear {
    id
    status
    coverageStart
    coverageEnd
    openEnrollmentStart
    openEnrollmentEnd
    renewal
    version
    benefitProduct {
      id
      name
    }
    participation {
      asOf
      issued
      pending
      enrolled
      waived
      lapsed
      ended
      pendingReissues
      employeeCents
      employerCents
    }
  }
`);

// In the order in which HR needs them.
const GROUPS = [
  { status: "OPEN_ENROLLMENT", title: "Open enrollment" },
  { status: "DRAFT", title: "Draft" },
  { status: "ACTIVE", title: "Enrollment closed" },
  { status: "EXPIRED", title: "Past" },
] as const;

export const STATUS_TITLES = Object.fromEntries(GROUPS.map(({ status, title }) => [status, title]));

/** Sort plan years by group, and each group by its start, the newest first. */
export function sortPlanYears(planYears: PlanYear[]): PlanYear[] {
  return GROUPS.flatMap(({ status }) =>
    planYears
      .filter((planYear) => planYear.status === status)
      .sort((one, other) => other.coverageStart.localeCompare(one.coverageStart)),
  );
}

export function PlanYearList({ planYears, selectedId }: { planYears: PlanYear[]; selectedId?: string }) {
  return (
    <nav aria-label="Plan years" className="plan-year-list">
      {GROUPS.map(({ status, title }) => {
        const group = planYears.filter((planYear) => planYear.status === status);
        return (
          group.length > 0 && (
            <details key={status} open={status !== "EXPIRED" || group.some(({ id }) => id === selectedId)}>
              <summary>
                {title} ({group.length})
              </summary>
              <ul>
                {group.map((planYear) => (
                  <li key={planYear.id}>
                    <PlanYearLink planYear={planYear} isSelected={planYear.id === selectedId} />
                  </li>
                ))}
              </ul>
            </details>
          )
        );
      })}
    </nav>
  );
}

function PlanYearLink({ planYear, isSelected }: { planYear: PlanYear; isSelected: boolean }) {
  const { id, benefitProduct, coverageStart, coverageEnd, participation } = planYear;
  return (
    <a href={`#${id}`} aria-current={isSelected || undefined}>
      <strong>{benefitProduct.name}</strong>
      <span className="faint">{formatDates(coverageStart, coverageEnd)}</span>
      {participation && participation.issued > 0 && <Progress participation={participation} />}
    </a>
  );
}
