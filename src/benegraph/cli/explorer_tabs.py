"""How the demo's explorer opens: as whom one may ask, and tabs with the main jobs, each to be run as it stands."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import strawberry

from benegraph.demo import DemoIds
from benegraph.domain.values import ONE_DAY, add_years
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.web.explorer import ExplorerConfig, Persona, Tab

TAB_DATA_QUERY = """
query($employee: ID!, $pending: [ID!]!) {
  employee(id: $employee) {
    id
    firstName
    lastName
    employer { id name }
    dependents { id active }
    qualifyingLifeEvents { id status }
    enrollments(first: 100) {
      nodes { id replaces { id } benefitProduct { id } planYear { coverageEnd } }
    }
  }
  nodes(ids: $pending) {
    ... on Enrollment {
      id
      benefitProduct { id }
      eligiblePlans { plan { id } costs { coverageTier } }
      planYear {
        coverageStart
        coverageEnd
        contributionClasses { employment familyStatus employeeContributionCents employerContributionCents }
      }
    }
  }
}
"""

ENROLLMENTS = """\
# An employee, their enrollments, and the plan of each.

query EnrollmentsAndPlans($employee: ID!) {
  employee(id: $employee) {
    firstName
    lastName
    employer { name }
    dependents { firstName relationship dateOfBirth }
    enrollments(
      first: 10
      filter: { status: [PENDING, ENROLLED, WAIVED] }
    ) {
      totalCount
      nodes {
        id
        status
        benefitProduct { name category }
        planYear { coverageStart coverageEnd }
        selectedPlan { name tier }
        coverageTier
        coverageStatus
        employeeContributionCents
        employerContributionCents
        dependentCoverage {
          dependent { firstName }
          coverageStart
          coverageEnd
        }
      }
    }
  }
}
"""

ELIGIBLE_PLANS = """\
# What may be chosen, until when,
# and what each plan would cost a month.

query EligiblePlans($enrollment: ID!) {
  enrollment(id: $enrollment) {
    status
    benefitProduct { name }
    electionWindow { opensOn closesOn isOpen reason }
    eligiblePlans {
      plan { id name tier deductibleCents outOfPocketMaxCents }
      costs {
        coverageTier
        employeeContributionCents
        employerContributionCents
        totalMonthlyPremiumCents
      }
    }
  }
}
"""

DRY_RUN = """\
# What an election would lead to: the same code runs
# as without dryRun, and nothing of it is kept.

mutation DryRunElection($input: ElectInput!) {
  elect(input: $input) {
    previews {
      status
      selectedPlan { name }
      coverageTier
      coverageStartDate
      coverageEndDate
      employeeContributionCents
      employerContributionCents
      dependents { firstName relationship }
    }
    userErrors { code message field }
  }
}
"""

ELECTION = """\
# An election that is kept. An earlier answer is taken
# back first, so that this can be run again; where there
# is none, reopenElection says so, and elect goes on.

mutation Election(
  $reopen: ReopenElectionInput!
  $elect: ElectInput!
) {
  reopenElection(input: $reopen) {
    enrollment { status }
    userErrors { code message }
  }
  elect(input: $elect) {
    enrollments {
      id
      status
      selectedPlan { name }
      coverageTier
      coverageStartDate
      coverageEndDate
      employeeContributionCents
      employerContributionCents
      enrolledDependents { firstName relationship }
    }
    userErrors { code message field }
  }
}
"""

REISSUE = """\
# A child was born: this year's answer may be changed.
# It stays in force until the new one takes effect.
# By its idempotencyKey this counts once: run again, it
# shows the same enrollment as it stands by then.

mutation Reissue($input: ReissueInput!) {
  reissue(input: $input) {
    enrollment {
      id
      status
      benefitProduct { name }
      effectiveDate
      electionWindow { opensOn closesOn isOpen reason }
      qualifyingLifeEvent { eventType eventDate }
    }
    replacedEnrollment {
      id
      status
      selectedPlan { name }
      coverageTier
      coverageEndDate
    }
    userErrors { code message field }
  }
}
"""

NEW_PLAN_YEAR = """\
# The year after, as a draft with the product's plans;
# openEnrollment would issue it to everyone eligible.

