"""A census: outcomes of items, refused items, and what each issues and ends."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Role, Viewer
from benegraph.domain.addresses import PostalAddress
from benegraph.domain.census import MAX_CENSUS_ITEMS, CensusOutcome, EnrollmentEffectKind
from benegraph.domain.errors import Forbidden, Refused
from benegraph.domain.people import EmploymentClass, MaritalStatus, Relationship, Sex
from benegraph.services.census import CensusDependent, CensusItem, CensusItemResult, upsert_employees
from factories.access import TENANT
from factories.coverage import make_contract, make_subscriber
from factories.keys import KEY_RING
from factories.office import Office, create_office, enroll
from statement_log import record_round_trips

HIRED_ON = date(2026, 11, 16)
BEN = CensusDependent("Ben", date(2015, 8, 30), {"last_name": "Adams", "relationship": Relationship.CHILD})
EVERY_VALUE: dict[str, Any] = {
    "email": "ada@example.com",
    "date_of_birth": date(1985, 5, 17),
    "marital_status": MaritalStatus.MARRIED,
    "middle_name": "Maria",
    "name_suffix": "Jr.",
    "sex": Sex.FEMALE,
    "phone": "+12175550100",
    "address": PostalAddress("1 Main Street", None, "Springfield", "IL", "62701", "US"),
    "ssn": "219-09-9999",
}


@pytest.fixture
async def office(database: Database) -> Office:
    return await create_office(database)


def person(external_id: str = "E-1", first_name: str = "Ada", **values: Any) -> CensusItem:
    required: dict[str, Any] = {
        "first_name": first_name,
        "last_name": "Adams",
        "employment_class": EmploymentClass.FULL_TIME,
        "hired_on": HIRED_ON,
    }
    return CensusItem(external_id, required | values)


def staff(count: int, **values: Any) -> list[CensusItem]:
    return [person(f"E-{number}", **values) for number in range(count)]


async def upsert(office: Office, *items: CensusItem) -> list[CensusItemResult]:
    return await office.run(upsert_employees, office.employer, items)


async def outcomes(office: Office, *items: CensusItem) -> list[str]:
    return [result.outcome for result in await upsert(office, *items)]


async def id_of(office: Office, *items: CensusItem) -> str:
    """Apply a census, and return the first employee's ID."""
    first, *_ = await upsert(office, *items)
    assert first.id is not None
    return first.id


def violations(result: CensusItemResult) -> list[str]:
    return [f"{violation.code} {'.'.join(violation.field or ())}" for violation in result.violations]


def effects(result: CensusItemResult) -> list[tuple[str, date | None]]:
    return [(effect.kind, effect.coverage_ends_on) for effect in result.effects]


async def cover(office: Office, employee: str) -> str:
    """Open plan year 2027, and elect coverage in it; return the enrollment's ID."""
    year = await office.open_plan_year()
    id: str = (await office.pending_enrollment(employee)).id
    await office.elect(employee, enroll(id, (await office.plan_ids(year))["GOLD"]))
    return id


async def test_new_person_is_hired_with_dependents_and_gets_enrollments(office: Office) -> None:
    year = await office.open_plan_year()
    (result,) = await upsert(office, replace(person(**EVERY_VALUE), dependents=[BEN]))
    assert (result.outcome, result.changed, result.violations) == (CensusOutcome.CREATED, (), ())
    (dependent,) = result.dependents
    assert dependent.outcome == CensusOutcome.CREATED
    (effect,) = result.effects
    (row,) = await office.enrollments(result.id or "")
    assert (effect.kind, effect.enrollment_id, effect.plan_year_id) == ("ISSUED", row.id, year)
    assert (effect.effective_on, effect.coverage_ends_on) == (date(2027, 1, 1), None)
    employee = await office.read_row("employees", result.id or "")
    assert {
        name: employee[name] for name in ("external_id", "first_name", "hired_on", "ssn_last_four", "address_line1")
    } == {
        "external_id": "E-1",
        "first_name": "Ada",
        "hired_on": "2026-11-16",
        "ssn_last_four": "9999",
        "address_line1": "1 Main Street",
    }
    assert (await office.read_row("dependents", dependent.id))["employee_id"] == result.id
    assert [event["action"] for event in await office.history(result.id or "")] == ["HIRED"]


