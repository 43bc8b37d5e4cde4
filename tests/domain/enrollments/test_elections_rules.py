"""Elections: what a good answer comes to, and every broken rule by its code and the path of its field."""

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
    broken,
    decided,
    eligibility,
    enroll,
    facts,
    offer,
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

GOOD = offer()

# ---------------------------------------------------------------------------------------------- good answers


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
@pytest.mark.parametrize("named", [False, True, None], ids=["left out", "named", "UNSPECIFIED"])
def test_an_enrollment_comes_to_its_plan_tier_and_shares(
    dependents: tuple[str, ...], cost: PremiumCost, named: bool | None
) -> None:
    tier = {False: None, True: cost.coverage_tier, None: UNSPECIFIED}[named]
    answer = decided(evaluate_election(enroll(*dependents, tier=tier), GOOD, TODAY))
    assert (answer.decision, answer.plan_id, answer.cost) == (ENROLLED, "gold", cost)
    assert tuple(dependent.id for dependent in answer.dependents) == dependents


def test_each_dependent_is_covered_as_long_as_age_allows() -> None:
    answer = decided(evaluate_election(enroll("last-year", "spouse", "disabled", "child"), GOOD, TODAY))
    assert answer.dependents == (
        CoveredDependent("last-year", date(2027, 1, 31)),
        CoveredDependent("spouse", None),
        CoveredDependent("disabled", None),
        CoveredDependent("child", date(2041, 6, 30)),
    )


def test_a_plan_without_rates_costs_both_contributions() -> None:
    answer = decided(evaluate_election(enroll("spouse", "child", plan="flat"), GOOD, TODAY))
    assert answer.cost == PremiumCost(EF, 20_000, 90_000)


@pytest.mark.parametrize("tier", [None, UNSPECIFIED])
def test_a_waiver_comes_to_nothing_more(tier: CoverageTier | None) -> None:
    assert evaluate_election(waive(coverage_tier=tier), GOOD, TODAY) == AcceptedElection(WAIVED)


def test_whoever_is_not_eligible_may_waive() -> None:
    nobody = offer(eligibility=eligibility(part_time=True), classes=(), plans={})
    assert evaluate_election(waive(), nobody, TODAY) == AcceptedElection(WAIVED)


# ---------------------------------------------------------------------------------------------- when, and once

NOT_PENDING = (ErrorCode.ENROLLMENT_NOT_PENDING, "enrollmentId")
NOT_OPEN = (ErrorCode.WINDOW_NOT_OPEN, "enrollmentId")
STALE = (ErrorCode.VERSION_CONFLICT, "expectedVersion")


@pytest.mark.parametrize("choice", [enroll(), waive()], ids=["enroll", "waive"])
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
def test_an_answer_is_taken_from_the_first_through_the_last_day_of_its_window(
    choice: Election, today: date, expected: list[tuple[ErrorCode, str]]
) -> None:
    assert broken(evaluate_election(choice, GOOD, today)) == expected
    assert broken(check_window(FACTS, today)) == expected


@pytest.mark.parametrize("choice", [enroll(), waive()], ids=["enroll", "waive"])
@pytest.mark.parametrize(
    ("enrollment", "today", "expected"),
    [
        (facts(decision=ENROLLED), TODAY, [NOT_PENDING]),
        (facts(decision=WAIVED), TODAY, [NOT_PENDING]),
        (facts(closed_on=TODAY - ONE_DAY), TODAY, [NOT_PENDING]),
        (facts(closed_on=TODAY), TODAY, [NOT_PENDING]),
        (facts(closed_on=TODAY + ONE_DAY), TODAY, []),
        (facts(decision=ENROLLED), date(2026, 12, 1), [NOT_PENDING, NOT_OPEN]),
        # A window may run past the plan year; nobody enrolls for days that are all over.
        (facts(plan_year_ends_on=TODAY), TODAY, []),
        (facts(plan_year_ends_on=TODAY - ONE_DAY), TODAY, [NOT_PENDING]),
    ],
)
def test_only_a_pending_enrollment_is_answered(
    choice: Election, enrollment: ElectionOffer, today: date, expected: list[tuple[ErrorCode, str]]
) -> None:
    assert broken(evaluate_election(choice, enrollment, today)) == expected


