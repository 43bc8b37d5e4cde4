"""Permissions of every role for every mutation; and invisible rows are refused exactly like missing ones."""

from dataclasses import replace
from typing import Any

import pytest
from carrier_inputs import CARRIER_MUTATIONS
from catalog_inputs import EMPLOYER_AND_CATALOG_MUTATIONS, TENANT_WIDE_MUTATIONS
from mutation_calls import MUTATIONS, Input, RollbackDatabase, call, create_office_with_inputs

from benegraph.db.engine import create_engine
from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.office import Office, create_office
from statement_log import record_round_trips

# The permissions of each role, listed independently of the code.
EMPLOYEE_MUTATIONS = {"elect", "reopenElection", "reissue", "withdrawReissue", "addDependent", "updateDependent"} | {
    "reportLifeEvent",
    "withdrawLifeEvent",
}
ADMINISTRATOR_ONLY_MUTATIONS = (
    {"createEmployer", "createBenefitProduct", "overrideElection", "revealSsn", "issueKey", "revokeKey"}
    | CARRIER_MUTATIONS
    | EMPLOYER_AND_CATALOG_MUTATIONS
)
PERMITTED_MUTATIONS = {
    Role.ADMINISTRATOR: set(MUTATIONS),
    Role.EMPLOYER: set(MUTATIONS) - ADMINISTRATOR_ONLY_MUTATIONS,
    Role.EMPLOYEE: EMPLOYEE_MUTATIONS,
    Role.SERVICE: set[str](),
}
MISSING_ID_SUFFIX = "_01h455vb4pex5vsknk084sn02q"


def unreachable_database() -> Database:
    """Return a database without a server, so that every statement fails."""
    return Database(create_engine("postgresql://nobody@127.0.0.1:1/nothing"))


async def create_rollback_office(database: Database) -> tuple[Office, dict[str, Input]]:
    office, inputs = await create_office_with_inputs(database)
    return replace(office, database=RollbackDatabase(database.engine, key_ring=database.key_ring)), inputs


def build_viewers(office: Office, employee: str) -> list[Viewer]:
    return [
        administrator(),
        employer_viewer(office.employer),
        employee_viewer(office.employer, employee),
        service_viewer(),
        *(service_viewer(actions=[action]) for action in Action),
    ]


def is_permitted(viewer: Viewer, mutation: str) -> bool:
    return mutation in PERMITTED_MUTATIONS[viewer.role] or mutation in viewer.actions


def permitted_input(viewer: Viewer, input: Any) -> Any:
    """Leave out the subscriber number, which an employer's user may not set."""
    if viewer.role is not Role.EMPLOYER:
        return input
    if isinstance(input, list):
        return [permitted_input(viewer, item) for item in input]
    if isinstance(input, dict):
        return {name: permitted_input(viewer, value) for name, value in input.items() if name != "subscriberId"}
    return input