async def test_same_census_again_is_unchanged(office: Office) -> None:
    item = replace(person(**EVERY_VALUE), dependents=[replace(BEN, values={**BEN.values, "ssn": "219-09-9998"})])
    (first,) = await upsert(office, item)
    before = await office.read_all_rows()
    (second,) = await upsert(office, item)
    assert (second.outcome, second.id, second.changed, second.effects) == ("UNCHANGED", first.id, (), ())
    assert [(each.outcome, each.id) for each in second.dependents] == [("UNCHANGED", first.dependents[0].id)]
    assert await office.read_all_rows() == before


async def test_changed_values_are_named_and_left_out_values_stay(office: Office) -> None:
    id = await id_of(office, person(**EVERY_VALUE))
    before = await office.read_row("employees", id)
    (result,) = await upsert(office, CensusItem("E-1", {"last_name": "Baker", "email": None, "phone": "+12175550100"}))
    assert (result.outcome, result.id, result.changed) == ("UPDATED", id, ("last_name", "email"))
    after = await office.read_row("employees", id)
    own = {"version": 2, "updated_at": after["updated_at"]}
    assert after == before | {"last_name": "Baker", "email": None} | own


async def test_class_change_takes_effect_today_and_shows_what_it_moves(office: Office) -> None:
    id = await id_of(office, person())
    await office.open_plan_year()
    changes = {"employment_class": EmploymentClass.INTERN}
    (result,) = await upsert(office, CensusItem("E-1", changes))
    assert (result.outcome, effects(result)) == ("UPDATED", [("CLOSED", None)])
    assert (await office.read_row("employees", id))["class_changed_on"] == "2026-11-20"


async def test_employee_without_external_id_is_matched_by_id(office: Office) -> None:
    ada = await office.hire()
    (result,) = await upsert(office, CensusItem("E-1", {}, id=ada))
    assert (result.outcome, result.id, result.changed) == ("UPDATED", ada, ("external_id",))
    assert await outcomes(office, CensusItem("E-1", {"first_name": "Ada"})) == ["UNCHANGED"]


async def test_termination_ends_coverage_and_closes_unanswered_enrollments(office: Office) -> None:
    id = await id_of(office, person())
    enrollment = await cover(office, id)
    ended = replace(CensusItem("E-1"), termination=date(2027, 3, 10), termination_reason="Left.")
    day = office.on_day(date(2027, 3, 5))
    (result,) = await upsert(day, ended)
    assert (result.outcome, result.changed) == ("TERMINATED", ("terminated_on",))
    assert effects(result) == [("COVERAGE_ENDED", date(2027, 3, 31))]
    assert (await day.history(id))[-1]["reason"] == "Left."
    assert await outcomes(day, ended) == ["UNCHANGED"]
    (other,) = await upsert(day, replace(ended, termination=date(2027, 4, 10)))
    assert violations(other) == ["INVALID_STATUS_TRANSITION employees.0.externalId"]
    (result,) = await upsert(day, replace(ended, termination=None))
    assert (result.outcome, effects(result)) == ("REINSTATED", [("COVERAGE_RESTORED", date(2027, 12, 31))])
    assert (await day.enrollment(enrollment)).coverage_ends_on == date(2027, 12, 31)
    assert await outcomes(day, replace(ended, termination=None)) == ["UNCHANGED"]


async def test_new_person_can_be_terminated_at_once(office: Office) -> None:
    item = replace(person(), termination=date(2026, 12, 1))
    assert await outcomes(office, item) == ["CREATED"]
    assert await outcomes(office, item) == ["UNCHANGED"]


async def test_hire_date_after_termination_rehires_with_dependents(office: Office) -> None:
    (first,) = await upsert(office, replace(person(), dependents=[BEN], termination=date(2026, 12, 1)))
    changes = {"hired_on": date(2027, 2, 1), "email": "ada@example.com"}
    dependent = replace(BEN, values={"relationship": Relationship.CHILD, "disabled": True})
    item = CensusItem("E-1", changes, [dependent])
    (result,) = await upsert(office, item)
    assert (result.outcome, result.changed) == ("REHIRED", ("hired_on", "email"))
    row = await office.read_row("employees", result.id or "")
    assert (row["previous_employment_id"], row["external_id"], row["email"]) == (first.id, "E-1", "ada@example.com")
    assert [(each.outcome, each.changed) for each in result.dependents] == [("UPDATED", ("disabled",))]
    assert await outcomes(office, item) == ["UNCHANGED"]
    same_day = CensusItem("E-2", {"hired_on": date(2026, 12, 1)})
    await upsert(office, replace(person("E-2"), termination=date(2026, 12, 1)))
    (refused,) = await upsert(office, same_day)
    assert violations(refused) == ["INVALID_STATUS_TRANSITION employees.0.startDate"]


