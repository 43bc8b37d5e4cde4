"""Who may call what, and that what is out of reach can't be told from what is not there."""

from dataclasses import replace
from typing import Any

import pytest
from carriers_inputs import CARRIERS
from mutating import MUTATIONS, Input, Rehearsing, busy_office, call

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.office import Office, create_office
from sent import statements

# As design.md tells it, once more by hand.
EMPLOYEES_OWN = {"elect", "reopenElection", "reissue", "addDependent", "updateDependent", "reportLifeEvent"}
ADMINISTRATORS_ALONE = {"createEmployer", "createBenefitProduct"} | CARRIERS
MAY = {
    Role.ADMINISTRATOR: set(MUTATIONS),
    Role.EMPLOYER: set(MUTATIONS) - ADMINISTRATORS_ALONE,
    Role.EMPLOYEE: EMPLOYEES_OWN,
    Role.SERVICE: set[str](),
}
NO_ID = "_01h455vb4pex5vsknk084sn02q"


def nowhere() -> Database:
    """A database that is not there: whoever asks it anything fails."""
    return Database(create_engine("postgresql://nobody@127.0.0.1:1/nothing"))


async def inputs_of(database: Database) -> tuple[Office, dict[str, Input]]:
    office, inputs = await busy_office(database)
    return replace(office, database=Rehearsing(database.engine)), inputs


def viewers(office: Office, employee: str) -> list[Viewer]:
    return [
        administrator(),
        employer_viewer(office.employer),
        employee_viewer(office.employer, employee),
        service_viewer(),
        *(service_viewer(actions=[action]) for action in Action),
    ]


def may(viewer: Viewer, mutation: str) -> bool:
    return mutation in MAY[viewer.role] or mutation in viewer.actions


def sayable(viewer: Viewer, input: Input) -> Input:
    """Leave out what an employer may not say: which subscriber an employee is."""
    return {name: value for name, value in input.items() if viewer.role is not Role.EMPLOYER or name != "subscriberId"}


async def test_what_a_role_may_not_is_forbidden_before_anything_is_read(database: Database) -> None:
    office, inputs = await inputs_of(database)
    lost = replace(office, database=nowhere())
    forbidden = 0
    for viewer in viewers(office, inputs["elect"]["employeeId"]):
        for mutation in MUTATIONS:
            if may(viewer, mutation):
                continue
            answer = await call(lost, mutation, inputs[mutation], viewer=viewer)
            assert (answer.payload, answer.errors) == (None, ["FORBIDDEN"]), (viewer.actor, mutation)
            forbidden += 1
    assert forbidden == 14 + 24 + 30 + 30 * 29


async def test_the_wrong_input_of_someone_who_may_not_is_not_even_looked_at(database: Database) -> None:
    office = await create_office(database)
    viewer = employee_viewer(office.employer, f"empl{NO_ID}")
    async with statements(database) as sent:
        answer = await call(office, "deletePlanYear", {"planYearId": "nonsense"}, viewer=viewer)
    assert (answer.errors, sent) == (["FORBIDDEN"], [])


async def test_what_a_role_may_it_can_do(database: Database) -> None:
    office, inputs = await inputs_of(database)
    done = 0
    for viewer in viewers(office, inputs["elect"]["employeeId"]):
        for mutation in MUTATIONS:
            if not may(viewer, mutation):
                continue
            if viewer.role is Role.EMPLOYEE and mutation in {"reopenElection", "reissue"}:
                continue  # of others, in this office
            answer = await call(office, mutation, sayable(viewer, inputs[mutation]), viewer=viewer)
            assert answer.is_done, (viewer.actor, mutation, answer)
            done += 1
    assert done == 30 + 16 + 4 + 30


async def test_an_employer_links_no_subscriber(database: Database) -> None:
    office, inputs = await inputs_of(database)
    for mutation in ("createEmployee", "updateEmployee"):
        answer = await call(office, mutation, inputs[mutation], viewer=employer_viewer(office.employer))
        assert (answer.payload, answer.errors) == (None, ["FORBIDDEN"])


async def test_an_employee_takes_back_and_reissues_their_own(database: Database) -> None:
    office, inputs = await inputs_of(database)
    for mutation in ("reopenElection", "reissue"):
        row = await office.enrollment(inputs[mutation]["enrollmentId"])
        viewer = employee_viewer(office.employer, row.employee_id)
        assert (await call(office, mutation, inputs[mutation], viewer=viewer)).is_done


@pytest.mark.parametrize("who", ["another tenant", "another employer", "another employee", "a service elsewhere"])
async def test_what_is_out_of_reach_is_as_if_it_were_not_there(database: Database, who: str) -> None:
    """The very same answer, by code, path and words, in as many statements."""
    office, inputs = await inputs_of(database)
    elsewhere = await create_office(database, tenant="globex" if who == "another tenant" else "acme")
    strangers = {
        "another tenant": administrator("globex"),
        "another employer": employer_viewer(elsewhere.employer),
        "another employee": employee_viewer(office.employer, await office_hire(office)),
        "a service elsewhere": service_viewer(employer=elsewhere.employer, actions=Action),
    }
    viewer = strangers[who]
    for mutation in MUTATIONS:
        input = sayable(viewer, inputs[mutation])
        if not may(viewer, mutation) or not _ids_of(input):
            continue
        told = []
        # The catalogue is everybody's in the tenant.
        kept = {office.product} if viewer.tenant_id == "acme" else set()
        for asked in (input, _with_none_of_its_ids(input, kept)):
            async with statements(database) as sent:
                answer = await call(office, mutation, asked, viewer=viewer)
            assert answer.errors == []
            told.append((answer.payload, answer.refusals, _mask(answer.messages, _ids_of(asked)), len(sent)))
        assert told[0] == told[1], mutation
        assert {refusal.split(" ")[0] for refusal in told[0][1]} == {"NOT_FOUND"}, mutation


def _mask(messages: list[str], values: list[str]) -> list[str]:
    """Replace the caller's own values in messages, which may quote them."""
    for value in values:
        messages = [message.replace(value, "…") for message in messages]
    return messages


async def office_hire(office: Office) -> str:
    return await replace(office, database=Database(office.database.engine)).hire("Eve")


def _ids_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [id for name, item in value.items() if name != "idempotencyKey" for id in _ids_of(item)]
    if isinstance(value, list):
        return [id for item in value for id in _ids_of(item)]
    return [value] if isinstance(value, str) and len(value) > 26 and "_" in value else []


def _with_none_of_its_ids(value: Any, kept: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _with_none_of_its_ids(item, kept) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_none_of_its_ids(item, kept) for item in value]
    return value.split("_")[0] + NO_ID if _ids_of(value) and value not in kept else value
