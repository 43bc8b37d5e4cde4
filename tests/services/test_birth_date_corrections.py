"""A corrected date of birth moves the end of a child's coverage; what it cannot move is refused.

The child was born on 4 March 2001: it turns 26 in March 2027, within plan year 2027, and is covered through 31 March.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from racing import race, tally

from benegraph.db.session import Database
from benegraph.domain.enrollments.birth_dates import DependentCoverageChange
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.services.enrollments import override_election
from benegraph.services.people import update_dependent
from factories.access import employee_viewer, employer_viewer
from factories.office import Office, create_office, enroll

BORN = date(2001, 3, 4)
START, MARCH, APRIL, END = date(2027, 1, 1), date(2027, 3, 31), date(2027, 4, 30), date(2027, 12, 31)


@dataclass(frozen=True, slots=True)
class Family:
    """An employee whose child is covered from 1 January 2027."""

    office: Office
    employee: str
    child: str
    enrollment: str
    plan: str

    def on_day(self, day: date, *, as_employer: bool = False) -> "Family":
        office = self.office.on_day(day)
        office = office.as_viewer(employer_viewer(office.employer)) if as_employer else office
        return Family(office, self.employee, self.child, self.enrollment, self.plan)

    async def correct(self, born: date, reason: str | None = None, **changes: Any) -> Sequence[DependentCoverageChange]:
        changes["date_of_birth"] = born
        return await self.office.run(update_dependent, self.child, changes, None, reason)

    def change(self, before: date, after: date) -> list[DependentCoverageChange]:
        return [DependentCoverageChange(self.enrollment, START, before, after)]

    async def refused(self, born: date, reason: str | None = None, **changes: Any) -> list[str]:
        return await self.office.refusals(self.correct(born, reason, **changes))

    async def through(self) -> list[str | None]:
        return [row["through"] for row in (await self.office.read_all_rows())["enrolled_dependents"].values()]


async def make_family(office: Office, born: date = BORN, *, disabled: bool = False) -> Family:
    ada = await office.hire()
    child = await office.add_child(ada, born, disabled=disabled)
    plan = (await office.plan_ids(await office.open_plan_year()))["GOLD"]
    id = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(id, plan, child))
    return Family(office, ada, child, id, plan)


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


@pytest.fixture
async def family(office: Office) -> Family:
    return await make_family(office)


@pytest.mark.parametrize(
    ("born", "after", "through"),
    [
        (date(2001, 3, 1), None, "2027-03-31"),  # the same month
        (date(2001, 3, 31), None, "2027-03-31"),
        (date(2001, 4, 1), APRIL, "2027-04-30"),
        (date(2001, 2, 28), date(2027, 2, 28), "2027-02-28"),
        (date(2001, 11, 30), date(2027, 11, 30), "2027-11-30"),
        (date(2001, 12, 1), END, "2027-12-31"),
        (date(2015, 8, 30), END, "2041-08-31"),
        (date(2001, 1, 2), date(2027, 1, 31), "2027-01-31"),
    ],
)
async def test_childs_coverage_follows_the_corrected_date(
    family: Family, born: date, after: date | None, through: str
) -> None:
    changes = await family.correct(born)
    assert changes == (family.change(MARCH, after) if after else [])
    assert await family.through() == [through]


async def test_correction_there_and_back_restores_the_coverage(family: Family) -> None:
    before = (await family.office.read_all_rows())["enrolled_dependents"]
    assert await family.correct(date(2001, 4, 1)) == family.change(MARCH, APRIL)
    assert await family.correct(BORN) == family.change(APRIL, MARCH)
    assert (await family.office.read_all_rows())["enrolled_dependents"] == before


async def test_correction_is_recorded_without_the_date_of_birth(family: Family) -> None:
    version = (await family.office.read_row("enrollments", family.enrollment))["version"]
    await family.correct(date(2001, 4, 1), "By the birth certificate.")
    updated = (await family.office.history(family.child))[-1]
    assert (updated["action"], updated["reason"]) == ("UPDATED", "By the birth certificate.")
    assert updated["withheld_columns"] == ["date_of_birth"]
    moved = (await family.office.history(family.enrollment))[-1]
    assert (moved["action"], moved["reason"]) == ("DEPENDENT_COVERAGE_MOVED", "By the birth certificate.")
    assert moved["before"] == {"dependent_id": family.child, "dependent_coverage_ends_on": "2027-03-31"}
    assert moved["after"] == {"dependent_id": family.child, "dependent_coverage_ends_on": "2027-04-30"}
    assert (await family.office.read_row("enrollments", family.enrollment))["version"] == version + 1
    confirmed = (await family.office.read_all_rows())["confirmed_dependents"].values()
    assert [row["through"] for row in confirmed] == ["2027-03-31"]  # as it was confirmed


async def test_dry_run_lists_the_changes_and_applies_none(family: Family) -> None:
    before = await family.office.read_all_rows()
    changes = await family.office.dry_run(update_dependent, family.child, {"date_of_birth": date(2001, 4, 1)}, None)
    assert changes == family.change(MARCH, APRIL)
    assert await family.office.read_all_rows() == before


async def test_same_date_and_other_data_change_no_coverage(family: Family) -> None:
    version = (await family.office.read_row("enrollments", family.enrollment))["version"]
    assert await family.correct(BORN, first_name="Bea") == []
    assert await family.through() == ["2027-03-31"]
    assert (await family.office.read_row("enrollments", family.enrollment))["version"] == version


async def test_disabled_child_and_spouse_have_no_age_limit(office: Office) -> None:
    family = await make_family(office, disabled=True)
    assert await family.correct(date(1990, 1, 1)) == []
    assert await family.through() == [None]
    assert await family.correct(date(2001, 4, 1), disabled=False) == family.change(END, APRIL)


async def test_child_that_was_too_old_is_refused_until_the_election_is_overridden(family: Family) -> None:
    """The coverage starts on 1 January 2027, so that a child who turned 26 in December was never covered."""
    assert await family.refused(date(2000, 12, 31)) == ["DEPENDENT_NOT_COVERABLE dateOfBirth"]
    assert await family.through() == ["2027-03-31"]
    election = enroll(family.enrollment, family.plan)
    await family.office.run(override_election, election, START, "The child was too old.")
    assert await family.correct(date(2000, 12, 31)) == []


async def test_coverage_starts_on_or_after_the_birth(office: Office) -> None:
    family = await make_family(office, date(2026, 11, 20))
    later = family.on_day(date(2027, 1, 10))
    assert await later.refused(date(2027, 1, 2)) == ["DATES_OUT_OF_ORDER dateOfBirth"]
    assert await later.correct(START) == []
    assert await later.refused(date(2027, 1, 11)) == ["INVALID_INPUT dateOfBirth"]  # tomorrow


async def test_retroactive_end_is_for_administrators_with_a_reason(family: Family) -> None:
    born = date(2001, 1, 2)  # covered through 31 January
    for day, as_employer, reason, refusals in [
        (date(2027, 1, 31), True, None, []),
        (date(2027, 2, 1), True, "An error.", ["INVALID_INPUT dateOfBirth"]),
        (date(2027, 2, 1), True, None, ["INVALID_INPUT dateOfBirth", "INVALID_INPUT reason"]),
        (date(2027, 2, 1), False, " ", ["INVALID_INPUT reason", "INVALID_INPUT reason"]),
        (date(2027, 2, 1), False, None, ["INVALID_INPUT reason"]),
        (date(2027, 2, 1), False, "An error.", []),
    ]:
        at = family.on_day(day, as_employer=as_employer)
        if refusals:
            assert await at.refused(born, reason) == refusals
        else:
            assert await at.correct(born, reason) == family.change(MARCH, date(2027, 1, 31))
            await at.correct(BORN)


async def test_longer_coverage_of_the_past_needs_no_reason(family: Family) -> None:
    hr = family.on_day(date(2027, 8, 2), as_employer=True)
    assert await hr.correct(date(2001, 4, 1)) == family.change(MARCH, APRIL)


@pytest.mark.parametrize("status", [None, LifeEventStatus.APPROVED, LifeEventStatus.DENIED])
async def test_birth_that_names_the_child_stays_on_its_date(office: Office, status: LifeEventStatus | None) -> None:
    ada = await office.hire()
    born = date(2026, 11, 18)
    child = await office.add_child(ada, born)
    event = await office.report_life_event(ada, LifeEventType.BIRTH, born, child)
    if status:
        await office.review_life_event(event, status)
    corrections = [office.update_dependent(child, date_of_birth=date(2026, 11, day)) for day in (17, 19)]
    for correction in corrections:
        if status is LifeEventStatus.DENIED:
            await correction
        else:
            assert await office.refusals(correction) == ["INVALID_INPUT dateOfBirth"]


async def test_event_names_nobody_born_after_it(office: Office) -> None:
    ada = await office.hire()
    child = await office.add_child(ada, date(2026, 1, 1))
    await office.report_life_event(ada, LifeEventType.ADOPTION, date(2026, 11, 10), child)
    assert await office.refusals(office.update_dependent(child, date_of_birth=date(2026, 11, 11))) == [
        "INVALID_INPUT dateOfBirth"
    ]
    await office.update_dependent(child, date_of_birth=date(2026, 11, 10))


async def test_employee_corrects_only_a_child_who_is_not_covered(family: Family) -> None:
    other = await family.office.add_child(family.employee)
    office = family.office.as_viewer(employee_viewer(family.office.employer, family.employee))
    for child, refusals in ((family.child, ["INVALID_INPUT dateOfBirth"]), (other, [])):
        correction = office.update_dependent(child, date_of_birth=date(2001, 4, 1))
        if refusals:
            assert await office.refusals(correction) == refusals
        else:
            await correction


async def test_election_and_correction_at_the_same_time_agree(office: Office, owner_url: str) -> None:
    ada = await office.hire()
    child = await office.add_child(ada, BORN)
    plan = (await office.plan_ids(await office.open_plan_year()))["GOLD"]
    id = (await office.pending_enrollment(ada)).id
    answer = office.elect(ada, enroll(id, plan, child))
    correction = office.update_dependent(child, date_of_birth=date(2001, 4, 1))
    outcomes = await race(owner_url, "employees", ada, answer, correction)
    assert tally(outcomes) == {"done": 2}
    assert [row["through"] for row in (await office.read_all_rows())["enrolled_dependents"].values()] == ["2027-04-30"]
