"""Group contracts of plan years: on any day, a division has coverage under only one contract of a group."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from racing import race, tally
from sqlalchemy import update

from benegraph.db.models import PlanYear
from benegraph.db.session import Database, Transaction
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.plan_years import PlanYearDates
from benegraph.services import plan_years
from benegraph.services.catalog import add_product
from benegraph.services.employers import add_employer
from factories.coverage import CONTRACT_START, DIVISION, GROUP, make_contract
from factories.office import CLASSES, DATES, DATES_2026, PLANS, Office, create_office

#: The start of a second contract of the group, which starts while the first still runs.
LATER = date(2026, 7, 1)
OVERLAP = ["PLAN_YEAR_OVERLAP groupCoverageStart"]
CONTRACT_OVERLAP = ["PLAN_YEAR_OVERLAP coverageStart"]
ENDS_EARLIER = ["DATES_OUT_OF_ORDER coverageEnd"]


def contract_columns(start: date, group_id: str = GROUP) -> dict[str, Any]:
    return {"group_id": group_id, "group_coverage_start": start}


def draft(office: Office, start: date, dates: PlanYearDates = DATES, group_id: str = GROUP) -> Any:
    """Draft a plan year under a group contract."""
    plan_year = plan_years.PlanYearDraft(office.employer, office.product, dates, CLASSES)
    return office.run(plan_years.create_plan_year, replace(plan_year, **contract_columns(start, group_id)))


async def office_with_dental_product(office: Office) -> Office:
    return replace(office, product=await office.run(add_product, "Dental", ProductCategory.DENTAL, None, PLANS))


@pytest.fixture
async def office(database: Database) -> Office:
    office = await create_office(database)
    await make_contract(office)
    return office


async def test_overlapping_plan_years_must_use_one_contract_of_a_group(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await make_contract(office, "G2", coverage_start=LATER)
    dental = await office_with_dental_product(office)
    medical = await draft(office, CONTRACT_START)
    assert await office.refusals(draft(dental, LATER)) == OVERLAP
    id = await dental.draft_plan_year()
    assert await office.refusals(office.update_plan_year(id, **contract_columns(LATER))) == OVERLAP
    await office.update_plan_year(id, **contract_columns(LATER, "G2"))
    assert await office.refusals(office.update_plan_year(id, group_id=GROUP)) == OVERLAP
    await office.update_plan_year(id, **contract_columns(CONTRACT_START))
    assert await office.refusals(office.update_plan_year(id, group_coverage_start=LATER)) == OVERLAP
    row = await office.read_row("plan_years", id)
    assert (row["group_id"], row["group_coverage_start"], row["version"]) == (GROUP, "2020-01-01", 3)
    await office.run(plan_years.delete_plan_year, medical, None)
    await office.update_plan_year(id, group_coverage_start=LATER)
    # A plan year does not conflict with itself.
    await office.update_plan_year(id, group_coverage_start=LATER, coverage_ends_on=date(2027, 12, 30))
    assert (await office.read_row("plan_years", id))["version"] == 5


async def test_opened_plan_year_also_counts_as_overlapping(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await office.open_enrollment(await draft(office, CONTRACT_START))
    assert await office.refusals(draft(await office_with_dental_product(office), LATER)) == OVERLAP


@pytest.mark.parametrize("newer_first", [False, True])
@pytest.mark.parametrize(
    ("last", "first", "refused"),
    [
        (date(2026, 12, 31), date(2027, 1, 1), False),
        (date(2027, 1, 1), date(2027, 1, 1), True),
        (date(2026, 12, 31), date(2026, 12, 31), True),
    ],
)
async def test_consecutive_plan_years_may_use_different_contracts(
    office: Office, last: date, first: date, *, refused: bool, newer_first: bool
) -> None:
    await make_contract(office, coverage_start=LATER)
    dental = await office_with_dental_product(office)
    older = (office, CONTRACT_START, replace(DATES_2026, coverage_start=date(2026, 2, 1), coverage_end=last))
    newer = (dental, LATER, replace(DATES_2026, coverage_start=first, coverage_end=date(2027, 11, 30)))
    one, other = (newer, older) if newer_first else (older, newer)
    await draft(*one)
    if refused:
        assert await office.refusals(draft(*other)) == OVERLAP
    else:
        await draft(*other)


async def test_moved_dates_may_not_overlap_under_another_contract(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await draft(office, CONTRACT_START)
    dental = await office_with_dental_product(office)
    before = await draft(dental, LATER, replace(DATES_2026, coverage_start=LATER, coverage_end=date(2026, 12, 1)))
    after = replace(DATES, coverage_start=date(2028, 1, 31), coverage_end=date(2028, 12, 31))
    after_gap = await draft(dental, LATER, after)
    assert await office.refusals(office.update_plan_year(before, coverage_ends_on=date(2027, 1, 1))) == OVERLAP
    assert await office.refusals(office.update_plan_year(after_gap, coverage_starts_on=date(2027, 12, 31))) == [
        "INVALID_INPUT coverageEnd",  # one day longer than a year
        *OVERLAP,
    ]
    await office.update_plan_year(before, coverage_ends_on=date(2026, 12, 31))
    await office.update_plan_year(after_gap, coverage_starts_on=date(2028, 1, 1))


@pytest.mark.parametrize("ends", [date(2026, 12, 31), date(2027, 1, 1)])
async def test_overlap_is_judged_by_plan_year_dates(office: Office, ends: date) -> None:
    """The contracts are adjacent or overlap by a day; plan years under them may not overlap either way."""
    second_start = date(2027, 1, 1)
    await make_contract(office, "G2", coverage_end=ends)
    await make_contract(office, "G2", coverage_start=second_start)
    dental = await office_with_dental_product(office)
    older = await draft(office, CONTRACT_START, replace(DATES_2026, coverage_start=date(2026, 2, 1)), "G2")
    await draft(dental, second_start, DATES, "G2")
    refused = "DATES_OUT_OF_ORDER coverageEnd" if ends < second_start else "PLAN_YEAR_OVERLAP groupCoverageStart"
    assert await office.refusals(office.update_plan_year(older, coverage_ends_on=second_start)) == [refused]


async def test_plan_year_ending_before_its_start_is_refused(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    dental = await office_with_dental_product(office)
    await draft(office, CONTRACT_START)
    backwards = replace(DATES, coverage_end=date(2026, 12, 31))
    assert await office.refusals(draft(dental, LATER, backwards)) == ["DATES_OUT_OF_ORDER coverageEnd"]


# ------------------------------------------------------------------------------------------------------- divisions


async def draft_under_two_divisions(office: Office, dates: PlanYearDates = DATES) -> tuple[str, str]:
    """Draft medical under the contract of one division, and dental under that of another with another start."""
    await make_contract(office, division_id="D2", coverage_start=LATER)
    await make_contract(office, "G3", coverage_start=LATER)  # another group, in which both share a division
    return await draft(office, CONTRACT_START), await draft(await office_with_dental_product(office), LATER, dates)


async def test_contracts_of_different_divisions_may_overlap(office: Office) -> None:
    await draft_under_two_divisions(office)
    same = "D2", CONTRACT_START
    for division, start in ((DIVISION, LATER), same):
        creation = make_contract(office, division_id=division, coverage_start=start)
        assert await office.refusals(creation) == CONTRACT_OVERLAP
    for division, start in (("D3", LATER), (DIVISION, date(2026, 7, 2)), (DIVISION, date(2020, 1, 2))):
        await make_contract(office, division_id=division, coverage_start=start)
    # Both contract starts now exist for the third division, so it conflicts like the first two.
    assert await office.refusals(make_contract(office, division_id="D3")) == CONTRACT_OVERLAP
    assert await office.refusals(make_contract(office)) == ["ALREADY_EXISTS groupId"]
    await make_contract(office, "G2", coverage_start=LATER)


@pytest.mark.parametrize(("ends", "refused"), [(date(2026, 12, 31), False), (date(2027, 1, 1), True)])
async def test_new_contract_that_makes_plan_years_conflict_is_refused(
    office: Office, ends: date, *, refused: bool
) -> None:
    await draft_under_two_divisions(office, replace(DATES_2026, coverage_start=LATER, coverage_end=ends))
    for division, start in ((DIVISION, LATER), ("D2", CONTRACT_START)):
        creation = make_contract(office, division_id=division, coverage_start=start)
        if refused:
            assert await office.refusals(creation) == CONTRACT_OVERLAP
        else:
            await creation


async def test_contracts_of_another_group_do_not_conflict(office: Office) -> None:
    await make_contract(office, "G2", "D2", LATER)
    await draft(office, CONTRACT_START)
    await draft(await office_with_dental_product(office), LATER, DATES, "G2")
    await make_contract(office, division_id="D2")
    await make_contract(office, "G2")


async def test_contracts_of_another_employer_do_not_conflict(office: Office) -> None:
    employer = await office.run(add_employer, "Another Inc.", "America/New_York")
    another = replace(office, employer=employer)
    await make_contract(another, coverage_start=LATER)
    await draft(office, CONTRACT_START)
    await draft(another, LATER)
    dental = await office_with_dental_product(office)
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
async def test_new_contract_ending_before_its_plan_year_is_refused(
    office: Office, ends: date | None, *, refused: bool, opened: bool
) -> None:
    """The same conflict refuses the plan year where the contract exists first."""
    id = await draft(office, CONTRACT_START)
    await draft(
        await office_with_dental_product(office), CONTRACT_START, replace(DATES_2026, coverage_start=date(2026, 2, 1))
    )
    if opened:
        await office.open_enrollment(id)
    before = await office.read_all_rows()
    creation = make_contract(office, division_id="D2", coverage_end=ends)
    if refused:
        assert await office.refusals(creation) == ENDS_EARLIER
        assert await office.read_all_rows() == before
    else:
        contract = await creation
        assert (await office.read_row("group_contracts", contract))["coverage_end"] == (ends and ends.isoformat())


async def test_contract_without_plan_years_may_end_early(office: Office) -> None:
    another = replace(office, employer=await office.run(add_employer, "Another Inc.", "America/New_York"))
    await draft(office, CONTRACT_START)
    ends = date(2026, 12, 31)
    await make_contract(office, "G2", "D2", coverage_end=ends)
    await make_contract(office, division_id="D2", coverage_start=date(2020, 1, 2), coverage_end=ends)
    await make_contract(another, division_id="D3", coverage_end=ends)
    await make_contract(office, division_id="D4", coverage_end=ends, employer_id=None)
    assert len((await office.read_all_rows())["group_contracts"]) == 5


async def test_all_broken_rules_of_a_contract_are_reported(office: Office) -> None:
    await draft_under_two_divisions(office)
    before = await office.read_all_rows()
    creation = make_contract(office, coverage_start=LATER, coverage_end=date(2027, 12, 30))
    assert await office.refusals(creation) == [*ENDS_EARLIER, *CONTRACT_OVERLAP]
    assert await office.read_all_rows() == before


# --------------------------------------------------------------------------------- conflicts from before this rule


async def test_open_plan_year_with_old_conflict_can_still_change(office: Office) -> None:
    await make_contract(office, coverage_start=LATER)
    await draft(office, CONTRACT_START)
    dental = await office_with_dental_product(office)
    id = await draft(dental, CONTRACT_START)

    async def set_later_contract(tx: Transaction) -> None:
        await tx.session.execute(update(PlanYear).where(PlanYear.id == id).values(group_coverage_start=LATER))

    await office.run(set_later_contract)
    assert await office.refusals(office.update_plan_year(id, plans=PLANS[:1])) == OVERLAP
    await office.open_enrollment(id)
    await office.update_plan_year(id, open_enrollment_ends_on=date(2026, 12, 1))
    row = await office.read_row("plan_years", id)
    assert (row["open_enrollment_ends_on"], row["group_coverage_start"]) == ("2026-12-01", "2026-07-01")


# ----------------------------------------------------------------------------------------------------------- races


async def test_one_of_two_concurrent_plan_years_is_created(office: Office, owner_url: str) -> None:
    await make_contract(office, coverage_start=LATER)
    dental = await office_with_dental_product(office)
    drafts = draft(office, CONTRACT_START), draft(dental, LATER)
    outcomes = await race(owner_url, "employers", office.employer, *drafts)
    assert tally(outcomes) == Counter({"done": 1, "PLAN_YEAR_OVERLAP": 1})
    assert len((await office.read_all_rows())["plan_years"]) == 1


async def test_one_of_two_concurrent_contracts_is_created(office: Office, owner_url: str) -> None:
    await draft_under_two_divisions(office)
    creations = [make_contract(office, division_id="D3", coverage_start=start) for start in (CONTRACT_START, LATER)]
    outcomes = await race(owner_url, "employers", office.employer, *creations)
    assert tally(outcomes) == Counter({"done": 1, "PLAN_YEAR_OVERLAP": 1})
    assert len((await office.read_all_rows())["group_contracts"]) == 4


async def test_one_of_concurrent_plan_year_and_contract_is_created(office: Office, owner_url: str) -> None:
    await make_contract(office, division_id="D2", coverage_start=LATER)
    await draft(office, CONTRACT_START)
    calls = draft(await office_with_dental_product(office), LATER), make_contract(office, coverage_start=LATER)
    assert tally(await race(owner_url, "employers", office.employer, *calls)) == Counter(
        {"done": 1, "PLAN_YEAR_OVERLAP": 1}
    )


async def test_one_of_plan_year_and_too_short_contract_is_created(office: Office, owner_url: str) -> None:
    calls = draft(office, CONTRACT_START), make_contract(office, division_id="D2", coverage_end=date(2027, 12, 30))
    outcomes = await race(owner_url, "employers", office.employer, *calls)
    assert tally(outcomes) == Counter({"done": 1, "DATES_OUT_OF_ORDER": 1})
    tables = await office.read_all_rows()
    assert len(tables["plan_years"]) + len(tables["group_contracts"]) == 2  # including the contract of the fixture