async def test_division_with_effective_date_moves_employee(office: Office) -> None:
    for division in ("D1", "D2"):
        await make_contract(office, division_id=division)
    id = await id_of(office, person(division_id="D1"))
    item = CensusItem("E-1", {"division_id": "D2"}, division_effective_on=date(2027, 1, 1))
    (result,) = await upsert(office, item)
    assert (result.outcome, result.changed) == ("MOVED", ("division_id",))
    assert [event["action"] for event in await office.history(id)] == ["HIRED", "MOVED"]
    assert await outcomes(office, item) == ["UNCHANGED"]
    (refused,) = await upsert(office, replace(item, values={"division_id": "D1"}, division_effective_on=HIRED_ON))
    assert violations(refused) == [
        "DATES_OUT_OF_ORDER employees.0.divisionEffectiveDate",
        "DATES_OUT_OF_ORDER employees.0.divisionEffectiveDate",
    ]


async def test_dependents_match_by_first_name_without_case_and_accents(office: Office) -> None:
    rene = CensusDependent("René", date(2015, 8, 30), BEN.values)
    (first,) = await upsert(office, replace(person(), dependents=[rene]))
    same = CensusDependent("RENE", date(2015, 8, 30), {"last_name": "Baker"})
    (result,) = await upsert(office, replace(person(), dependents=[same]))
    assert [(each.outcome, each.id, each.changed) for each in result.dependents] == [
        ("UPDATED", first.dependents[0].id, ("first_name", "last_name"))
    ]
    renamed = CensusDependent("Renate", date(2015, 8, 29), id=first.dependents[0].id)
    (result,) = await upsert(office, replace(person(), dependents=[renamed]))
    assert result.dependents[0].changed == ("first_name", "date_of_birth")
    (result,) = await upsert(office, person())  # a dependent who is left out stays
    assert result.outcome == "UNCHANGED"


async def test_refused_items_name_every_rule_and_change_nothing(office: Office) -> None:
    await office.hire(external_id="E-1", ssn="219-09-9999")
    await upsert(office, person("E-9"))
    items = [
        person("E-2", " ", email="none"),
        CensusItem("E-3", {"first_name": "Cy"}),
        person("E-4", hired_on=None),
        person("E-5", ssn="219-09-9999"),
        person(" "),
        replace(person("E-6"), dependents=[replace(BEN, values={}), replace(BEN, first_name=" ")]),
        replace(person("E-7"), dependents=[BEN, replace(BEN, first_name="BEN")]),
        person("E-8"),
        person("E-8", "Bob"),
        CensusItem("E-1", {}, id=(await upsert(office, person("E-9")))[0].id),
        CensusItem("E-9", {"hired_on": date(2030, 1, 1)}, termination=None),
        CensusItem("E-10", {}, id="empl_01h455vb4pex5vsknk084sn02q"),
    ]
    before = await office.read_all_rows()
    results = await upsert(office, *items)
    duplicate = "INVALID_INPUT employees.{}.externalId"
    assert [violations(result) for result in results] == [
        ["INVALID_INPUT employees.0.firstName", "INVALID_INPUT employees.0.email"],
        [f"INVALID_INPUT employees.1.{name}" for name in ("lastName", "employmentClass", "startDate")],
        ["INVALID_INPUT employees.2.startDate"],
        ["ALREADY_EXISTS employees.3.ssn"],
        ["INVALID_INPUT employees.4.externalId"],
        [f"INVALID_INPUT employees.5.dependents.{path}" for path in ("0.lastName", "0.relationship", "1.firstName")],
        [f"INVALID_INPUT employees.6.dependents.{index}.firstName" for index in (0, 1)],
        [duplicate.format(7)],
        [duplicate.format(8)],
        [duplicate.format(9)],
        [duplicate.format(10)],
        ["NOT_FOUND employees.11.employeeId"],
    ]
    assert await office.read_all_rows() == before


