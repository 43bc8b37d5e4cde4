"""Which contract a plan year may follow beside others: a division has coverage of a day under one of a group's only."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from test_races import race, tally

from benegraph.db.models import PlanYear
from benegraph.db.session import Database, Transaction
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.plan_years import PlanYearDates
from benegraph.services import plan_years
from benegraph.services.catalog import add_product
from benegraph.services.employers import add_employer
from factories.coverage import CONTRACT_START, DIVISION, GROUP, make_contract
from factories.office import CLASSES, DATES, DATES_2026, PLANS, Office, create_office

#: A second contract of the group, which starts while the first goes on.
LATER = date(2026, 7, 1)
OVERLAP = ["PLAN_YEAR_OVERLAP groupCoverageStart"]
CONTRACT_OVERLAP = ["PLAN_YEAR_OVERLAP coverageStart"]
ENDS_EARLIER = ["DATES_OUT_OF_ORDER coverageEnd"]


def under(start: date, group_id: str = GROUP) -> dict[str, Any]:
    return {"group_id": group_id, "group_coverage_start": start}


def draft(office: Office, start: date, dates: PlanYearDates = DATES, group_id: str = GROUP) -> Any:
    """Draft a plan year that follows a contract from the first."""
    plan_year = plan_years.PlanYearDraft(office.employer, office.product, dates, CLASSES)
    return office.run(plan_years.create_plan_year, replace(plan_year, **under(start, group_id)))


async def dental_of(office: Office) -> Office:
    return replace(office, product=await office.run(add_product, "Dental", ProductCategory.DENTAL, None, PLANS))


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await make_contract(office)
    return office


async def test_plan_years_that_share_days_follow_one_contract_of_a_group(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await make_contract(office, "G2", coverage_start=LATER)
    dental = await dental_of(office)
    medical = await draft(office, CONTRACT_START)
    assert await office.refusals(draft(dental, LATER)) == OVERLAP
    id = await dental.draft_plan_year()
    assert await office.refusals(office.update_plan_year(id, **under(LATER))) == OVERLAP
    await office.update_plan_year(id, **under(LATER, "G2"))
    assert await office.refusals(office.update_plan_year(id, group_id=GROUP)) == OVERLAP
    await office.update_plan_year(id, **under(CONTRACT_START))
    assert await office.refusals(office.update_plan_year(id, group_coverage_start=LATER)) == OVERLAP
    row = await office.read_row("plan_years", id)
    assert (row["group_id"], row["group_coverage_start"], row["version"]) == (GROUP, "2020-01-01", 3)
    await office.run(plan_years.delete_plan_year, medical, None)
    await office.update_plan_year(id, group_coverage_start=LATER)
    await office.update_plan_year(
        id, group_coverage_start=LATER, coverage_ends_on=date(2027, 12, 30)
    )  # not its own neighbour
    assert (await office.read_row("plan_years", id))["version"] == 5


async def test_that_an_opened_one_shares_days_counts_too(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await office.open_enrollment(await draft(office, CONTRACT_START))
    assert await office.refusals(draft(await dental_of(office), LATER)) == OVERLAP


@pytest.mark.parametrize("newer_first", [False, True])
@pytest.mark.parametrize(
    ("last", "first", "refused"),
    [
        (date(2026, 12, 31), date(2027, 1, 1), False),
        (date(2027, 1, 1), date(2027, 1, 1), True),
        (date(2026, 12, 31), date(2026, 12, 31), True),
    ],
)
async def test_a_contract_may_follow_another(
    office: Office, last: date, first: date, *, refused: bool, newer_first: bool
) -> None:
    await make_contract(office, coverage_start=LATER)
    dental = await dental_of(office)
    older = (office, CONTRACT_START, replace(DATES_2026, coverage_start=date(2026, 2, 1), coverage_end=last))
    newer = (dental, LATER, replace(DATES_2026, coverage_start=first, coverage_end=date(2027, 11, 30)))
    one, other = (newer, older) if newer_first else (older, newer)
    await draft(*one)
    if refused:
        assert await office.refusals(draft(*other)) == OVERLAP
    else:
        await draft(*other)


async def test_days_that_are_moved_meet_no_other_contract(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await draft(office, CONTRACT_START)
    dental = await dental_of(office)
    before = await draft(dental, LATER, replace(DATES_2026, coverage_start=LATER, coverage_end=date(2026, 12, 1)))
    after = replace(DATES, coverage_start=date(2028, 1, 31), coverage_end=date(2028, 12, 31))
    behind = await draft(dental, LATER, after)
    assert await office.refusals(office.update_plan_year(before, coverage_ends_on=date(2027, 1, 1))) == OVERLAP
    assert await office.refusals(office.update_plan_year(behind, coverage_starts_on=date(2027, 12, 31))) == [
        "INVALID_INPUT coverageEnd",  # a day more than a year
        *OVERLAP,
    ]
    await office.update_plan_year(before, coverage_ends_on=date(2026, 12, 31))
    await office.update_plan_year(behind, coverage_starts_on=date(2028, 1, 1))


@pytest.mark.parametrize("ends", [date(2026, 12, 31), date(2027, 1, 1)])
async def test_what_counts_are_the_plan_years_days_not_the_contracts(office: Office, ends: date) -> None:
    """Two contracts that touch, and two that share a day: plan years may follow both, but not of the same day."""
    turn = date(2027, 1, 1)
    await make_contract(office, "G2", coverage_end=ends)
    await make_contract(office, "G2", coverage_start=turn)
    dental = await dental_of(office)
    older = await draft(office, CONTRACT_START, replace(DATES_2026, coverage_start=date(2026, 2, 1)), "G2")
    await draft(dental, turn, DATES, "G2")
    refused = "DATES_OUT_OF_ORDER coverageEnd" if ends < turn else "PLAN_YEAR_OVERLAP groupCoverageStart"
    assert await office.refusals(office.update_plan_year(older, coverage_ends_on=turn)) == [refused]


async def test_a_plan_year_without_days_is_refused_for_that(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    dental = await dental_of(office)
    await draft(office, CONTRACT_START)
    backwards = replace(DATES, coverage_end=date(2026, 12, 31))
    assert await office.refusals(draft(dental, LATER, backwards)) == ["DATES_OUT_OF_ORDER coverageEnd"]


# ------------------------------------------------------------------------------------------------------- divisions


async def two_divisions(office: Office, dates: PlanYearDates = DATES) -> tuple[str, str]:
    """Let medical follow the contract of one division, and dental that of another with another start."""
    await make_contract(office, division_id="D2", coverage_start=LATER)
    await make_contract(office, "G3", coverage_start=LATER)  # of another group, where they have a division in common
    return await draft(office, CONTRACT_START), await draft(await dental_of(office), LATER, dates)


async def test_contracts_of_different_divisions_may_hold_the_same_days(office: Office) -> None:
    await two_divisions(office)
    same = "D2", CONTRACT_START
    for division, start in ((DIVISION, LATER), same):
        making = make_contract(office, division_id=division, coverage_start=start)
        assert await office.refusals(making) == CONTRACT_OVERLAP
    for division, start in (("D3", LATER), (DIVISION, date(2026, 7, 2)), (DIVISION, date(2020, 1, 2))):
        await make_contract(office, division_id=division, coverage_start=start)
    # Now that both plan years' starts name the third division, it is as with the first two.
    assert await office.refusals(make_contract(office, division_id="D3")) == CONTRACT_OVERLAP
    assert await office.refusals(make_contract(office)) == ["ALREADY_EXISTS groupId"]
    await make_contract(office, "G2", coverage_start=LATER)


@pytest.mark.parametrize(("ends", "refused"), [(date(2026, 12, 31), False), (date(2027, 1, 1), True)])
async def test_a_new_contract_sets_no_plan_years_against_each_other(
    office: Office, ends: date, *, refused: bool
) -> None:
    await two_divisions(office, replace(DATES_2026, coverage_start=LATER, coverage_end=ends))
    for division, start in ((DIVISION, LATER), ("D2", CONTRACT_START)):
        making = make_contract(office, division_id=division, coverage_start=start)
        if refused:
            assert await office.refusals(making) == CONTRACT_OVERLAP
        else:
            await making


async def test_what_follows_another_group_is_no_matter(office: Office) -> None:
    await make_contract(office, "G2", "D2", LATER)
    await draft(office, CONTRACT_START)
    await draft(await dental_of(office), LATER, DATES, "G2")
    await make_contract(office, division_id="D2")
    await make_contract(office, "G2")


async def test_what_another_employer_follows_is_no_matter(office: Office) -> None:
    employer = await office.run(add_employer, "Another Inc.", "America/New_York")
    another = replace(office, employer=employer)
    await make_contract(another, coverage_start=LATER)
    await draft(office, CONTRACT_START)
    await draft(another, LATER)
    dental = await dental_of(office)
    assert await office.refusals(draft(dental, LATER)) == ["NOT_FOUND groupId"]
    await make_contract(office, division_id="D2", coverage_start=LATER)
    await draft(dental, LATER)
    await make_contract(another, division_id="D2")
    await make_contract(office, division_id="D3", coverage_start=LATER)
    await make_contract(office, division_id="D3", employer_id=None)


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize(
    ("ends", "refused"), [(date(2027, 12, 30), True), (date(2027, 12, 31), False), (None, False), (LATER, True)]
)
async def test_no_contract_is_added_that_ends_before_a_plan_year_that_follows_it(
    office: Office, ends: date | None, *, refused: bool, opened: bool
) -> None:
    """A plan year is refused for that where the contract is there first."""
    id = await draft(office, CONTRACT_START)
    await draft(await dental_of(office), CONTRACT_START, replace(DATES_2026, coverage_start=date(2026, 2, 1)))
    if opened:
        await office.open_enrollment(id)
    before = await office.read_all_rows()
    making = make_contract(office, division_id="D2", coverage_end=ends)
    if refused:
        assert await office.refusals(making) == ENDS_EARLIER
        assert await office.read_all_rows() == before
    else:
        contract = await making
        assert (await office.read_row("group_contracts", contract))["coverage_end"] == (ends and ends.isoformat())


async def test_a_contract_that_nothing_follows_may_end_early(office: Office) -> None:
    another = replace(office, employer=await office.run(add_employer, "Another Inc.", "America/New_York"))
    await draft(office, CONTRACT_START)
    ends = date(2026, 12, 31)
    await make_contract(office, "G2", "D2", coverage_end=ends)
    await make_contract(office, division_id="D2", coverage_start=date(2020, 1, 2), coverage_end=ends)
    await make_contract(another, division_id="D3", coverage_end=ends)
    await make_contract(office, division_id="D4", coverage_end=ends, employer_id=None)
    assert len((await office.read_all_rows())["group_contracts"]) == 5


async def test_all_that_is_wrong_with_a_new_contract_is_told(office: Office) -> None:
    await two_divisions(office)
    before = await office.read_all_rows()
    making = make_contract(office, coverage_start=LATER, coverage_end=date(2027, 12, 30))
    assert await office.refusals(making) == [*ENDS_EARLIER, *CONTRACT_OVERLAP]
    assert await office.read_all_rows() == before


# ------------------------------------------------------------------------------------------- what was there before


async def test_what_followed_two_before_may_change_in_all_else_once_it_is_open(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await draft(office, CONTRACT_START)
    dental = await dental_of(office)
    id = await draft(dental, CONTRACT_START)

    async def follow_the_later(tx: Transaction) -> None:
        await tx.session.execute(update(PlanYear).where(PlanYear.id == id).values(group_coverage_start=LATER))

    await office.run(follow_the_later)
    assert await office.refusals(office.update_plan_year(id, plans=PLANS[:1])) == OVERLAP
    await office.open_enrollment(id)
    await office.update_plan_year(id, open_enrollment_ends_on=date(2026, 12, 1))
    row = await office.read_row("plan_years", id)
    assert (row["open_enrollment_ends_on"], row["group_coverage_start"]) == ("2026-12-01", "2026-07-01")


# ----------------------------------------------------------------------------------------------------------- races


async def test_of_two_plan_years_at_once_one_is_drafted(office: Office, owner_url: str) -> None:
    await make_contract(office, coverage_start=LATER)
    dental = await dental_of(office)
    drafting = draft(office, CONTRACT_START), draft(dental, LATER)
    outcomes = await race(owner_url, "employers", office.employer, *drafting)
    assert tally(outcomes) == Counter({"done": 1, "PLAN_YEAR_OVERLAP": 1})
    assert len((await office.read_all_rows())["plan_years"]) == 1


async def test_of_two_contracts_at_once_one_is_made(office: Office, owner_url: str) -> None:
    await two_divisions(office)
    making = [make_contract(office, division_id="D3", coverage_start=start) for start in (CONTRACT_START, LATER)]
    outcomes = await race(owner_url, "employers", office.employer, *making)
    assert tally(outcomes) == Counter({"done": 1, "PLAN_YEAR_OVERLAP": 1})
    assert len((await office.read_all_rows())["group_contracts"]) == 4


async def test_of_a_plan_year_and_a_contract_at_once_one_is_made(office: Office, owner_url: str) -> None:
    await make_contract(office, division_id="D2", coverage_start=LATER)
    await draft(office, CONTRACT_START)
    at_once = draft(await dental_of(office), LATER), make_contract(office, coverage_start=LATER)
    assert tally(await race(owner_url, "employers", office.employer, *at_once)) == Counter(
        {"done": 1, "PLAN_YEAR_OVERLAP": 1}
    )


async def test_of_a_plan_year_and_a_contract_that_ends_before_it_one_is_made(office: Office, owner_url: str) -> None:
    at_once = draft(office, CONTRACT_START), make_contract(office, division_id="D2", coverage_end=date(2027, 12, 30))
    outcomes = await race(owner_url, "employers", office.employer, *at_once)
    assert tally(outcomes) == Counter({"done": 1, "DATES_OUT_OF_ORDER": 1})
    dump = await office.read_all_rows()
    assert len(dump["plan_years"]) + len(dump["group_contracts"]) == 2  # one contract was there
