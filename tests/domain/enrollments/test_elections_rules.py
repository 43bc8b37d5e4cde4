"""Elections: the accepted result, and each violation by its code and field path."""

from datetime import date, timedelta

import pytest
from election_builders import (
    CLASSES,
    EC,
    EE,
    EF,
    ENROLLED,
    ES,
    FACTS,
    PART_TIME,
    TODAY,
    UNSPECIFIED,
    WAIVED,
    accepted,
    eligibility,
    enroll,
    offer_with,
    offer_with_facts,
    waive,
)

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    CoveredDependent,
    Election,
    ElectionOffer,
    check_window,
    evaluate_election,
)
from benegraph.domain.errors import ErrorCode
from benegraph.domain.plan_years import PremiumCost
from benegraph.domain.values import ONE_DAY
from violations import CodeAndField, codes_and_fields

PLAIN_OFFER = offer_with()

# ------------------------------------------------------------------------------------------ accepted elections


@pytest.mark.parametrize(
    ("dependents", "cost"),
    [
        ((), PremiumCost(EE, 27_700, 50_000)),
        (("spouse",), PremiumCost(ES, 109_285, 50_000)),
        (("child",), PremiumCost(EC, 93_745, 50_000)),
        (("child", "baby", "disabled"), PremiumCost(EC, 93_745, 50_000)),
        (("spouse", "child"), PremiumCost(EF, 135_330, 90_000)),
        (("baby", "spouse", "child"), PremiumCost(EF, 135_330, 90_000)),
    ],
)
@pytest.mark.parametrize("tier_input", ["left out", "stated", "UNSPECIFIED"])
def test_accepted_enrollment_has_plan_tier_and_shares(
    dependents: tuple[str, ...], cost: PremiumCost, tier_input: str
) -> None:
    tier = {"left out": None, "stated": cost.coverage_tier, "UNSPECIFIED": UNSPECIFIED}[tier_input]
    answer = accepted(evaluate_election(enroll(*dependents, tier=tier), PLAIN_OFFER, TODAY))
    assert (answer.decision, answer.plan_id, answer.cost) == (ENROLLED, "gold", cost)
    assert tuple(dependent.id for dependent in answer.dependents) == dependents


def test_dependents_are_covered_until_they_age_out() -> None:
    answer = accepted(evaluate_election(enroll("last-year", "spouse", "disabled", "child"), PLAIN_OFFER, TODAY))
    assert answer.dependents == (
        CoveredDependent("last-year", date(2027, 1, 31)),
        CoveredDependent("spouse", None),
        CoveredDependent("disabled", None),
        CoveredDependent("child", date(2041, 6, 30)),
    )


def test_plan_without_rates_costs_the_sum_of_contributions() -> None:
    answer = accepted(evaluate_election(enroll("spouse", "child", plan="flat"), PLAIN_OFFER, TODAY))
    assert answer.cost == PremiumCost(EF, 20_000, 90_000)


@pytest.mark.parametrize("tier", [None, UNSPECIFIED])
def test_waiver_has_no_plan_cost_or_dependents(tier: CoverageTier | None) -> None:
    assert evaluate_election(waive(coverage_tier=tier), PLAIN_OFFER, TODAY) == AcceptedElection(WAIVED)


def test_ineligible_employee_may_waive() -> None:
    ineligible = offer_with(eligibility=eligibility(part_time=True), classes=(), plans={})
    assert evaluate_election(waive(), ineligible, TODAY) == AcceptedElection(WAIVED)


# ------------------------------------------------------------------------------------ window, status, version

NOT_PENDING = (ErrorCode.ENROLLMENT_NOT_PENDING, "enrollmentId")
NOT_OPEN = (ErrorCode.WINDOW_NOT_OPEN, "enrollmentId")
STALE = (ErrorCode.VERSION_CONFLICT, "expectedVersion")


