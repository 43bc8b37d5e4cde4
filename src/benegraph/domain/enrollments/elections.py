"""Elections: the rules that an employee's answer to an enrollment must satisfy, and the accepted result."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from benegraph.domain.catalog import CoverageTier
from benegraph.domain.checks import check_version
from benegraph.domain.enrollments.life_events import LIFE_EVENT_RULES, LifeEventType
from benegraph.domain.enrollments.status import ElectionDecision, EnrollmentFacts, WaiverReason
from benegraph.domain.enrollments.tiers import (
    CHILD_AGE_LIMIT,
    DependentFacts,
    can_stay_covered,
    covered_through,
    derive_tier,
    is_coverable,
)
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

_TIER_REQUIREMENTS = {
    CoverageTier.EE: "no dependents",
    CoverageTier.ES: "a spouse and no children",
    CoverageTier.EC: "at least one child and no spouse",
    CoverageTier.EF: "a spouse and at least one child",
}


@dataclass(frozen=True, slots=True)
class Election:
    """An employee's answer to one pending enrollment."""

    enrollment_id: str
    decision: ElectionDecision
    selected_plan_id: str | None = None
    coverage_tier: CoverageTier | None = None
    dependent_ids: tuple[str, ...] = ()
    expected_version: int | None = None
    waiver_reason: WaiverReason | None = None


@dataclass(frozen=True, slots=True)
class OfferedPlan:
    """A plan that the plan year offers: the carrier's ID for it, its price, and its name."""

    carrier_plan_id: str
    price: PlanPrice
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReissueBaseline:
    """The coverage before a reissue, and the life event that allows the change.

    Without previous coverage, `carrier_plan_id` is None. `event_dependent_id` is the dependent that the event names.
    """

    event_type: LifeEventType
    carrier_plan_id: str | None = None
    dependent_ids: frozenset[str] = frozenset()
    event_dependent_id: str | None = None


@dataclass(frozen=True, slots=True)
class ElectionOffer:
    """Everything that an election on one enrollment is checked against.

    `plans` and `dependents` are by ID: the plans that the plan year offers, and the employee's dependents.
    `unrelated_dependents` are the IDs in the election that belong to dependents of other employees.
    """

    facts: EnrollmentFacts
    version: int
    eligibility: Eligibility
    employment_class: EmploymentClass
    classes: Sequence[ContributionTerms]
    plans: Mapping[str, OfferedPlan]
    dependents: Mapping[str, DependentFacts]
    unrelated_dependents: Collection[str] = ()
    baseline: ReissueBaseline | None = None

    @property
    def effective_on(self) -> date:
        return self.facts.effective_on


@dataclass(frozen=True, slots=True)
class CoveredDependent:
    """A dependent covered by an election, through the last day that the age limit allows; None without a limit."""

    id: str
    through: date | None


@dataclass(frozen=True, slots=True)
class AcceptedElection:
    """An election that satisfies every rule. A waiver has no plan, cost or dependents."""

    decision: ElectionDecision
    plan_id: str | None = None
    cost: PremiumCost | None = None
    dependents: tuple[CoveredDependent, ...] = ()
    waiver_reason: WaiverReason | None = None


def _check_pending(facts: EnrollmentFacts, today: date) -> Iterator[RuleViolation]:
    """Check that an enrollment is unanswered and not closed, and that its election window is open.

    The window may outlive the plan year; the answer then covers the remaining days of the old year.
    """
    message = None
    if facts.decision is not None:
        message = f"The enrollment is already answered: {facts.decision}. Reopen the election to change it."
    elif facts.closed_on is not None and facts.closed_on <= today:
        message = f"The enrollment has been closed since {facts.closed_on}."
    if message is not None:
        yield RuleViolation(ErrorCode.ENROLLMENT_NOT_PENDING, message, ("enrollmentId",))
    yield from check_window(facts, today)


def check_window(facts: EnrollmentFacts, today: date) -> Iterator[RuleViolation]:
    """Check that today is within the election window, including its first and last day.

    The message leaves out the last day: after a birth, the date of birth could be computed from it.
    """
    if today not in facts.window:
        window = f"opens on {facts.window.start}" if today < facts.window.start else "is over"
        yield RuleViolation(
            ErrorCode.WINDOW_NOT_OPEN, f"The election window {window}; today is {today}.", ("enrollmentId",)
        )


