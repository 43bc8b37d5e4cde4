"""Consistency: a reissued enrollment changes only what its life event allows (26 CFR 1.125-4(c)(3))."""

from dataclasses import replace

import pytest
from election_builders import OFFER, TODAY, enroll, reissue_offer, waive

from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    Election,
    ElectionOffer,
    OfferedPlan,
    evaluate_election,
)
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.status import ElectionDecision
from benegraph.domain.errors import ErrorCode
from violations import CodeAndField, codes_and_fields

INCONSISTENT = ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT

# The changes that each event type allows. Unchanged coverage is always allowed.
ALLOWED = {
    LifeEventType.MARRIAGE: "add-spouse add-child drop-spouse drop-child change-plan waive return",
    LifeEventType.BIRTH: "add-spouse add-child change-plan return",
    LifeEventType.ADOPTION: "add-spouse add-child change-plan return",
    LifeEventType.DIVORCE: "add-child drop-spouse change-plan return",
    LifeEventType.DEATH: "add-child drop-spouse drop-child change-plan return",
    LifeEventType.JOB_LOSS: "add-spouse add-child change-plan return",
    LifeEventType.REDUCTION_IN_HOURS: "",
    LifeEventType.EMPLOYER_BANKRUPTCY: "add-spouse add-child change-plan return",
    LifeEventType.MEDICARE_ENTITLEMENT: "drop-spouse drop-child waive",
    LifeEventType.MEDICAID_LOSS: "add-spouse add-child change-plan return",
    LifeEventType.TERMINATION: "",
    LifeEventType.OTHER: "add-spouse add-child drop-spouse drop-child change-plan waive return",
}

# By change: the previous plan and dependents, the election, and the field of the violation if it is not allowed.
CHANGES: dict[str, tuple[str | None, tuple[str, ...], Election, str]] = {
    "add-spouse": ("GOLD", ("child",), enroll("child", "spouse"), "dependentIds"),
    "add-child": ("GOLD", ("spouse",), enroll("spouse", "child"), "dependentIds"),
    "drop-spouse": ("GOLD", ("spouse", "child"), enroll("child"), "dependentIds"),
    "drop-child": ("GOLD", ("spouse", "child"), enroll("spouse"), "dependentIds"),
    "change-plan": ("SILVER", ("spouse",), enroll("spouse"), "selectedPlanId"),
    "waive": ("GOLD", (), waive(), "decision"),
    "return": (None, (), enroll(), "decision"),
}


def test_every_event_type_is_listed() -> None:
    assert set(ALLOWED) == set(LifeEventType)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("event_type", LifeEventType)
def test_change_is_allowed_only_by_its_event_type(event_type: LifeEventType, change: str) -> None:
    previous_plan, dependents, election, field = CHANGES[change]
    allowed = change in ALLOWED[event_type].split()
    expected = [] if allowed else [(INCONSISTENT, field)]
    assert (
        codes_and_fields(evaluate_election(election, reissue_offer(event_type, previous_plan, *dependents), TODAY))
        == expected
    )


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_allowed_without_a_life_event(change: str) -> None:
    _, _, election, _ = CHANGES[change]
    assert codes_and_fields(evaluate_election(election, OFFER, TODAY)) == []


@pytest.mark.parametrize("event_type", LifeEventType)
@pytest.mark.parametrize("dependents", [(), ("spouse",), ("spouse", "child")])
def test_unchanged_coverage_is_allowed_by_every_event_type(
    event_type: LifeEventType, dependents: tuple[str, ...]
) -> None:
    assert (
        codes_and_fields(evaluate_election(enroll(*dependents), reissue_offer(event_type, "GOLD", *dependents), TODAY))
        == []
    )


@pytest.mark.parametrize("event_type", LifeEventType)
def test_waiver_may_be_repeated_under_every_event_type(event_type: LifeEventType) -> None:
    assert evaluate_election(waive(), reissue_offer(event_type, None), TODAY) == AcceptedElection(
        ElectionDecision.WAIVED
    )