@pytest.mark.parametrize("election", [enroll(), waive()], ids=["enroll", "waive"])
@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 10, 31), [NOT_OPEN]),
        (date(2026, 11, 1), []),
        (date(2026, 11, 2), []),
        (date(2026, 11, 29), []),
        (date(2026, 11, 30), []),
        (date(2026, 12, 1), [NOT_OPEN]),
    ],
)
def test_election_is_accepted_from_first_through_last_day_of_window(
    election: Election, today: date, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(evaluate_election(election, PLAIN_OFFER, today)) == expected
    assert codes_and_fields(check_window(FACTS, today)) == expected


@pytest.mark.parametrize("election", [enroll(), waive()], ids=["enroll", "waive"])
@pytest.mark.parametrize(
    ("enrollment", "today", "expected"),
    [
        (offer_with_facts(decision=ENROLLED), TODAY, [NOT_PENDING]),
        (offer_with_facts(decision=WAIVED), TODAY, [NOT_PENDING]),
        (offer_with_facts(closed_on=TODAY - ONE_DAY), TODAY, [NOT_PENDING]),
        (offer_with_facts(closed_on=TODAY), TODAY, [NOT_PENDING]),
        (offer_with_facts(closed_on=TODAY + ONE_DAY), TODAY, []),
        (offer_with_facts(decision=ENROLLED), date(2026, 12, 1), [NOT_PENDING, NOT_OPEN]),
        # A window may extend past the plan year.
        (offer_with_facts(plan_year_ends_on=TODAY - ONE_DAY), TODAY, []),
    ],
)
def test_election_on_an_enrollment_that_is_not_pending_is_refused(
    election: Election, enrollment: ElectionOffer, today: date, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(evaluate_election(election, enrollment, today)) == expected


@pytest.mark.parametrize(("version", "expected"), [(None, []), (2, [STALE]), (3, []), (4, [STALE])])
def test_stale_version_is_a_conflict(version: int | None, expected: list[CodeAndField]) -> None:
    assert codes_and_fields(evaluate_election(enroll(expected_version=version), PLAIN_OFFER, TODAY)) == expected
    assert codes_and_fields(evaluate_election(waive(expected_version=version), PLAIN_OFFER, TODAY)) == expected


# ------------------------------------------------------------------------------ plan, tier and dependents


@pytest.mark.parametrize(
    ("election", "expected"),
    [
        # The plan.
        (enroll(plan=None), [(ErrorCode.PLAN_REQUIRED, "selectedPlanId")]),
        (enroll(plan="platinum"), [(ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId")]),
        (enroll(plan="GOLD"), [(ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId")]),  # the carrier's ID is not a plan ID
        (enroll(plan=""), [(ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId")]),
        # The tier.
        (enroll("spouse", plan="family"), [(ErrorCode.TIER_NOT_OFFERED, "coverageTier")]),
        (enroll("spouse", plan="family", tier=ES), [(ErrorCode.TIER_NOT_OFFERED, "coverageTier")]),
        # If tier and dependents disagree, no price is looked up.
        (enroll("spouse", plan="family", tier=EF), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", "spouse-2", plan="family"), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "dependentIds")]),
        (enroll(tier=ES), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", tier=EE), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", tier=EF), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("child", tier=ES), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", "child", tier=EC), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        # The dependents.
        (enroll("spouse", "spouse-2"), [(ErrorCode.TIER_DEPENDENTS_MISMATCH, "dependentIds")]),
        (
            enroll("spouse", "spouse-2", "child", tier=ES),
            [
                (ErrorCode.TIER_DEPENDENTS_MISMATCH, "dependentIds"),
                (ErrorCode.TIER_DEPENDENTS_MISMATCH, "coverageTier"),
            ],
        ),
        (enroll("child", "child"), [(ErrorCode.INVALID_INPUT, "dependentIds.1")]),
        (enroll("spouse", "child", "spouse", tier=EF), [(ErrorCode.INVALID_INPUT, "dependentIds.2")]),
        (enroll("child", "unknown"), [(ErrorCode.NOT_FOUND, "dependentIds.1")]),
        (
            enroll("child", "unknown", "unknown"),
            [(ErrorCode.NOT_FOUND, "dependentIds.1"), (ErrorCode.INVALID_INPUT, "dependentIds.2")],
        ),
        (enroll("unrelated"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("former"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("child", "gone"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.1")]),
        (enroll("aged-out"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("last-year"), []),
        (enroll("disabled"), []),
        # With unknown dependents the tier is uncertain, so it is not checked.
        (enroll("spouse", "unknown", plan="family", tier=EF), [(ErrorCode.NOT_FOUND, "dependentIds.1")]),
        (
            enroll("spouse", "unrelated", plan="family", tier=EF),
            [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.1")],
        ),
        # A waiver has no plan, tier or dependents.
        (waive(selected_plan_id="gold"), [(ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId")]),
        (waive(selected_plan_id="platinum"), [(ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId")]),
        (waive(coverage_tier=EE), [(ErrorCode.INVALID_INPUT, "coverageTier")]),
        (waive(dependent_ids=("child",)), [(ErrorCode.INVALID_INPUT, "dependentIds")]),
        (
            waive(selected_plan_id="gold", coverage_tier=EC, dependent_ids=("unknown",), expected_version=1),
            [
                STALE,
                (ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId"),
                (ErrorCode.INVALID_INPUT, "coverageTier"),
                (ErrorCode.INVALID_INPUT, "dependentIds"),
            ],
        ),
    ],
)
def test_violation_has_the_path_of_the_offending_field(election: Election, expected: list[CodeAndField]) -> None:
    assert codes_and_fields(evaluate_election(election, PLAIN_OFFER, TODAY)) == expected


# --------------------------------------------------------------------------------------- eligibility and offer


@pytest.mark.parametrize(
    "eligibility_result",
    [
        eligibility(terminated_on=date(2027, 1, 1)),
        eligibility(part_time=True),
        eligibility(hired_on=date(2027, 1, 2)),
        eligibility(date(2028, 1, 1)),
    ],
    ids=["terminated", "class without contributions", "still waits", "past the plan year"],
)
def test_ineligible_employee_may_not_enroll(eligibility_result: object) -> None:
    assert codes_and_fields(evaluate_election(enroll(), offer_with(eligibility=eligibility_result), TODAY)) == [
        (ErrorCode.NOT_ELIGIBLE, "enrollmentId")
    ]


def test_tier_without_contribution_class_is_not_offered() -> None:
    family_tier_only = offer_with(classes=CLASSES[1:])
    assert codes_and_fields(evaluate_election(enroll("spouse", "child"), family_tier_only, TODAY)) == []
    assert codes_and_fields(evaluate_election(enroll("spouse"), family_tier_only, TODAY)) == [
        (ErrorCode.TIER_NOT_OFFERED, "coverageTier")
    ]


def test_all_violations_are_reported_at_once() -> None:
    ineligible = offer_with(
        facts=offer_with_facts(decision=WAIVED).facts,
        eligibility=eligibility(part_time=True),
        employment_class=PART_TIME,
    )
    election = enroll("aged-out", "unknown", "unrelated", "aged-out", plan="platinum", tier=EF, expected_version=1)
    assert codes_and_fields(evaluate_election(election, ineligible, TODAY + timedelta(days=30))) == [
        NOT_PENDING,
        NOT_OPEN,
        STALE,
        (ErrorCode.NOT_ELIGIBLE, "enrollmentId"),
        (ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.0"),
        (ErrorCode.NOT_FOUND, "dependentIds.1"),
        (ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.2"),
        (ErrorCode.INVALID_INPUT, "dependentIds.3"),
        (ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId"),
    ]