@pytest.mark.parametrize(("version", "expected"), [(None, []), (2, [STALE]), (3, []), (4, [STALE])])
def test_a_stale_version_is_a_conflict(version: int | None, expected: list[tuple[ErrorCode, str]]) -> None:
    assert broken(evaluate_election(enroll(expected_version=version), GOOD, TODAY)) == expected
    assert broken(evaluate_election(waive(expected_version=version), GOOD, TODAY)) == expected


# ---------------------------------------------------------------------------------------------- what is chosen


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        # The plan.
        (enroll(plan=None), [(ErrorCode.PLAN_REQUIRED, "selectedPlanId")]),
        (enroll(plan="platinum"), [(ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId")]),
        (enroll(plan="GOLD"), [(ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId")]),  # the carrier's code is no id
        (enroll(plan=""), [(ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId")]),
        # The tier.
        (enroll("spouse", plan="family"), [(ErrorCode.TIER_NOT_OFFERED, "coverageTier")]),
        (enroll("spouse", plan="family", tier=ES), [(ErrorCode.TIER_NOT_OFFERED, "coverageTier")]),
        # Where tier and dependents are at odds, nobody knows which of them to price.
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
        (enroll("child", "nobody"), [(ErrorCode.NOT_FOUND, "dependentIds.1")]),
        (
            enroll("child", "nobody", "nobody"),
            [(ErrorCode.NOT_FOUND, "dependentIds.1"), (ErrorCode.INVALID_INPUT, "dependentIds.2")],
        ),
        (enroll("stranger"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("former"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("child", "gone"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.1")]),
        (enroll("aged-out"), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("last-year"), []),
        (enroll("disabled"), []),
        # Of a family that is not known the tier is not known either.
        (enroll("spouse", "nobody", plan="family", tier=EF), [(ErrorCode.NOT_FOUND, "dependentIds.1")]),
        (enroll("spouse", "stranger", plan="family", tier=EF), [(ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.1")]),
        # A waiver selects nothing.
        (waive(selected_plan_id="gold"), [(ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId")]),
        (waive(selected_plan_id="platinum"), [(ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId")]),
        (waive(coverage_tier=EE), [(ErrorCode.INVALID_INPUT, "coverageTier")]),
        (waive(dependent_ids=("child",)), [(ErrorCode.INVALID_INPUT, "dependentIds")]),
        (
            waive(selected_plan_id="gold", coverage_tier=EC, dependent_ids=("nobody",), expected_version=1),
            [
                STALE,
                (ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId"),
                (ErrorCode.INVALID_INPUT, "coverageTier"),
                (ErrorCode.INVALID_INPUT, "dependentIds"),
            ],
        ),
    ],
)
def test_a_choice_is_refused_at_the_field_that_breaks_the_rule(
    choice: Election, expected: list[tuple[ErrorCode, str]]
) -> None:
    assert broken(evaluate_election(choice, GOOD, TODAY)) == expected


# ---------------------------------------------------------------------------------------------- what is offered


@pytest.mark.parametrize(
    "judged",
    [
        eligibility(terminated_on=date(2027, 1, 1)),
        eligibility(part_time=True),
        eligibility(hired_on=date(2027, 1, 2)),
        eligibility(date(2028, 1, 1)),
    ],
    ids=["terminated", "class without contributions", "still waits", "past the plan year"],
)
def test_whoever_is_not_eligible_is_refused(judged: object) -> None:
    assert broken(evaluate_election(enroll(), offer(eligibility=judged), TODAY)) == [
        (ErrorCode.NOT_ELIGIBLE, "enrollmentId")
    ]


def test_a_tier_without_contributions_is_not_offered() -> None:
    family_alone = offer(classes=CLASSES[1:])
    assert broken(evaluate_election(enroll("spouse", "child"), family_alone, TODAY)) == []
    assert broken(evaluate_election(enroll("spouse"), family_alone, TODAY)) == [
        (ErrorCode.TIER_NOT_OFFERED, "coverageTier")
    ]


def test_every_broken_rule_is_told_at_once() -> None:
    hopeless = offer(
        facts=facts(decision=WAIVED).facts,
        eligibility=eligibility(part_time=True),
        employment_class=PART_TIME,
    )
    choice = enroll("aged-out", "nobody", "stranger", "aged-out", plan="platinum", tier=EF, expected_version=1)
    assert broken(evaluate_election(choice, hopeless, TODAY + timedelta(days=30))) == [
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