def evaluate_election(election: Election, offer: ElectionOffer, today: date) -> AcceptedElection | list[RuleViolation]:
    """Check an election against every rule; return the accepted election, or all violations."""
    violations = [*_check_pending(offer.facts, today), *check_version(election.expected_version, offer.version)]
    answer = evaluate_answer(election, offer)
    if isinstance(answer, AcceptedElection):
        return violations or answer
    return violations + answer


def evaluate_answer(election: Election, offer: ElectionOffer) -> AcceptedElection | list[RuleViolation]:
    """Check an answer against the rules that hold inside and outside the election window."""
    violations: list[RuleViolation] = []
    if election.decision is ElectionDecision.WAIVED:
        violations += _check_waiver(election)
        violations += _check_waiver_consistent(offer)
        return violations or AcceptedElection(ElectionDecision.WAIVED, waiver_reason=election.waiver_reason)

    selected = [offer.dependents[id] for id in dict.fromkeys(election.dependent_ids) if id in offer.dependents]
    all_known = all(id in offer.dependents for id in election.dependent_ids)  # otherwise the tier is uncertain
    tier = derive_tier([dependent.relationship for dependent in selected])
    plan = offer.plans.get(election.selected_plan_id or "")
    cost: PremiumCost | None = None
    violations += _check_eligible(offer)
    violations += _check_dependents(election, offer)
    violations += _check_tier(election, selected, tier, all_known=all_known)
    violations += _check_plan(election, plan)
    tier_matches = all(violation.code is not ErrorCode.TIER_DEPENDENTS_MISMATCH for violation in violations)
    if plan is not None and all_known and tier_matches:
        cost = compute_cost(plan.price, find_contribution_terms(offer.classes, offer.employment_class, tier), tier)
        if cost is None:
            violations.append(
                RuleViolation(
                    ErrorCode.TIER_NOT_OFFERED,
                    f"The plan is not offered for coverage tier {tier}: it has no rate or no contribution class.",
                    ("coverageTier",),
                )
            )
    violations += _check_consistent(offer, plan, selected)
    if election.waiver_reason is not None:
        violations.append(
            RuleViolation(ErrorCode.INVALID_INPUT, "Only a waiver has a waiver reason.", ("waiverReason",))
        )
    if violations:
        return violations
    covered = tuple(CoveredDependent(dependent.id, covered_through(dependent)) for dependent in selected)
    return AcceptedElection(ElectionDecision.ENROLLED, election.selected_plan_id, cost, covered)


def _check_waiver(election: Election) -> Iterator[RuleViolation]:
    if election.selected_plan_id is not None:
        yield RuleViolation(
            ErrorCode.PLAN_NOT_ALLOWED_ON_WAIVER, "A waiver must not select a plan.", ("selectedPlanId",)
        )
    if election.coverage_tier not in (None, CoverageTier.UNSPECIFIED):
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A waiver must not have a coverage tier.", ("coverageTier",))
    if election.dependent_ids:
        yield RuleViolation(ErrorCode.INVALID_INPUT, "A waiver must not list dependents.", ("dependentIds",))


def _check_eligible(offer: ElectionOffer) -> Iterator[RuleViolation]:
    if not offer.eligibility.eligible:
        reasons = " ".join(rule.message for rule in offer.eligibility.rules if not rule.holds)
        yield RuleViolation(ErrorCode.NOT_ELIGIBLE, f"The employee is not eligible. {reasons}", ("enrollmentId",))


def _check_dependents(election: Election, offer: ElectionOffer) -> Iterator[RuleViolation]:
    seen: set[str] = set()
    for index, id in enumerate(election.dependent_ids):
        path = ("dependentIds", str(index))
        dependent = offer.dependents.get(id)
        if id in seen:
            yield RuleViolation(ErrorCode.INVALID_INPUT, "The dependent is listed twice.", path)
        elif dependent is None and id not in offer.unrelated_dependents:
            yield RuleViolation(ErrorCode.NOT_FOUND, "Dependent not found.", path)
        elif dependent is None:
            yield RuleViolation(ErrorCode.DEPENDENT_NOT_COVERABLE, "The dependent belongs to another employee.", path)
        elif not dependent.active:
            yield RuleViolation(ErrorCode.DEPENDENT_NOT_COVERABLE, "The dependent is inactive.", path)
        elif not _is_coverable(dependent, offer):
            yield RuleViolation(
                ErrorCode.DEPENDENT_NOT_COVERABLE,
                f"The child must be under {CHILD_AGE_LIMIT} on the day coverage starts.",
                path,
            )
        seen.add(id)


