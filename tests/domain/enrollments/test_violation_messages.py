"""Messages of violations: each states the value or limit at fault, and no personal data."""

from collections.abc import Iterable
from datetime import date

import pytest
from election_builders import EC, ENROLLED, FACTS, OFFER, TODAY, enroll, offer_with_facts, reissue_offer, waive

from benegraph.domain.billing import check_invoice, check_not_reversed, check_not_void, check_payment
from benegraph.domain.catalog import CoverageTier, PlanTerms, TierRate, check_plans
from benegraph.domain.coverage import check_span
from benegraph.domain.employers import check_employer
from benegraph.domain.enrollments.elections import (
    AcceptedElection,
    Election,
    ElectionOffer,
    check_window,
    evaluate_election,
)
from benegraph.domain.enrollments.life_events import LifeEventType, check_life_event_report
from benegraph.domain.errors import RuleViolation
from benegraph.domain.people import EmploymentClass, PersonalDetails, check_person, check_termination
from benegraph.domain.plan_years import (
    ContributionTerms,
    PlanYearDates,
    WaitingPeriod,
    check_classes,
    check_dates,
    check_waiting_period,
)

HIRED, FIRST, LAST = date(2020, 1, 6), date(2026, 11, 1), date(2026, 11, 30)


@pytest.mark.parametrize(
    ("violations", "messages"),
    [
        # Billing and coverage of record.
        (check_invoice(LAST, FIRST, 0), ["The invoice ends on 2026-11-01, before it starts on 2026-11-30."]),
        (
            check_payment(0, 0, LAST, TODAY),
            [
                "The payment must be at least 1 cent; it is 0.",
                "The payment must not be dated after today, 2026-11-15; it is dated 2026-11-30.",
            ],
        ),
        (check_not_void(is_void=True, operation="paid"), ["The invoice is void and cannot be paid."]),
        (check_not_reversed(is_reversed=True), ["The payment has already been reversed."]),
        (
            check_span(FIRST, None, (LAST, date(2027, 12, 31))),
            [
                (
                    "The coverage must start within its group contract, from 2026-11-30 through 2027-12-31; "
                    "it starts on 2026-11-01."
                )
            ],
        ),
        # The catalog and employers.
        (
            check_plans([PlanTerms("G", "Gold", None, 500, rates=(TierRate(CoverageTier.EE, 400),))]),
            ["The rate for coverage tier EE must equal the plan's monthly premium, 500 cents; it is 400 cents."],
        ),
        (
            check_employer("Acme", "Eastern"),
            ["Unsupported time zone: expected a name such as America/New_York, or UTC."],
        ),
        # People.
        (
            check_person(PersonalDetails("Ada", "Adams", "ada", date(2030, 1, 1), None), date(1899, 1, 1), TODAY),
            [
                "Invalid e-mail address: expected the form name@example.com.",
                "The date of birth must be from 1900-01-01 through today, 2026-11-15.",
                "The hire date must be from 1900-01-01 through 2028-12-31.",
            ],
        ),
        (
            check_termination(HIRED, date(2026, 10, 31), TODAY, None, administrator=False),
            [
                "Only an administrator may set a termination date before 2026-11-01.",
                "A termination date before 2026-11-01 needs a reason.",
            ],
        ),
        # Plan years.
        (
            check_dates(PlanYearDates(date(2027, 1, 1), date(2028, 1, 1), FIRST, date(2027, 1, 1))),
            [
                "A plan year lasts at most twelve months: coverage that starts on 2027-01-01 must end by 2027-12-31.",
                "Open enrollment must end before coverage starts on 2027-01-01; it ends on 2027-01-01.",
            ],
        ),
        (check_waiting_period(WaitingPeriod(91)), ["The waiting period must be 0 to 90 days; it is 91."]),
        (
            check_waiting_period(WaitingPeriod(61, starts_on_first_of_month=True)),
            ["The waiting period must be 0 to 60 days when coverage starts on the first of a month; it is 61."],
        ),
        (
            check_classes([ContributionTerms(EmploymentClass.INTERN, EC, 0, 0)] * 2),
            ["Duplicate contribution class: employment class INTERN with family status EC is already listed."],
        ),
        # Life events and windows.
        (
            check_life_event_report(LifeEventType.BIRTH, FIRST, HIRED, date(2026, 12, 2)),
            ["The period for reporting this event, 30 days from its date, is over."],
        ),
        (
            check_window(FACTS, date(2026, 10, 31)),
            ["The election window opens on 2026-11-01; today is 2026-10-31."],
        ),
        (
            check_window(FACTS, date(2026, 12, 1)),
            ["The election window is over; today is 2026-12-01."],
        ),
    ],
)
def test_message_of_a_check(violations: Iterable[RuleViolation], messages: list[str]) -> None:
    assert [violation.message for violation in violations] == messages


@pytest.mark.parametrize(
    ("election", "offer", "messages"),
    [
        (
            enroll("spouse", "child", tier=EC),
            OFFER,
            ["Coverage tier EC needs at least one child and no spouse; the selected dependents make it EF."],
        ),
        (enroll("spouse", "spouse-2"), OFFER, ["At most one spouse can be covered; 2 are selected."]),
        (enroll("gone"), OFFER, ["The dependent is inactive."]),
        (enroll("aged-out"), OFFER, ["The child must be under 26 on the day coverage starts."]),
        (enroll("unrelated"), OFFER, ["The dependent belongs to another employee."]),
        (enroll(plan=None), OFFER, ["Select a plan to enroll in."]),
        (
            enroll("spouse", plan="family"),
            OFFER,
            ["The plan is not offered for coverage tier ES: it has no rate or no contribution class."],
        ),
        (
            waive(),
            offer_with_facts(decision=ENROLLED),
            ["The enrollment is already answered: ENROLLED. Reopen the election to change it."],
        ),
        (waive(), offer_with_facts(closed_on=FIRST), ["The enrollment has been closed since 2026-11-01."]),
        (
            waive(),
            reissue_offer(LifeEventType.BIRTH, "GOLD"),
            ["A life event of type BIRTH does not allow waiving coverage."],
        ),
        (
            enroll("spouse"),
            reissue_offer(LifeEventType.TERMINATION, "SILVER", "child"),
            [
                "A life event of type TERMINATION does not allow adding a spouse.",
                "A life event of type TERMINATION does not allow dropping a child.",
                "A life event of type TERMINATION does not allow changing the plan.",
            ],
        ),
    ],
)
def test_message_of_a_refused_election(election: Election, offer: ElectionOffer, messages: list[str]) -> None:
    result = evaluate_election(election, offer, TODAY)
    assert not isinstance(result, AcceptedElection)
    assert [violation.message for violation in result] == messages
