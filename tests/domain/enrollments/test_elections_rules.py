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
from benegraph.domain.enrollments.elections import Choice, CoveredDependent, Decided, Offer, check_window, decide
from benegraph.domain.errors import Code
from benegraph.domain.plan_years import Cost
from benegraph.domain.values import DAY

GOOD = offer()

# ---------------------------------------------------------------------------------------------- good answers


@pytest.mark.parametrize(
    ("dependents", "cost"),
    [
        ((), Cost(EE, 27_700, 50_000)),
        (("spouse",), Cost(ES, 109_285, 50_000)),
        (("child",), Cost(EC, 93_745, 50_000)),
        (("child", "baby", "disabled"), Cost(EC, 93_745, 50_000)),
        (("spouse", "child"), Cost(EF, 135_330, 90_000)),
        (("baby", "spouse", "child"), Cost(EF, 135_330, 90_000)),
    ],
)
@pytest.mark.parametrize("named", [False, True, None], ids=["left out", "named", "UNSPECIFIED"])
def test_an_enrollment_comes_to_its_plan_tier_and_shares(
    dependents: tuple[str, ...], cost: Cost, named: bool | None
) -> None:
    tier = {False: None, True: cost.coverage_tier, None: UNSPECIFIED}[named]
    answer = decided(decide(enroll(*dependents, tier=tier), GOOD, TODAY))
    assert (answer.decision, answer.plan_id, answer.cost) == (ENROLLED, "gold", cost)
    assert tuple(dependent.id for dependent in answer.dependents) == dependents


def test_each_dependent_is_covered_as_long_as_age_allows() -> None:
    answer = decided(decide(enroll("last-year", "spouse", "disabled", "child"), GOOD, TODAY))
    assert answer.dependents == (
        CoveredDependent("last-year", date(2027, 1, 31)),
        CoveredDependent("spouse", None),
        CoveredDependent("disabled", None),
        CoveredDependent("child", date(2041, 6, 30)),
    )


def test_a_plan_without_rates_costs_both_contributions() -> None:
    answer = decided(decide(enroll("spouse", "child", plan="flat"), GOOD, TODAY))
    assert answer.cost == Cost(EF, 20_000, 90_000)


@pytest.mark.parametrize("tier", [None, UNSPECIFIED])
def test_a_waiver_comes_to_nothing_more(tier: CoverageTier | None) -> None:
    assert decide(waive(coverage_tier=tier), GOOD, TODAY) == Decided(WAIVED)


def test_whoever_is_not_eligible_may_waive() -> None:
    nobody = offer(eligibility=eligibility(part_time=True), classes=(), plans={})
    assert decide(waive(), nobody, TODAY) == Decided(WAIVED)


# ---------------------------------------------------------------------------------------------- when, and once

NOT_PENDING = (Code.ENROLLMENT_NOT_PENDING, "enrollmentId")
NOT_OPEN = (Code.WINDOW_NOT_OPEN, "enrollmentId")
STALE = (Code.VERSION_CONFLICT, "expectedVersion")


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
    choice: Choice, today: date, expected: list[tuple[Code, str]]
) -> None:
    assert broken(decide(choice, GOOD, today)) == expected
    assert broken(check_window(FACTS, today)) == expected


@pytest.mark.parametrize("choice", [enroll(), waive()], ids=["enroll", "waive"])
@pytest.mark.parametrize(
    ("enrollment", "today", "expected"),
    [
        (facts(decision=ENROLLED), TODAY, [NOT_PENDING]),
        (facts(decision=WAIVED), TODAY, [NOT_PENDING]),
        (facts(closed_on=TODAY - DAY), TODAY, [NOT_PENDING]),
        (facts(closed_on=TODAY), TODAY, [NOT_PENDING]),
        (facts(closed_on=TODAY + DAY), TODAY, []),
        (facts(decision=ENROLLED), date(2026, 12, 1), [NOT_PENDING, NOT_OPEN]),
        # A window may run past the plan year; nobody enrolls for days that are all over.
        (facts(plan_year_ends_on=TODAY), TODAY, []),
        (facts(plan_year_ends_on=TODAY - DAY), TODAY, [NOT_PENDING]),
    ],
)
def test_only_a_pending_enrollment_is_answered(
    choice: Choice, enrollment: Offer, today: date, expected: list[tuple[Code, str]]
) -> None:
    assert broken(decide(choice, enrollment, today)) == expected


@pytest.mark.parametrize(("version", "expected"), [(None, []), (2, [STALE]), (3, []), (4, [STALE])])
def test_a_stale_version_is_a_conflict(version: int | None, expected: list[tuple[Code, str]]) -> None:
    assert broken(decide(enroll(expected_version=version), GOOD, TODAY)) == expected
    assert broken(decide(waive(expected_version=version), GOOD, TODAY)) == expected