@pytest.mark.parametrize("event_type", LifeEventType)
def test_same_carrier_plan_under_another_id_is_not_a_plan_change(event_type: LifeEventType) -> None:
    offer = reissue_offer(event_type, "GOLD")
    offer = replace(offer, plans={"gold-2027": offer.plans["gold"]})
    assert codes_and_fields(evaluate_election(enroll(plan="gold-2027"), offer, TODAY)) == []


def test_other_carrier_plan_under_the_same_id_is_a_plan_change() -> None:
    offer = reissue_offer(LifeEventType.MEDICARE_ENTITLEMENT, "GOLD")
    offer = replace(offer, plans={"gold": OfferedPlan("GOLD-HMO", offer.plans["gold"].price)})
    assert codes_and_fields(evaluate_election(enroll(), offer, TODAY)) == [(INCONSISTENT, "selectedPlanId")]


@pytest.mark.parametrize(
    ("offer", "election", "expected"),
    [
        # A dependent who can no longer be covered does not count as dropped.
        (reissue_offer(LifeEventType.BIRTH, "GOLD", "aged-out", "child"), enroll("child", "baby"), []),
        (reissue_offer(LifeEventType.BIRTH, "GOLD", "former", "gone", "child"), enroll("child", "baby"), []),
        (reissue_offer(LifeEventType.BIRTH, "GOLD", "last-year"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        (reissue_offer(LifeEventType.BIRTH, "GOLD", "disabled"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        (reissue_offer(LifeEventType.BIRTH, "GOLD", "deleted", "child"), enroll("child"), []),
        # Each change is checked by itself.
        (reissue_offer(LifeEventType.BIRTH, "GOLD", "spouse"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        (reissue_offer(LifeEventType.BIRTH, "SILVER"), enroll("spouse", "child", "baby"), []),
        (reissue_offer(LifeEventType.DIVORCE, "SILVER", "spouse"), enroll("child"), []),
        (reissue_offer(LifeEventType.DIVORCE, "GOLD", "spouse", "child"), enroll(), [(INCONSISTENT, "dependentIds")]),
        # Replacing one child with another is an addition and a drop.
        (reissue_offer(LifeEventType.JOB_LOSS, "GOLD", "child"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        # Without previous coverage: a dependent that the event lets one add, or does not.
        (reissue_offer(LifeEventType.DIVORCE, None), enroll("child"), []),
        (reissue_offer(LifeEventType.DIVORCE, None), enroll("spouse"), [(INCONSISTENT, "dependentIds")]),
        (reissue_offer(LifeEventType.MEDICARE_ENTITLEMENT, None), enroll("spouse"), [(INCONSISTENT, "decision")]),
        # All inconsistent changes are reported at once.
        (
            reissue_offer(LifeEventType.TERMINATION, "SILVER", "child"),
            enroll("spouse"),
            [
                (INCONSISTENT, "dependentIds"),  # adds the spouse
                (INCONSISTENT, "dependentIds"),  # drops the child
                (INCONSISTENT, "selectedPlanId"),
            ],
        ),
        # They are reported together with violations of other rules.
        (
            reissue_offer(LifeEventType.DIVORCE, "GOLD", "child"),
            enroll("spouse", "aged-out", plan="platinum"),
            [
                (ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.1"),
                (ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId"),
                (INCONSISTENT, "dependentIds"),
                (INCONSISTENT, "dependentIds"),
            ],
        ),
        (
            reissue_offer(LifeEventType.BIRTH, "GOLD"),
            waive(selected_plan_id="gold"),
            [(ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId"), (INCONSISTENT, "decision")],
        ),
    ],
)
def test_changes_are_found_by_comparison_with_the_baseline(
    offer: ElectionOffer, election: Election, expected: list[CodeAndField]
) -> None:
    assert codes_and_fields(evaluate_election(election, offer, TODAY)) == expected