async def test_mutation_without_permission_is_forbidden_before_any_read(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    office_without_database = replace(office, database=unreachable_database())
    forbidden = 0
    for viewer in build_viewers(office, inputs["elect"]["employeeId"]):
        for mutation in MUTATIONS:
            if is_permitted(viewer, mutation):
                continue
            response = await call(office_without_database, mutation, inputs[mutation], viewer=viewer)
            assert (response.payload, response.errors) == (None, ["FORBIDDEN"]), (viewer.actor, mutation)
            forbidden += 1
    total = len(MUTATIONS)
    assert forbidden == sum(total - len(permitted) for permitted in PERMITTED_MUTATIONS.values()) + total * (total - 1)


async def test_invalid_input_without_permission_is_forbidden_without_a_statement(database: Database) -> None:
    office = await create_office(database)
    viewer = employee_viewer(office.employer, f"empl{MISSING_ID_SUFFIX}")
    async with record_round_trips(database) as sent:
        response = await call(office, "deletePlanYear", {"planYearId": "nonsense"}, viewer=viewer)
    assert (response.errors, sent) == (["FORBIDDEN"], [])


async def test_mutation_with_permission_is_applied(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    applied = 0
    for viewer in build_viewers(office, inputs["elect"]["employeeId"]):
        for mutation in MUTATIONS:
            if not is_permitted(viewer, mutation):
                continue
            if viewer.role is Role.EMPLOYEE and mutation in {"reopenElection", "reissue", "withdrawReissue"}:
                continue  # these enrollments belong to other employees
            response = await call(office, mutation, permitted_input(viewer, inputs[mutation]), viewer=viewer)
            assert response.is_applied, (viewer.actor, mutation, response)
            applied += 1
    assert applied == sum(map(len, PERMITTED_MUTATIONS.values())) - 3 + len(MUTATIONS)


async def test_employer_may_not_link_a_subscriber(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    for mutation in ("createEmployee", "updateEmployee", "upsertEmployees"):
        response = await call(office, mutation, inputs[mutation], viewer=employer_viewer(office.employer))
        assert (response.payload, response.errors) == (None, ["FORBIDDEN"])


async def test_employee_reopens_and_reissues_own_enrollments(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    for mutation in ("reopenElection", "reissue"):
        row = await office.enrollment(inputs[mutation]["enrollmentId"])
        viewer = employee_viewer(office.employer, row.employee_id)
        assert (await call(office, mutation, inputs[mutation], viewer=viewer)).is_applied


@pytest.mark.parametrize(
    "stranger", ["another tenant", "another employer", "another employee", "a service of another employer"]
)
async def test_invisible_rows_are_refused_exactly_like_missing_ones(database: Database, stranger: str) -> None:
    """The responses have the same codes, paths and messages, and take the same number of statements."""
    office, inputs = await create_rollback_office(database)
    other_office = await create_office(database, tenant="globex" if stranger == "another tenant" else "acme")
    strangers = {
        "another tenant": administrator("globex"),
        "another employer": employer_viewer(other_office.employer),
        "another employee": employee_viewer(office.employer, await hire_permanently(office)),
        "a service of another employer": service_viewer(employer=other_office.employer, actions=Action),
    }
    viewer = strangers[stranger]
    for mutation in MUTATIONS:
        input = permitted_input(viewer, inputs[mutation])
        if not is_permitted(viewer, mutation) or not _ids_of(input):
            continue
        if viewer.employer_id is not None and mutation in TENANT_WIDE_MUTATIONS:
            continue  # forbidden by the key's limits
        outcomes = []
        # Every viewer of the tenant may read the catalog.
        visible_ids = {office.product} if viewer.tenant_id == "acme" else set()
        for sent_input in (input, _with_missing_ids(input, visible_ids)):
            async with record_round_trips(database) as sent:
                response = await call(office, mutation, sent_input, viewer=viewer)
            assert response.errors == []
            outcomes.append(
                (response.payload, response.refusals, _mask(response.messages, _ids_of(sent_input)), len(sent))
            )
        assert outcomes[0] == outcomes[1], mutation
        assert {refusal.split(" ")[0] for refusal in outcomes[0][1]} == {"NOT_FOUND"}, mutation


def _mask(messages: list[str], values: list[str]) -> list[str]:
    """Replace the caller's own values in messages, which may quote them."""
    for value in values:
        messages = [message.replace(value, "…") for message in messages]
    return messages


async def hire_permanently(office: Office) -> str:
    """Hire an employee in a transaction that commits, unlike the office's own."""
    return await replace(office, database=Database(office.database.engine)).hire("Eve")


def _ids_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [id for name, item in value.items() if name != "idempotencyKey" for id in _ids_of(item)]
    if isinstance(value, list):
        return [id for item in value for id in _ids_of(item)]
    return [value] if isinstance(value, str) and len(value) > 26 and "_" in value else []


def _with_missing_ids(value: Any, visible_ids: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _with_missing_ids(item, visible_ids) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_missing_ids(item, visible_ids) for item in value]
    return value.split("_")[0] + MISSING_ID_SUFFIX if _ids_of(value) and value not in visible_ids else value
