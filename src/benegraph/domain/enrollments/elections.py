"""Elections: every rule an answer must keep, and what it comes to when it keeps them all."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.checks import check_version
from benegraph.domain.enrollments.life_events import LIFE_EVENT_RULES, LifeEventType
from benegraph.domain.enrollments.status import ElectionDecision, EnrollmentFacts
from benegraph.domain.enrollments.tiers import FamilyMember, covered_through, derive_tier, is_coverable
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.people import EmploymentClass, Relationship
from benegraph.domain.plan_years import (
    ContributionTerms,
    Eligibility,
    PlanPrice,
    PremiumCost,
    compute_cost,
    find_contribution_terms,
)


@dataclass(frozen=True, slots=True)
class Election:
    """What an employee answers to one pending enrollment."""

    enrollment_id: str
    decision: ElectionDecision
    selected_plan_id: str | None = None
    coverage_tier: CoverageTier | None = None
    dependent_ids: tuple[str, ...] = ()
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class OfferedPlan:
    """A plan of the plan year: the carrier's own code for it, and its price."""

    carrier_plan_id: str
    price: PlanPrice


@dataclass(frozen=True, slots=True)
class ReissueBaseline:
    """What a reissue replaces: the life event that allows it, and who had which plan till then (none: not enrolled)."""

    event_type: LifeEventType
    carrier_plan_id: str | None = None
    dependent_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ElectionOffer:
    """All that an answer to one enrollment is judged by."""

    facts: EnrollmentFacts
    version: int
    effective_on: date
    eligibility: Eligibility
    employment_class: EmploymentClass
    classes: Sequence[ContributionTerms]
    plans: Mapping[str, OfferedPlan]
    family: Mapping[str, FamilyMember]
    unrelated_dependents: Collection[str] = ()
    baseline: ReissueBaseline | None = None


@dataclass(frozen=True, slots=True)
class CoveredDependent:
    """A dependent within an election; `through` is the last day its age allows, None where age ends nothing."""

    id: str
    through: date | None


@dataclass(frozen=True, slots=True)
class AcceptedElection:
    """A good answer, ready to be recorded. A waiver has no plan, tier, shares or dependents."""

    decision: ElectionDecision
    plan_id: str | None = None
    cost: PremiumCost | None = None
    dependents: tuple[CoveredDependent, ...] = ()


def check_pending(facts: EnrollmentFacts, today: date) -> Iterator[RuleViolation]:
    """Refuse an enrollment that is answered or closed, and a day outside its window, first and last day inclusive."""
    closed = facts.closed_on is not None and facts.closed_on <= today
    if facts.decision is not None or closed or facts.plan_year_ends_on < today:
        yield RuleViolation(
            ErrorCode.ENROLLMENT_NOT_PENDING,
            "This enrollment is answered or closed, or its plan year is over.",
            ("enrollmentId",),
        )
    yield from check_window(facts, today)


def check_window(facts: EnrollmentFacts, today: date) -> Iterator[RuleViolation]:
    if today not in facts.window:
        yield RuleViolation(
            ErrorCode.WINDOW_NOT_OPEN,
            f"Answers are taken from {facts.window.start} through {facts.window.last}.",
            ("enrollmentId",),
        )


def evaluate_election(choice: Election, offer: ElectionOffer, today: date) -> AcceptedElection | list[RuleViolation]:
    """Judge one answer by every rule at once; give what it comes to, or each rule it breaks."""
    broken = [*check_pending(offer.facts, today), *check_version(choice.expected_version, offer.version)]
    if choice.decision is ElectionDecision.WAIVED:
        broken += _check_waiver(choice)
        broken += _check_waiver_consistent(offer)
        return broken or AcceptedElection(ElectionDecision.WAIVED)

    dependents = [offer.family[id] for id in dict.fromkeys(choice.dependent_ids) if id in offer.family]
    all_known = all(id in offer.family for id in choice.dependent_ids)  # else the tier is anybody's guess
    tier = derive_tier([member.relationship for member in dependents])
    plan = offer.plans.get(choice.selected_plan_id or "")
    cost: PremiumCost | None = None
    broken += _check_eligible(offer)
    broken += _check_dependents(choice, offer)
    broken += _check_tier(choice, dependents, tier, all_known=all_known)
    broken += _check_plan(choice, plan)
    if plan is not None and all_known and not any(rule.code is ErrorCode.TIER_DEPENDENTS_MISMATCH for rule in broken):
        cost = compute_cost(plan.price, find_contribution_terms(offer.classes, offer.employment_class, tier), tier)
        if cost is None:
            broken.append(
                RuleViolation(
                    ErrorCode.TIER_NOT_OFFERED, f"This plan has no price for the tier {tier}.", ("coverageTier",)
                )
            )
    broken += _check_consistent(offer, plan, dependents)
    if broken:
        return broken
    covered = tuple(CoveredDependent(member.id, covered_through(member)) for member in dependents)
    return AcceptedElection(ElectionDecision.ENROLLED, choice.selected_plan_id, cost, covered)