# ---------------------------------------------------------------------------------------------- what is chosen


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        # The plan.
        (enroll(plan=None), [(Code.PLAN_REQUIRED, "selectedPlanId")]),
        (enroll(plan="platinum"), [(Code.PLAN_NOT_OFFERED, "selectedPlanId")]),
        (enroll(plan="GOLD"), [(Code.PLAN_NOT_OFFERED, "selectedPlanId")]),  # the carrier's code is no id
        (enroll(plan=""), [(Code.PLAN_NOT_OFFERED, "selectedPlanId")]),
        # The tier.
        (enroll("spouse", plan="family"), [(Code.TIER_NOT_OFFERED, "coverageTier")]),
        (enroll("spouse", plan="family", tier=ES), [(Code.TIER_NOT_OFFERED, "coverageTier")]),
        # Where tier and dependents are at odds, nobody knows which of them to price.
        (enroll("spouse", plan="family", tier=EF), [(Code.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", "spouse-2", plan="family"), [(Code.TIER_DEPENDENTS_MISMATCH, "dependentIds")]),
        (enroll(tier=ES), [(Code.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", tier=EE), [(Code.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", tier=EF), [(Code.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("child", tier=ES), [(Code.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        (enroll("spouse", "child", tier=EC), [(Code.TIER_DEPENDENTS_MISMATCH, "coverageTier")]),
        # The dependents.
        (enroll("spouse", "spouse-2"), [(Code.TIER_DEPENDENTS_MISMATCH, "dependentIds")]),
        (
            enroll("spouse", "spouse-2", "child", tier=ES),
            [(Code.TIER_DEPENDENTS_MISMATCH, "dependentIds"), (Code.TIER_DEPENDENTS_MISMATCH, "coverageTier")],
        ),
        (enroll("child", "child"), [(Code.INVALID_INPUT, "dependentIds.1")]),
        (enroll("spouse", "child", "spouse", tier=EF), [(Code.INVALID_INPUT, "dependentIds.2")]),
        (enroll("child", "nobody"), [(Code.NOT_FOUND, "dependentIds.1")]),
        (
            enroll("child", "nobody", "nobody"),
            [(Code.NOT_FOUND, "dependentIds.1"), (Code.INVALID_INPUT, "dependentIds.2")],
        ),
        (enroll("stranger"), [(Code.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("former"), [(Code.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("child", "gone"), [(Code.DEPENDENT_NOT_COVERABLE, "dependentIds.1")]),
        (enroll("aged-out"), [(Code.DEPENDENT_NOT_COVERABLE, "dependentIds.0")]),
        (enroll("last-year"), []),
        (enroll("disabled"), []),
        # Of a family that is not known the tier is not known either.
        (enroll("spouse", "nobody", plan="family", tier=EF), [(Code.NOT_FOUND, "dependentIds.1")]),
        (enroll("spouse", "stranger", plan="family", tier=EF), [(Code.DEPENDENT_NOT_COVERABLE, "dependentIds.1")]),
        # A waiver selects nothing.
        (waive(selected_plan_id="gold"), [(Code.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId")]),
        (waive(selected_plan_id="platinum"), [(Code.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId")]),
        (waive(coverage_tier=EE), [(Code.INVALID_INPUT, "coverageTier")]),
        (waive(dependent_ids=("child",)), [(Code.INVALID_INPUT, "dependentIds")]),
        (
            waive(selected_plan_id="gold", coverage_tier=EC, dependent_ids=("nobody",), expected_version=1),
            [
                STALE,
                (Code.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId"),
                (Code.INVALID_INPUT, "coverageTier"),
                (Code.INVALID_INPUT, "dependentIds"),
            ],
        ),
    ],
)
def test_a_choice_is_refused_at_the_field_that_breaks_the_rule(
    choice: Choice, expected: list[tuple[Code, str]]
) -> None:
    assert broken(decide(choice, GOOD, TODAY)) == expected


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
    assert broken(decide(enroll(), offer(eligibility=judged), TODAY)) == [(Code.NOT_ELIGIBLE, "enrollmentId")]


def test_a_tier_without_contributions_is_not_offered() -> None:
    family_alone = offer(classes=CLASSES[1:])
    assert broken(decide(enroll("spouse", "child"), family_alone, TODAY)) == []
    assert broken(decide(enroll("spouse"), family_alone, TODAY)) == [(Code.TIER_NOT_OFFERED, "coverageTier")]


def test_every_broken_rule_is_told_at_once() -> None:
    hopeless = offer(
        facts=facts(decision=WAIVED).facts,
        eligibility=eligibility(part_time=True),
        employment_class=PART_TIME,
    )
    choice = enroll("aged-out", "nobody", "stranger", "aged-out", plan="platinum", tier=EF, expected_version=1)
    assert broken(decide(choice, hopeless, TODAY + timedelta(days=30))) == [
        NOT_PENDING,
        NOT_OPEN,
        STALE,
        (Code.NOT_ELIGIBLE, "enrollmentId"),
        (Code.DEPENDENT_NOT_COVERABLE, "dependentIds.0"),
        (Code.NOT_FOUND, "dependentIds.1"),
        (Code.DEPENDENT_NOT_COVERABLE, "dependentIds.2"),
        (Code.INVALID_INPUT, "dependentIds.3"),
        (Code.PLAN_NOT_OFFERED, "selectedPlanId"),
    ]