def _is_coverable(dependent: DependentFacts, offer: ElectionOffer) -> bool:
    if is_coverable(dependent, offer.effective_on):
        return True
    # A child that is covered already stays covered through the month of the 26th birthday.
    is_covered = offer.baseline is not None and dependent.id in offer.baseline.dependent_ids
    return is_covered and can_stay_covered(dependent, offer.effective_on)


def _check_tier(
    election: Election, selected: Sequence[DependentFacts], tier: CoverageTier, *, all_known: bool
) -> Iterator[RuleViolation]:
    spouses = sum(dependent.relationship is Relationship.SPOUSE for dependent in selected)
    if spouses > 1:
        yield RuleViolation(
            ErrorCode.TIER_DEPENDENTS_MISMATCH,
            f"At most one spouse can be covered; {spouses} are selected.",
            ("dependentIds",),
        )
    selected_tier = election.coverage_tier
    if selected_tier is not None and selected_tier not in (CoverageTier.UNSPECIFIED, tier) and all_known:
        yield RuleViolation(
            ErrorCode.TIER_DEPENDENTS_MISMATCH,
            f"Coverage tier {selected_tier} needs {_TIER_REQUIREMENTS[selected_tier]}; the selected dependents make it "
            f"{tier}.",
            ("coverageTier",),
        )


def _check_plan(election: Election, plan: OfferedPlan | None) -> Iterator[RuleViolation]:
    if election.selected_plan_id is None:
        yield RuleViolation(ErrorCode.PLAN_REQUIRED, "Select a plan to enroll in.", ("selectedPlanId",))
    elif plan is None:
        yield RuleViolation(ErrorCode.PLAN_NOT_OFFERED, "The plan year does not offer this plan.", ("selectedPlanId",))


# ------------------------------------------------------------------------ consistency with the life event
# A change in the middle of a plan year must correspond to the event that allows it (26 CFR 1.125-4(c)(3)).


def _inconsistent(event_type: LifeEventType, change: str, field: str) -> RuleViolation:
    return RuleViolation(
        ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT,
        f"A life event of type {event_type} does not allow {change}.",
        (field,),
    )


def _list_relationships(relationships: Iterable[Relationship]) -> str:
    return " or ".join(f"a {relationship.lower()}" for relationship in sorted(relationships))


def _check_waiver_consistent(offer: ElectionOffer) -> Iterator[RuleViolation]:
    baseline = offer.baseline
    if baseline and baseline.carrier_plan_id is not None and not LIFE_EVENT_RULES[baseline.event_type].may_waive:
        yield _inconsistent(baseline.event_type, "waiving coverage", "decision")


def _check_consistent(
    offer: ElectionOffer, plan: OfferedPlan | None, selected: Sequence[DependentFacts]
) -> Iterator[RuleViolation]:
    baseline = offer.baseline
    if baseline is None:
        return
    rule = LIFE_EVENT_RULES[baseline.event_type]
    selected_ids = {dependent.id for dependent in selected}
    added = {dependent.relationship for dependent in selected if dependent.id not in baseline.dependent_ids}
    # A dependent who can no longer be covered anyway does not count as dropped. So doesn't the one whom a divorce or
    # death names, who is inactive since its approval; no other may be dropped with that one.
    names_the_dropped = rule.ends_relationship and baseline.event_dependent_id is not None
    may_drop = frozenset() if names_the_dropped else rule.may_drop
    dropped = {
        dependent.relationship
        for dependent in offer.dependents.values()
        if dependent.id in baseline.dependent_ids - selected_ids and is_coverable(dependent, offer.effective_on)
    }
    if baseline.carrier_plan_id is None and not rule.may_add:
        yield _inconsistent(baseline.event_type, "enrolling without previous coverage", "decision")
    elif not_addable := added - rule.may_add:
        yield _inconsistent(baseline.event_type, f"adding {_list_relationships(not_addable)}", "dependentIds")
    if not_droppable := dropped - may_drop:
        yield _inconsistent(baseline.event_type, f"dropping {_list_relationships(not_droppable)}", "dependentIds")
    if plan is not None and baseline.carrier_plan_id not in (None, plan.carrier_plan_id) and not rule.may_change_plan:
        yield _inconsistent(baseline.event_type, "changing the plan", "selectedPlanId")