async def test_external_id_of_another_employee_is_refused(office: Office) -> None:
    ada, bob = await office.hire(external_id="E-1"), await office.hire("Bob", external_id="E-2")
    refused, applied = await upsert(office, CensusItem("E-1", {}, id=bob), person("E-3"))
    assert violations(refused) == ["ALREADY_EXISTS employees.0.externalId"]
    assert applied.outcome == "CREATED"
    assert (await office.read_row("employees", ada))["external_id"] == "E-1"


async def test_refused_item_does_not_stop_others(office: Office) -> None:
    """The second item fails after its employee was inserted, so its savepoint takes the insert back."""
    await office.open_plan_year()
    late = replace(person("E-2", "Bob"), termination=date(2020, 1, 1))
    results = await upsert(office, person("E-1"), late, person("E-3", "Cy"))
    assert [result.outcome for result in results] == ["CREATED", "REFUSED", "CREATED"]
    assert violations(results[1]) == [
        "DATES_OUT_OF_ORDER employees.1.terminationDate",
        "INVALID_INPUT employees.1.terminationReason",
    ]
    rows = await office.read_all_rows()
    assert sorted(row["external_id"] for row in rows["employees"].values()) == ["E-1", "E-3"]
    assert len(rows["enrollments"]) == 2
    assert sorted(event["action"] for event in rows["events"].values() if event["employee_id"]) == [
        "HIRED",
        "HIRED",
        "ISSUED",
        "ISSUED",
    ]


async def test_call_takes_one_to_thousand_items(office: Office) -> None:
    for items in ([], staff(MAX_CENSUS_ITEMS + 1)):
        assert await office.refusals(upsert(office, *items)) == ["INVALID_INPUT employees"]
    nameless = [CensusItem(f"E-{number}") for number in range(MAX_CENSUS_ITEMS)]
    assert set(await outcomes(office, *nameless)) == {"REFUSED"}


async def test_call_for_unknown_employer_is_refused(office: Office) -> None:
    for employer, code in (("empr_01h455vb4pex5vsknk084sn02q", "NOT_FOUND"), ("x", "INVALID_INPUT")):
        call = office.run(upsert_employees, employer, [person()])
        assert await office.refusals(call) == [f"{code} employerId"]


async def test_item_takes_at_most_thirty_dependents(office: Office) -> None:
    family = [replace(BEN, first_name=f"Ben {number}") for number in range(31)]
    (refused,) = await upsert(office, replace(person(), dependents=family))
    assert violations(refused) == ["INVALID_INPUT employees.0.dependents"]
    (created,) = await upsert(office, replace(person(), dependents=family[:30]))
    assert len(created.dependents) == 30


async def test_dry_run_changes_nothing_and_equals_the_run(office: Office) -> None:
    first = replace(person(), dependents=[BEN])
    await cover(office, await id_of(office, first))
    await upsert(office, replace(person("E-2"), termination=date(2026, 12, 1)))
    items = [
        replace(CensusItem("E-1"), termination=date(2026, 12, 20), dependents=[replace(BEN, first_name="Bea")]),
        CensusItem("E-2", {"hired_on": date(2027, 2, 1)}),
        replace(person("E-3"), dependents=[BEN]),
        person("E-4", " "),
    ]
    before = await office.read_all_rows()
    preview = await office.dry_run(upsert_employees, office.employer, items)
    assert await office.read_all_rows() == before
    results = await upsert(office, *items)
    assert [result.outcome for result in results] == ["TERMINATED", "REHIRED", "CREATED", "REFUSED"]
    assert [_without_ids(result) for result in preview] == [_without_ids(result) for result in results]
    assert effects(results[0]) == [(EnrollmentEffectKind.COVERAGE_ENDED, None)]  # cancelled: it would begin in 2027


def _without_ids(result: CensusItemResult) -> CensusItemResult:
    return replace(
        result,
        id=None,
        dependents=tuple(replace(each, id="") for each in result.dependents),
        effects=tuple(replace(each, enrollment_id="") for each in result.effects),
    )


async def test_unchanged_items_cost_no_statement(office: Office) -> None:
    await office.open_plan_year()
    counts = []
    for count in (2, 20):
        items = [replace(item, dependents=[BEN]) for item in staff(count)]
        await upsert(office, *items)
        async with record_round_trips(office.database) as sent:
            assert set(await outcomes(office, *items)) == {"UNCHANGED"}
        counts.append(len(sent))
    # BEGIN, the employer, the employees, their dependents, and COMMIT.
    assert counts == [5, 5]