def _check_waiver(choice: Election) -> Iterator[RuleViolation]:
    if choice.selected_plan_id is not None:
        yield RuleViolation(ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "A waiver selects no plan.", ("selectedPlanId",))
    if choice.coverage_tier not in (None, CoverageTier.UNSPECIFIED):
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A waiver has no coverage tier.", ("coverageTier",))
    if choice.dependent_ids:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A waiver covers no dependents.", ("dependentIds",))


def _check_eligible(offer: ElectionOffer) -> Iterator[RuleViolation]:
    if not offer.eligibility.eligible:
        why = " ".join(rule.message for rule in offer.eligibility.rules if not rule.holds)
        yield RuleViolation(ErrorCode.NOT_ELIGIBLE, f"Not eligible, as this does not hold: {why}", ("enrollmentId",))


def _check_dependents(choice: Election, offer: ElectionOffer) -> Iterator[RuleViolation]:
    seen: set[str] = set()
    for index, id in enumerate(choice.dependent_ids):
        at = ("dependentIds", str(index))
        member = offer.family.get(id)
        if id in seen:
            yield RuleViolation(ErrorCode.INVALID_INPUT, "This dependent stands here twice.", at)
        elif member is None and id not in offer.unrelated_dependents:
            yield RuleViolation(ErrorCode.NOT_FOUND, "There is no such dependent.", at)
        elif member is None:
            yield RuleViolation(ErrorCode.DEPENDENT_NOT_COVERABLE, "This is not a dependent of the employee.", at)
        elif not is_coverable(member, offer.effective_on):
            yield RuleViolation(
                ErrorCode.DEPENDENT_NOT_COVERABLE, "This dependent is inactive, or 26 when coverage starts.", at
            )
        seen.add(id)


def _check_tier(
    choice: Election, dependents: Sequence[FamilyMember], tier: CoverageTier, *, all_known: bool
) -> Iterator[RuleViolation]:
    if sum(member.relationship is Relationship.SPOUSE for member in dependents) > 1:
        yield RuleViolation(ErrorCode.TIER_DEPENDENTS_MISMATCH, "At most one spouse can be covered.", ("dependentIds",))
    if choice.coverage_tier not in (None, CoverageTier.UNSPECIFIED, tier) and all_known:
        yield RuleViolation(
            ErrorCode.TIER_DEPENDENTS_MISMATCH, f"These dependents make the tier {tier}.", ("coverageTier",)
        )


def _check_plan(choice: Election, plan: OfferedPlan | None) -> Iterator[RuleViolation]:
    if choice.selected_plan_id is None:
        yield RuleViolation(ErrorCode.PLAN_REQUIRED, "Enrolling needs a plan.", ("selectedPlanId",))
    elif plan is None:
        yield RuleViolation(ErrorCode.PLAN_NOT_OFFERED, "The plan year does not offer this plan.", ("selectedPlanId",))


# ------------------------------------------------------------------------ consistent with the life event
# A change in mid-year must correspond to the event that allows it (26 CFR 1.125-4(c)(3)).


def _inconsistent(event_type: LifeEventType, what: str, field: str) -> RuleViolation:
    return RuleViolation(
        ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT,
        f"The life event {event_type} does not let one {what}.",
        (field,),
    )


def _check_waiver_consistent(offer: ElectionOffer) -> Iterator[RuleViolation]:
    baseline = offer.baseline
    if baseline and baseline.carrier_plan_id is not None and not LIFE_EVENT_RULES[baseline.event_type].may_waive:
        yield _inconsistent(baseline.event_type, "waive coverage", "decision")


def _check_consistent(
    offer: ElectionOffer, plan: OfferedPlan | None, dependents: Sequence[FamilyMember]
) -> Iterator[RuleViolation]:
    baseline = offer.baseline
    if baseline is None:
        return
    rule = LIFE_EVENT_RULES[baseline.event_type]
    chosen = {member.id for member in dependents}
    added = {member.relationship for member in dependents if member.id not in baseline.dependent_ids}
    # Who can no longer be covered anyway is not dropped by choice.
    dropped = {
        member.relationship
        for member in offer.family.values()
        if member.id in baseline.dependent_ids - chosen and is_coverable(member, offer.effective_on)
    }
    if baseline.carrier_plan_id is None and not rule.may_add:
        yield _inconsistent(baseline.event_type, "enroll anew", "decision")
    elif added - rule.may_add:
        yield _inconsistent(baseline.event_type, "add this dependent", "dependentIds")
    if dropped - rule.may_drop:
        yield _inconsistent(baseline.event_type, "drop this dependent", "dependentIds")
    if plan is not None and baseline.carrier_plan_id not in (None, plan.carrier_plan_id) and not rule.may_change_plan:
        yield _inconsistent(baseline.event_type, "change the plan", "selectedPlanId")
