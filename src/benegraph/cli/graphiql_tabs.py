"""GraphiQL in the demo: the viewers to choose from, and tabs with the main operations, each ready to run."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import strawberry

from benegraph.demo import DemoIds
from benegraph.domain.values import ONE_DAY, add_years
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.web.pages import PagesConfig, Persona, Tab

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
# An employee's enrollments, each with its plan.

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
# The plans that can be chosen for an enrollment, the
# election window, and the monthly costs of each plan.

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
# Preview an election. With dryRun the same checks run,
# but nothing is stored.

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
# Elect a plan. To let you run this more than once,
# reopenElection first withdraws an earlier election. The
# first time there is none: reopenElection returns a user
# error, and elect still runs.

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
# Reissue this year's enrollment after the birth of a
# child. The current coverage stays in force until a new
# election takes effect. The idempotencyKey makes a
# second run return the same enrollment.

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
# Create a draft of the following plan year, with the
# plans of the product's carrier. The next step would be
# openEnrollment: it issues an enrollment to each
# eligible employee.

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


async def build_pages_config(
    schema: strawberry.Schema, context: Context, demo_ids: DemoIds, keys: Mapping[str, str]
) -> PagesConfig:
    """Build GraphiQL's viewers and tabs from the demo's data, read as the administrator.

    The tabs are the same at every start, whichever mutations have run, so that browsers keep the user's edits to them.
    """
    variables = {"employee": demo_ids.employee_id, "pending": list(demo_ids.pending_enrollment_ids)}
    response = await execute(DocumentCache(schema), context, GraphQLRequest(TAB_DATA_QUERY, variables, trusted=True))
    employee, enrollments = response["data"]["employee"], response["data"]["nodes"]
    labels = {
        "administrator": "Administrator",
        "employer": f"Employer: {employee['employer']['name']}",
        "employee": f"Employee: {employee['firstName']} {employee['lastName']}",
    }
    personas = tuple(Persona(name, labels[name], key, demo_ids.tenant_id) for name, key in keys.items())
    return PagesConfig(personas, _build_tabs(employee, enrollments))


def _build_tabs(employee: Mapping[str, Any], enrollments: Sequence[Mapping[str, Any]]) -> tuple[Tab, ...]:
    # The mutations use different enrollments, so that running one does not affect the others. Required fields with a
    # default, such as dryRun, are given too: GraphiQL's variable editor marks them as missing otherwise.
    medical, dental, vision = (enrollments[index % len(enrollments)] for index in range(3))
    dependent_ids = [dependent["id"] for dependent in employee["dependents"] if dependent["active"]]
    dry_run = {"employeeId": employee["id"], "elections": [_build_election(vision, dependent_ids)], "dryRun": True}
    election = {"employeeId": employee["id"], "elections": [_build_election(dental, dependent_ids)], "dryRun": False}
    return (
        Tab(ENROLLMENTS, {"employee": employee["id"]}),
        Tab(ELIGIBLE_PLANS, {"enrollment": medical["id"]}),
        Tab(DRY_RUN, {"input": dry_run}),
        Tab(ELECTION, {"reopen": {"enrollmentId": dental["id"]}, "elect": election}),
        *_build_reissue_tab(employee, medical),
        Tab(NEW_PLAN_YEAR, {"input": _build_plan_year_input(employee["employer"]["id"], medical)}),
    )


def _build_election(enrollment: Mapping[str, Any], dependent_ids: list[str]) -> dict[str, Any]:
    """Elect the plan with the most tiers, for the family if the plan has the tier EF; waive if there is no plan."""
    tiers = {
        eligible["plan"]["id"]: {cost["coverageTier"] for cost in eligible["costs"]}
        for eligible in enrollment["eligiblePlans"]
    }
    if not tiers:
        return {"enrollmentId": enrollment["id"], "decision": "WAIVED"}
    plan_id = max(tiers, key=lambda plan: (len(tiers[plan]), plan))
    return {
        "enrollmentId": enrollment["id"],
        "decision": "ENROLLED",
        "selectedPlanId": plan_id,
        "dependentIds": dependent_ids if "EF" in tiers[plan_id] else [],
    }


def _build_reissue_tab(employee: Mapping[str, Any], pending: Mapping[str, Any]) -> list[Tab]:
    """Reissue the current enrollment in the product of a pending one, by the first approved life event."""
    event_ids = [event["id"] for event in employee["qualifyingLifeEvents"] if event["status"] == "APPROVED"]
    earlier = [
        enrollment
        for enrollment in employee["enrollments"]["nodes"]
        if enrollment["benefitProduct"] == pending["benefitProduct"]
        and enrollment["replaces"] is None
        and enrollment["planYear"]["coverageEnd"] < pending["planYear"]["coverageStart"]
    ]
    if not (event_ids and earlier):
        return []
    current = max(earlier, key=lambda enrollment: str(enrollment["planYear"]["coverageEnd"]))
    variables = {
        "enrollmentId": current["id"],
        "qualifyingLifeEventId": min(event_ids),
        "reason": "A child is born.",
        "idempotencyKey": f"reissue-{current['id']}",
    }
    return [Tab(REISSUE, {"input": variables})]


def _build_plan_year_input(employer_id: str, enrollment: Mapping[str, Any]) -> dict[str, Any]:
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
