"""The demo's tabs: each runs as it stands, twice in a row, and shows what it is about."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import make_url

from benegraph.cli.explorer_tabs import build_explorer_config
from benegraph.db.session import Database
from benegraph.demo import DemoIds, fill_demo_tenants
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.schema import build_schema
from benegraph.web.explorer import ExplorerConfig
from conftest import copy_database, copy_database_sync, open_database, run_in_database

DAYS = [date(2026, 11, 20), date(2026, 12, 31), date(2028, 2, 29)]
KEYS = {"administrator": "a", "employer": "b", "employee": "c"}
TITLES = ["EnrollmentsAndPlans", "EligiblePlans", "DryRunElection", "Election", "Reissue", "NewPlanYear"]


class Visitor:
    """Somebody in front of the tabs, who runs one after the other."""

    def __init__(self, context: Context, documents: DocumentCache, explorer_config: ExplorerConfig) -> None:
        self._context = context
        self._documents = documents
        self._config = explorer_config

    async def run(self, title: str) -> dict[str, Any]:
        tab = self._config.tabs[TITLES.index(title)]
        assert f" {title}(" in tab.query
        return await self.ask(tab.query, dict(tab.variables or {}))

    async def ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        request = GraphQLRequest(query, variables)
        answer = await execute(self._documents, self._context, request)
        assert "errors" not in answer, answer
        return answer


@pytest.fixture(scope="module", params=DAYS, ids=str)
def filled(request: pytest.FixtureRequest, server_url: str, template: str) -> Iterator[tuple[str, Clock, DemoIds]]:
    """The demo of a day, of which each test takes a copy: its URL, that day, and what is to be tried in it."""
    clock = Clock.at_noon(request.param)
    with copy_database_sync(server_url, template) as url:
        yield url, clock, run_in_database(url, lambda database: fill_demo_tenants(database, clock, 1))


@pytest.fixture
async def visitors(server_url: str, filled: tuple[str, Clock, DemoIds]) -> AsyncIterator[dict[str, Visitor]]:
    url, clock, handles = filled
    async with copy_database(server_url, str(make_url(url).database)) as copy, open_database(copy) as database:
        yield await _visitors(database, clock, handles)


async def _visitors(database: Database, clock: Clock, handles: DemoIds) -> dict[str, Visitor]:
    documents = DocumentCache(build_schema())
    viewers = {
        "administrator": Viewer(handles.tenant_id, "a", Role.ADMINISTRATOR),
        "employee": Viewer(
            handles.tenant_id, "c", Role.EMPLOYEE, employer_id=handles.employer_id, employee_id=handles.employee_id
        ),
    }
    contexts = {name: Context(database, viewer, clock, "test") for name, viewer in viewers.items()}
    explorer_config = await build_explorer_config(documents.schema, contexts["administrator"], handles, KEYS)
    return {name: Visitor(context, documents, explorer_config) for name, context in contexts.items()}


async def test_each_tab_runs_twice_in_a_row(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["administrator"]
    seen: dict[str, list[str]] = {}
    for _ in range(2):
        employee = (await visitor.run("EnrollmentsAndPlans"))["data"]["employee"]
        assert (employee["firstName"], employee["lastName"]) == ("Maya", "Delacroix")
        assert {node["status"] for node in employee["enrollments"]["nodes"]} >= {"PENDING", "ENROLLED"}

        enrollment = (await visitor.run("EligiblePlans"))["data"]["enrollment"]
        assert enrollment["electionWindow"]["isOpen"]
        assert all(offer["costs"] for offer in enrollment["eligiblePlans"])
        assert enrollment["eligiblePlans"]

        trial = (await visitor.run("DryRunElection"))["data"]["elect"]
        assert trial["userErrors"] == []
        (preview,) = trial["previews"]
        assert (preview["status"], preview["coverageTier"], len(preview["dependents"])) == ("ENROLLED", "EF", 3)

        election = (await visitor.run("Election"))["data"]
        assert election["elect"]["userErrors"] == []
        (enrollment,) = election["elect"]["enrollments"]
        assert (enrollment["status"], enrollment["coverageTier"]) == ("ENROLLED", "EF")
        seen.setdefault("reopened", []).append(str(election["reopenElection"]["enrollment"]))

        reissue = (await visitor.run("Reissue"))["data"]["reissue"]
        assert reissue["userErrors"] == []
        assert (reissue["enrollment"]["status"], reissue["replacedEnrollment"]["status"]) == ("PENDING", "ENROLLED")
        assert reissue["enrollment"]["effectiveDate"] == reissue["enrollment"]["qualifyingLifeEvent"]["eventDate"]
        seen.setdefault("reissued", []).append(reissue["enrollment"]["id"])

        plan_year = (await visitor.run("NewPlanYear"))["data"]["createPlanYear"]
        assert plan_year["userErrors"] == []
        assert plan_year["planYear"]["status"] == "DRAFT"
        assert plan_year["planYear"]["plans"]
        seen.setdefault("drafted", []).append(plan_year["planYear"]["id"])
    assert seen["reopened"] == ["None", "{'status': 'PENDING'}"]
    assert len(set(seen["reissued"])) == len(set(seen["drafted"])) == 1


async def test_the_employee_runs_what_is_theirs_to_do(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["employee"]
    for _ in range(2):
        assert (await visitor.run("EnrollmentsAndPlans"))["data"]["employee"]["enrollments"]["nodes"]
        assert (await visitor.run("EligiblePlans"))["data"]["enrollment"]["eligiblePlans"]
        assert (await visitor.run("DryRunElection"))["data"]["elect"]["previews"]
        assert (await visitor.run("Election"))["data"]["elect"]["enrollments"]
        assert (await visitor.run("Reissue"))["data"]["reissue"]["enrollment"]


RECORDED = """
query($id: ID!) { enrollment(id: $id) { coverageEndDate subscriberEnrollment { endDate paidThrough } } }
"""


async def test_what_a_tab_elects_is_the_carriers_at_once(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["administrator"]
    for _ in range(2):
        (enrollment,) = (await visitor.run("Election"))["data"]["elect"]["enrollments"]
        seen = (await visitor.ask(RECORDED, {"id": enrollment["id"]}))["data"]["enrollment"]
        assert seen["subscriberEnrollment"]["endDate"] == seen["coverageEndDate"] == enrollment["coverageEndDate"]
        assert seen["subscriberEnrollment"]["paidThrough"]


async def test_the_tabs_are_the_same_after_they_were_run(database: Database) -> None:
    clock = Clock.at_noon(DAYS[0])
    documents = DocumentCache(build_schema())
    openings = []
    for _ in range(2):
        handles = await fill_demo_tenants(database, clock, 1)
        context = Context(database, Viewer(handles.tenant_id, "a", Role.ADMINISTRATOR), clock, "test")
        openings.append(await build_explorer_config(documents.schema, context, handles, KEYS))
        for title in TITLES:
            await Visitor(context, documents, openings[0]).run(title)
    assert openings[0] == openings[1]
    assert [persona.label for persona in openings[0].personas] == [
        "Administrator",
        "Employer: Elmstead Veterinary Cooperative",
        "Employee: Maya Delacroix",
    ]