async def test_subscriber_number_is_for_administrators_and_services(office: Office) -> None:
    await make_subscriber(office, "S-1", None)
    employer = Viewer(TENANT, "key-2", Role.EMPLOYER, office.employer)
    with pytest.raises(Forbidden):
        await upsert(office.as_viewer(employer), person(subscriber_id="S-1"))
    item = person(subscriber_id="S-1")
    assert await outcomes(office, item) == ["CREATED"]
    assert await outcomes(office, item) == ["UNCHANGED"]
    assert await outcomes(office.as_viewer(employer), person()) == ["UNCHANGED"]


async def test_employer_reaches_only_its_own_people(office: Office) -> None:
    other = Viewer(TENANT, "key-2", Role.EMPLOYER, "empr_01h455vb4pex5vsknk084sn02q")
    with pytest.raises(Refused):
        await upsert(office.as_viewer(other), person())


async def test_event_of_refused_item_is_no_evidence_of_the_commit(office: Office) -> None:
    late = replace(person("E-1"), termination=date(2020, 1, 1))

    async def first_event(tx: Transaction) -> str:
        results = await upsert_employees(tx, office.employer, [late, person("E-2")])
        assert [result.outcome for result in results] == ["REFUSED", "CREATED"]
        assert tx.evidence.event is not None
        return str(tx.evidence.event["id"])

    id = await office.run(first_event)
    assert (await office.read_row("events", id))["action"] == "HIRED"


# ---------------------------------------------------------------------------------------------------------- the law

_NAMES = st.sampled_from(["Ada", "Bob", "Zoë", "Ben"])
_CHILDREN = st.lists(
    st.builds(
        lambda name, born, values: CensusDependent(name, born, BEN.values | values),
        _NAMES,
        st.dates(date(2010, 1, 1), date(2026, 1, 1)),
        st.fixed_dictionaries({}, optional={"disabled": st.booleans(), "active": st.booleans(), "phone": st.none()}),
    ),
    max_size=2,
    unique_by=lambda each: each.first_name,
)
_PEOPLE = st.builds(
    lambda number, values, children, termination: replace(
        # Each person has a number of their own: a number that is taken may be free after a later item.
        person(f"E-{number}", **{name: v.format(number) if name == "ssn" and v else v for name, v in values.items()}),
        dependents=children,
        **({"termination": termination} if termination else {}),
    ),
    st.integers(1, 3),
    st.fixed_dictionaries(
        {},
        optional={
            "first_name": _NAMES,
            "employment_class": st.sampled_from(EmploymentClass),
            "hired_on": st.dates(date(2026, 1, 1), date(2027, 3, 1)),
            "email": st.sampled_from(["a@example.com", None]),
            "ssn": st.sampled_from(["219-09-999{}", "21909999{}", None]),
            "address": st.sampled_from([EVERY_VALUE["address"], None]),
        },
    ),
    _CHILDREN,
    st.none() | st.dates(date(2026, 11, 20), date(2027, 2, 1)),
)
_CENSUS = st.lists(_PEOPLE, min_size=1, max_size=3, unique_by=lambda item: item.external_id)


def test_census_applied_twice_is_unchanged_the_second_time(database_url: str) -> None:
    """An item that is refused is refused again, by the same rules. The people of all examples are the same three."""
    with asyncio.Runner() as runner:
        engine = create_engine(database_url, PoolSettings(size=1, overflow=1))
        office = runner.run(create_office(Database(engine, key_ring=KEY_RING)))
        seen: set[str] = set()
        runner.run(office.open_plan_year())

        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(_CENSUS)
        def check(items: list[CensusItem]) -> None:
            once = runner.run(upsert(office, *items))
            seen.update(result.outcome for result in once)
            before = runner.run(office.read_all_rows())
            again = runner.run(upsert(office, *items))
            assert runner.run(office.read_all_rows()) == before
            for result, repeated in zip(once, again, strict=True):
                outcome = "REFUSED" if result.outcome == "REFUSED" else "UNCHANGED"
                assert (repeated.outcome, repeated.effects) == (outcome, ())
                assert violations(repeated) == violations(result)

        try:
            check()
            assert seen >= {"CREATED", "UPDATED", "TERMINATED", "REHIRED", "REFUSED"}
        finally:
            runner.run(engine.dispose())
