"""Consistency: a reissued enrollment changes only what its life event allows (26 CFR 1.125-4(c)(3))."""

from dataclasses import replace

import pytest
from election_builders import OFFER, TODAY, broken, enroll, reissue, waive

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

INCONSISTENT = ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT

# What each type of event lets one do: a word a change. Keeping everything as it was is always allowed.
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

# change: the plan and dependents before, the choice, and the field at fault where it is not allowed
CHANGES: dict[str, tuple[str | None, tuple[str, ...], Election, str]] = {
    "add-spouse": ("GOLD", ("child",), enroll("child", "spouse"), "dependentIds"),
    "add-child": ("GOLD", ("spouse",), enroll("spouse", "child"), "dependentIds"),
    "drop-spouse": ("GOLD", ("spouse", "child"), enroll("child"), "dependentIds"),
    "drop-child": ("GOLD", ("spouse", "child"), enroll("spouse"), "dependentIds"),
    "change-plan": ("SILVER", ("spouse",), enroll("spouse"), "selectedPlanId"),
    "waive": ("GOLD", (), waive(), "decision"),
    "return": (None, (), enroll(), "decision"),
}


def test_every_type_of_event_is_told() -> None:
    assert set(ALLOWED) == set(LifeEventType)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("event_type", LifeEventType)
def test_a_change_is_allowed_by_its_event_or_refused(event_type: LifeEventType, change: str) -> None:
    had, dependents, choice, field = CHANGES[change]
    allowed = change in ALLOWED[event_type].split()
    expected = [] if allowed else [(INCONSISTENT, field)]
    assert broken(evaluate_election(choice, reissue(event_type, had, *dependents), TODAY)) == expected


@pytest.mark.parametrize("change", CHANGES)
def test_outside_a_life_event_every_change_is_allowed(change: str) -> None:
    _, _, choice, _ = CHANGES[change]
    assert broken(evaluate_election(choice, OFFER, TODAY)) == []


@pytest.mark.parametrize("event_type", LifeEventType)
@pytest.mark.parametrize("dependents", [(), ("spouse",), ("spouse", "child")])
def test_everything_may_stay_as_it_was(event_type: LifeEventType, dependents: tuple[str, ...]) -> None:
    assert broken(evaluate_election(enroll(*dependents), reissue(event_type, "GOLD", *dependents), TODAY)) == []


@pytest.mark.parametrize("event_type", LifeEventType)
def test_who_was_not_enrolled_may_waive_again(event_type: LifeEventType) -> None:
    assert evaluate_election(waive(), reissue(event_type, None), TODAY) == AcceptedElection(ElectionDecision.WAIVED)


@pytest.mark.parametrize("event_type", LifeEventType)
def test_the_same_carriers_plan_by_another_id_is_no_change_of_plan(event_type: LifeEventType) -> None:
    offer = reissue(event_type, "GOLD")
    offer = replace(offer, plans={"gold-2027": offer.plans["gold"]})
    assert broken(evaluate_election(enroll(plan="gold-2027"), offer, TODAY)) == []


def test_another_carriers_plan_under_the_old_id_is_a_change_of_plan() -> None:
    offer = reissue(LifeEventType.MEDICARE_ENTITLEMENT, "GOLD")
    offer = replace(offer, plans={"gold": OfferedPlan("GOLD-HMO", offer.plans["gold"].price)})
    assert broken(evaluate_election(enroll(), offer, TODAY)) == [(INCONSISTENT, "selectedPlanId")]


@pytest.mark.parametrize(
    ("offer", "choice", "expected"),
    [
        # Who can be covered no more is not dropped by choice.
        (reissue(LifeEventType.BIRTH, "GOLD", "aged-out", "child"), enroll("child", "baby"), []),
        (reissue(LifeEventType.BIRTH, "GOLD", "former", "gone", "child"), enroll("child", "baby"), []),
        (reissue(LifeEventType.BIRTH, "GOLD", "last-year"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        (reissue(LifeEventType.BIRTH, "GOLD", "disabled"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        (reissue(LifeEventType.BIRTH, "GOLD", "deleted", "child"), enroll("child"), []),
        # Every change is judged by itself, whatever else is allowed.
        (reissue(LifeEventType.BIRTH, "GOLD", "spouse"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        (reissue(LifeEventType.BIRTH, "SILVER"), enroll("spouse", "child", "baby"), []),
        (reissue(LifeEventType.DIVORCE, "SILVER", "spouse"), enroll("child"), []),
        (reissue(LifeEventType.DIVORCE, "GOLD", "spouse", "child"), enroll(), [(INCONSISTENT, "dependentIds")]),
        # One child more and another less is an addition and a drop.
        (reissue(LifeEventType.JOB_LOSS, "GOLD", "child"), enroll("baby"), [(INCONSISTENT, "dependentIds")]),
        # From no coverage, with somebody the event adds, or does not.
        (reissue(LifeEventType.DIVORCE, None), enroll("child"), []),
        (reissue(LifeEventType.DIVORCE, None), enroll("spouse"), [(INCONSISTENT, "dependentIds")]),
        (reissue(LifeEventType.MEDICARE_ENTITLEMENT, None), enroll("spouse"), [(INCONSISTENT, "decision")]),
        # All that is inconsistent is told at once.
        (
            reissue(LifeEventType.TERMINATION, "SILVER", "child"),
            enroll("spouse"),
            [
                (INCONSISTENT, "dependentIds"),  # adds the spouse
                (INCONSISTENT, "dependentIds"),  # drops the child
                (INCONSISTENT, "selectedPlanId"),
            ],
        ),
        # And beside the other rules.
        (
            reissue(LifeEventType.DIVORCE, "GOLD", "child"),
            enroll("spouse", "aged-out", plan="platinum"),
            [
                (ErrorCode.DEPENDENT_NOT_COVERABLE, "dependentIds.1"),
                (ErrorCode.PLAN_NOT_OFFERED, "selectedPlanId"),
                (INCONSISTENT, "dependentIds"),
                (INCONSISTENT, "dependentIds"),
            ],
        ),
        (
            reissue(LifeEventType.BIRTH, "GOLD"),
            waive(selected_plan_id="gold"),
            [(ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "selectedPlanId"), (INCONSISTENT, "decision")],
        ),
    ],
)
def test_who_and_what_counts_as_a_change(
    offer: ElectionOffer, choice: Election, expected: list[tuple[ErrorCode, str]]
) -> None:
    assert broken(evaluate_election(choice, offer, TODAY)) == expected
