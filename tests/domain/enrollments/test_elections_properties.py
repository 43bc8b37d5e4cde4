"""Property-based tests of elections, over random elections and offers."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from election_builders import (
    CLASSES,
    COVERAGE,
    DEPENDENTS,
    EE,
    ENROLLED,
    FULL_TIME,
    OFFER,
    PART_TIME,
    PLANS,
    TODAY,
    UNSPECIFIED,
    WAIVED,
    WINDOW,
    eligibility,
    waive,
)
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from benegraph.domain.catalog import COVERAGE_TIERS, CoverageTier
from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    Election,
    ElectionOffer,
    OfferedPlan,
    ReissueBaseline,
    evaluate_election,
)
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.enrollments.status import (
    ElectionDecision,
    EnrollmentFacts,
    EnrollmentStatus,
    derive_enrollment_status,
)
from benegraph.domain.enrollments.tiers import DependentFacts, derive_tier, is_coverable
from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import Relationship
from benegraph.domain.plan_years import ContributionTerms, PlanPrice
from violations import codes_and_fields

FIELDS = {"enrollmentId", "decision", "selectedPlanId", "coverageTier", "dependentIds", "expectedVersion"}
PROPERTY = settings(max_examples=150)
SEARCH = settings(max_examples=2000, phases=[Phase.generate], derandomize=True, database=None)

# Elections and offers that are likely accepted, and others that may violate any rule.

LIKELY_ACCEPTED_ELECTIONS = st.just(waive()) | st.builds(
    Election,
    st.just("enrollment"),
    st.just(ENROLLED),
    st.sampled_from(["gold", "silver"]),
    st.sampled_from([None, UNSPECIFIED]),
    st.lists(st.sampled_from(["spouse", "child", "baby", "disabled"]), max_size=4, unique=True).map(tuple),
)
ANY_ELECTIONS = st.builds(
    Election,
    st.just("enrollment"),
    st.sampled_from(ElectionDecision),
    st.sampled_from([*PLANS, None, "platinum"]),
    st.none() | st.sampled_from(CoverageTier),
    st.lists(st.sampled_from([*DEPENDENTS, "unknown", "unrelated"]), max_size=4).map(tuple),
    st.sampled_from([None, 3, 2]),
)

CENTS = st.integers(0, 1_000_000)
NEAR_TODAY = st.dates(WINDOW.start - timedelta(days=3), WINDOW.last + timedelta(days=3))
PRICES = st.builds(PlanPrice, CENTS, st.just({}) | st.fixed_dictionaries(dict.fromkeys(COVERAGE_TIERS, CENTS)))
SOME_PRICES = st.builds(PlanPrice, CENTS, st.dictionaries(st.sampled_from(COVERAGE_TIERS), CENTS))
CLASSES_OF_ALL_TIERS = st.builds(
    lambda shares: [ContributionTerms(FULL_TIME, tier, *cents) for tier, cents in shares.items()],
    st.fixed_dictionaries(dict.fromkeys(CoverageTier, st.tuples(CENTS, CENTS))),
)
SOME_CLASSES = st.lists(
    st.builds(ContributionTerms, st.sampled_from([FULL_TIME, PART_TIME]), st.sampled_from(CoverageTier), CENTS, CENTS),
    max_size=4,
)
OTHER_DEPENDENTS = st.fixed_dictionaries(
    {
        id: st.builds(
            DependentFacts,
            st.just(id),
            st.sampled_from(Relationship),
            st.dates(date(1999, 1, 1), date(2003, 12, 31)),
            st.booleans(),
            st.booleans(),
        )
        for id in DEPENDENTS
    }
)
EFFECTIVE_DATES = st.dates(COVERAGE.start, COVERAGE.last)
BASELINES = st.builds(
    ReissueBaseline,
    st.sampled_from(LifeEventType),
    st.sampled_from([None, "gold", "GOLD"]),
    st.frozensets(st.sampled_from(sorted(DEPENDENTS)), max_size=3),
    st.none() | st.sampled_from(sorted(DEPENDENTS)),
)


def offers(
    prices: st.SearchStrategy[PlanPrice], classes: st.SearchStrategy[list[ContributionTerms]]
) -> dict[str, st.SearchStrategy[Any]]:
    """Return strategies for the parts of an offer that are likely accepted."""
    plans = {id: st.builds(OfferedPlan, st.just(id), prices) for id in ("gold", "silver")}
    return {
        "facts": st.builds(replace, st.just(OFFER.facts), effective_on=EFFECTIVE_DATES),
        "plans": st.just(PLANS) | st.fixed_dictionaries(plans),
        "classes": st.just(CLASSES) | classes,
    }


LIKELY_ACCEPTED_OFFERS = st.builds(replace, st.just(OFFER), **offers(PRICES, CLASSES_OF_ALL_TIERS))
ANY_OFFERS = st.builds(
    replace,
    st.just(OFFER),
    **offers(SOME_PRICES, SOME_CLASSES)
    | {
        "facts": st.builds(
            EnrollmentFacts,
            st.none() | st.sampled_from(ElectionDecision),
            st.just(WINDOW),
            st.just(COVERAGE.last),
            EFFECTIVE_DATES,
            closed_on=st.none() | NEAR_TODAY,
        )
    },
    eligibility=st.sampled_from([eligibility(), eligibility(part_time=True)]),
    dependents=st.just(DEPENDENTS) | OTHER_DEPENDENTS,
    baseline=st.none() | BASELINES,
)
CASES = (
    st.tuples(LIKELY_ACCEPTED_ELECTIONS, LIKELY_ACCEPTED_OFFERS, st.just(TODAY))
    | st.tuples(LIKELY_ACCEPTED_ELECTIONS, ANY_OFFERS, st.just(TODAY))
    | st.tuples(ANY_ELECTIONS, LIKELY_ACCEPTED_OFFERS, NEAR_TODAY)
    | st.tuples(ANY_ELECTIONS, ANY_OFFERS, NEAR_TODAY)
)
Case = tuple[Election, ElectionOffer, date]


def premium_of(offer: ElectionOffer, plan_id: str, tier: CoverageTier) -> int:
    price = offer.plans[plan_id].price
    if tier is EE:
        return price.monthly_premium_cents
    if price.rates:
        return price.rates[tier]
    by_tier = {terms.family_status: terms for terms in offer.classes if terms.employment is FULL_TIME}
    terms = by_tier.get(tier) or by_tier[UNSPECIFIED]
    return terms.employee_contribution_cents + terms.employer_contribution_cents


@pytest.mark.parametrize("tier", COVERAGE_TIERS)
def test_cases_contain_accepted_elections_of_every_tier(tier: CoverageTier) -> None:
    def enrolls(case: Case) -> bool:
        result = evaluate_election(*case)
        return isinstance(result, AcceptedElection) and result.cost is not None and result.cost.coverage_tier is tier

    assert enrolls(find(CASES, enrolls, settings=SEARCH))


@PROPERTY
@given(CASES)
def test_election_is_accepted_or_has_violations(case: Case) -> None:
    election, offer, today = case
    result = evaluate_election(election, offer, today)
    if isinstance(result, AcceptedElection):
        assert result.decision is election.decision
    else:
        assert result
        assert all(violation.message and violation.field and violation.field[0] in FIELDS for violation in result)


@PROPERTY
@given(CASES)
def test_accepted_election_matches_its_dependents_and_premium(case: Case) -> None:
    election, offer, today = case
    result = evaluate_election(election, offer, today)
    if not isinstance(result, AcceptedElection):
        return
    if result.decision is WAIVED:
        assert result == AcceptedElection(WAIVED)
        return
    assert tuple(dependent.id for dependent in result.dependents) == election.dependent_ids
    covered = [offer.dependents[dependent.id] for dependent in result.dependents]
    assert all(is_coverable(dependent, offer.effective_on) for dependent in covered)
    assert sum(dependent.relationship is Relationship.SPOUSE for dependent in covered) <= 1
    assert result.plan_id is not None
    assert result.cost is not None
    tier = result.cost.coverage_tier
    assert tier is derive_tier([dependent.relationship for dependent in covered])
    assert election.coverage_tier in {None, UNSPECIFIED, tier}
    assert min(result.cost.employee_contribution_cents, result.cost.employer_contribution_cents) >= 0
    assert result.cost.total_monthly_premium_cents == premium_of(offer, result.plan_id, tier)


@PROPERTY
@given(CASES)
def test_accepted_election_is_pending_and_within_its_window(case: Case) -> None:
    election, offer, today = case
    if isinstance(evaluate_election(election, offer, today), AcceptedElection):
        assert derive_enrollment_status(offer.facts, today) is EnrollmentStatus.PENDING
        assert today in offer.facts.window
        assert election.expected_version in {None, offer.version}


@PROPERTY
@given(CASES)
def test_accepted_enrollment_is_of_an_eligible_employee(case: Case) -> None:
    election, offer, today = case
    result = evaluate_election(election, offer, today)
    if isinstance(result, AcceptedElection) and result.decision is ENROLLED:
        assert offer.eligibility.eligible


@PROPERTY
@given(CASES)
def test_election_without_a_baseline_is_never_inconsistent(case: Case) -> None:
    election, offer, today = case
    codes = {code for code, _ in codes_and_fields(evaluate_election(election, replace(offer, baseline=None), today))}
    assert ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT not in codes


@PROPERTY
@given(CASES)
def test_baseline_only_adds_violations(case: Case) -> None:
    election, offer, today = case
    with_baseline, without_baseline = (
        evaluate_election(election, offer, today),
        evaluate_election(election, replace(offer, baseline=None), today),
    )
    assert set(codes_and_fields(with_baseline)) >= set(codes_and_fields(without_baseline))
    if isinstance(with_baseline, AcceptedElection):
        assert with_baseline == without_baseline


@PROPERTY
@given(CASES, st.sampled_from(LifeEventType))
def test_unchanged_coverage_is_consistent_with_every_event_type(case: Case, event_type: LifeEventType) -> None:
    election, offer, today = case
    plan = offer.plans.get(election.selected_plan_id or "")
    if election.decision is ENROLLED and plan is not None:
        same = ReissueBaseline(event_type, plan.carrier_plan_id, frozenset(election.dependent_ids))
        codes = {
            code for code, _ in codes_and_fields(evaluate_election(election, replace(offer, baseline=same), today))
        }
        assert ErrorCode.CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT not in codes