mutation NewPlanYear($input: CreatePlanYearInput!) {
  createPlanYear(input: $input) {
    planYear {
      id
      status
      benefitProduct { name }
      coverageStart
      coverageEnd
      openEnrollmentStart
      openEnrollmentEnd
      plans { name tier monthlyPremiumCents }
      contributionClasses {
        employment
        familyStatus
        employeeContributionCents
        employerContributionCents
      }
    }
    userErrors { code message field }
  }
}
"""


async def build_explorer_config(
    schema: strawberry.Schema, context: Context, handles: DemoIds, keys: Mapping[str, str]
) -> ExplorerConfig:
    """Lay out how the explorer opens, from what its administrator sees.

    The tabs are the same at every start, whatever was done in between: a browser that has them keeps what it made of
    them.
    """
    variables = {"employee": handles.employee_id, "pending": list(handles.pending_enrollment_ids)}
    answer = await execute(DocumentCache(schema), context, GraphQLRequest(TAB_DATA_QUERY, variables, trusted=True))
    employee, offered = answer["data"]["employee"], answer["data"]["nodes"]
    labels = {
        "administrator": "Administrator",
        "employer": f"Employer: {employee['employer']['name']}",
        "employee": f"Employee: {employee['firstName']} {employee['lastName']}",
    }
    personas = tuple(Persona(name, labels[name], key, handles.tenant_id) for name, key in keys.items())
    return ExplorerConfig(personas, _tabs(employee, offered))


def _tabs(employee: Mapping[str, Any], offered: Sequence[Mapping[str, Any]]) -> tuple[Tab, ...]:
    # Each job has an enrollment of its own, so that none spoils another. What is required is said even where it has a
    # default: the editor of variables would underline it else.
    medical, dental, vision = (offered[place % len(offered)] for place in range(3))
    family = [dependent["id"] for dependent in employee["dependents"] if dependent["active"]]
    trial = {"employeeId": employee["id"], "elections": [_election(vision, family)], "dryRun": True}
    election = {"employeeId": employee["id"], "elections": [_election(dental, family)], "dryRun": False}
    return (
        Tab(ENROLLMENTS, {"employee": employee["id"]}),
        Tab(ELIGIBLE_PLANS, {"enrollment": medical["id"]}),
        Tab(DRY_RUN, {"input": trial}),
        Tab(ELECTION, {"reopen": {"enrollmentId": dental["id"]}, "elect": election}),
        *_reissues(employee, medical),
        Tab(NEW_PLAN_YEAR, {"input": _next_plan_year(employee["employer"]["id"], medical)}),
    )


def _election(enrollment: Mapping[str, Any], family: list[str]) -> dict[str, Any]:
    """Choose the plan with the most tiers for the whole family; the employee alone, where there is none for more."""
    tiers = {
        offer["plan"]["id"]: {cost["coverageTier"] for cost in offer["costs"]} for offer in enrollment["eligiblePlans"]
    }
    if not tiers:
        return {"enrollmentId": enrollment["id"], "decision": "WAIVED"}
    plan = max(tiers, key=lambda plan: (len(tiers[plan]), plan))
    covered = family if "EF" in tiers[plan] else []
    return {
        "enrollmentId": enrollment["id"],
        "decision": "ENROLLED",
        "selectedPlanId": plan,
        "dependentIds": covered,
    }


def _reissues(employee: Mapping[str, Any], pending: Mapping[str, Any]) -> list[Tab]:
    """Reissue this year's enrollment in the product, by the oldest event that was approved."""
    events = [event["id"] for event in employee["qualifyingLifeEvents"] if event["status"] == "APPROVED"]
    earlier = [
        enrollment
        for enrollment in employee["enrollments"]["nodes"]
        if enrollment["benefitProduct"] == pending["benefitProduct"]
        and enrollment["replaces"] is None
        and enrollment["planYear"]["coverageEnd"] < pending["planYear"]["coverageStart"]
    ]
    if not (events and earlier):
        return []
    current = max(earlier, key=lambda enrollment: str(enrollment["planYear"]["coverageEnd"]))
    variables = {
        "enrollmentId": current["id"],
        "qualifyingLifeEventId": min(events),
        "reason": "A child is born.",
        "idempotencyKey": f"reissue-{current['id']}",
    }
    return [Tab(REISSUE, {"input": variables})]


def _next_plan_year(employer_id: str, enrollment: Mapping[str, Any]) -> dict[str, Any]:
    starts_on = date.fromisoformat(enrollment["planYear"]["coverageEnd"]) + ONE_DAY
    return {
        "benefitProductId": enrollment["benefitProduct"]["id"],
        "employerId": employer_id,
        "coverageStart": starts_on.isoformat(),
        "coverageEnd": (add_years(starts_on, 1) - ONE_DAY).isoformat(),
        "openEnrollmentStart": (starts_on - timedelta(days=45)).isoformat(),
        "openEnrollmentEnd": (starts_on - timedelta(days=17)).isoformat(),
        "contributionClasses": enrollment["planYear"]["contributionClasses"],
        "waitingPeriodDays": 30,
        "startsOnFirstOfMonth": False,
        "renewal": "PASSIVE",
        "idempotencyKey": f"plan-year-{starts_on.isoformat()}",
    }
