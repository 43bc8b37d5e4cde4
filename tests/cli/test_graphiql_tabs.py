"""GraphiQL's tabs in the demo: each can be run twice without changes, and returns what its comment says."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import make_url

from benegraph.cli.graphiql_tabs import build_pages_config
from benegraph.db.session import Database
from benegraph.demo import DemoIds, fill_demo_tenants
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.schema import build_schema
from benegraph.web.pages import PagesConfig
from conftest import copy_database, copy_database_sync, open_database, run_in_database

DAYS = [date(2026, 11, 20), date(2026, 12, 31), date(2028, 2, 29)]
KEYS = {"administrator": "a", "employer": "b", "employee": "c"}
TITLES = ["EnrollmentsAndPlans", "EligiblePlans", "DryRunElection", "Election", "Reissue", "NewPlanYear"]


class GraphiQLUser:
    """A user of GraphiQL, with one viewer's rights."""

    def __init__(self, context: Context, documents: DocumentCache, pages_config: PagesConfig) -> None:
        self._context = context
        self._documents = documents
        self._config = pages_config

    async def run(self, title: str) -> dict[str, Any]:
        tab = self._config.tabs[TITLES.index(title)]
        assert f" {title}(" in tab.query
        return await self.execute(tab.query, dict(tab.variables or {}))

    async def execute(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        request = GraphQLRequest(query, variables)
        response = await execute(self._documents, self._context, request)
        assert "errors" not in response, response
        return response


@pytest.fixture(scope="module", params=DAYS, ids=str)
def demo_database(
    request: pytest.FixtureRequest, server_url: str, template: str
) -> Iterator[tuple[str, Clock, DemoIds]]:
    """Create the demo's database of a date, which each test copies; return its URL, the clock and the IDs."""
    clock = Clock.at_noon(request.param)
    with copy_database_sync(server_url, template) as url:
        yield url, clock, run_in_database(url, lambda database: fill_demo_tenants(database, clock, 1))


@pytest.fixture
async def users(server_url: str, demo_database: tuple[str, Clock, DemoIds]) -> AsyncIterator[dict[str, GraphiQLUser]]:
    url, clock, demo_ids = demo_database
    async with copy_database(server_url, str(make_url(url).database)) as copy, open_database(copy) as database:
        yield await _create_users(database, clock, demo_ids)


async def _create_users(database: Database, clock: Clock, demo_ids: DemoIds) -> dict[str, GraphiQLUser]:
    documents = DocumentCache(build_schema())
    viewers = {
        "administrator": Viewer(demo_ids.tenant_id, "a", Role.ADMINISTRATOR),
        "employee": Viewer(
            demo_ids.tenant_id, "c", Role.EMPLOYEE, employer_id=demo_ids.employer_id, employee_id=demo_ids.employee_id
        ),
    }
    contexts = {name: Context(database, viewer, clock, "test") for name, viewer in viewers.items()}
    pages_config = await build_pages_config(documents.schema, contexts["administrator"], demo_ids, KEYS)
    return {name: GraphiQLUser(context, documents, pages_config) for name, context in contexts.items()}


async def test_the_administrator_can_run_each_tab_twice(users: dict[str, GraphiQLUser]) -> None:
    user = users["administrator"]
    results: dict[str, list[str]] = {}
    for _ in range(2):
        employee = (await user.run("EnrollmentsAndPlans"))["data"]["employee"]
        assert (employee["firstName"], employee["lastName"]) == ("Maya", "Delacroix")
        assert {node["status"] for node in employee["enrollments"]["nodes"]} >= {"PENDING", "ENROLLED"}

        enrollment = (await user.run("EligiblePlans"))["data"]["enrollment"]
        assert enrollment["electionWindow"]["isOpen"]
        assert all(offer["costs"] for offer in enrollment["eligiblePlans"])
        assert enrollment["eligiblePlans"]

        dry_run = (await user.run("DryRunElection"))["data"]["elect"]
        assert dry_run["userErrors"] == []
        (preview,) = dry_run["previews"]
        assert (preview["status"], preview["coverageTier"], len(preview["dependents"])) == ("ENROLLED", "EF", 3)

        election = (await user.run("Election"))["data"]
        assert election["elect"]["userErrors"] == []
        (enrollment,) = election["elect"]["enrollments"]
        assert (enrollment["status"], enrollment["coverageTier"]) == ("ENROLLED", "EF")
        results.setdefault("reopened", []).append(str(election["reopenElection"]["enrollment"]))

        reissue = (await user.run("Reissue"))["data"]["reissue"]
        assert reissue["userErrors"] == []
        assert (reissue["enrollment"]["status"], reissue["replacedEnrollment"]["status"]) == ("PENDING", "ENROLLED")
        assert reissue["enrollment"]["effectiveDate"] == reissue["enrollment"]["qualifyingLifeEvent"]["eventDate"]
        results.setdefault("reissued", []).append(reissue["enrollment"]["id"])

        plan_year = (await user.run("NewPlanYear"))["data"]["createPlanYear"]
        assert plan_year["userErrors"] == []
        assert plan_year["planYear"]["status"] == "DRAFT"
        assert plan_year["planYear"]["plans"]
        results.setdefault("drafted", []).append(plan_year["planYear"]["id"])
    assert results["reopened"] == ["None", "{'status': 'PENDING'}"]
    assert len(set(results["reissued"])) == len(set(results["drafted"])) == 1


async def test_the_employee_can_run_the_permitted_tabs_twice(users: dict[str, GraphiQLUser]) -> None:
    user = users["employee"]
    for _ in range(2):
        assert (await user.run("EnrollmentsAndPlans"))["data"]["employee"]["enrollments"]["nodes"]
        assert (await user.run("EligiblePlans"))["data"]["enrollment"]["eligiblePlans"]
        assert (await user.run("DryRunElection"))["data"]["elect"]["previews"]
        assert (await user.run("Election"))["data"]["elect"]["enrollments"]
        assert (await user.run("Reissue"))["data"]["reissue"]["enrollment"]


COVERAGE_QUERY = """
query($id: ID!) { enrollment(id: $id) { coverageEndDate subscriberEnrollment { endDate paidThrough } } }
"""


async def test_an_election_in_a_tab_updates_the_coverage_of_record(users: dict[str, GraphiQLUser]) -> None:
    user = users["administrator"]
    for _ in range(2):
        (enrollment,) = (await user.run("Election"))["data"]["elect"]["enrollments"]
        updated = (await user.execute(COVERAGE_QUERY, {"id": enrollment["id"]}))["data"]["enrollment"]
        assert updated["subscriberEnrollment"]["endDate"] == updated["coverageEndDate"] == enrollment["coverageEndDate"]
        assert updated["subscriberEnrollment"]["paidThrough"]


async def test_running_the_tabs_does_not_change_them(database: Database) -> None:
    clock = Clock.at_noon(DAYS[0])
    documents = DocumentCache(build_schema())
    configs = []
    for _ in range(2):
        demo_ids = await fill_demo_tenants(database, clock, 1)
        context = Context(database, Viewer(demo_ids.tenant_id, "a", Role.ADMINISTRATOR), clock, "test")
        configs.append(await build_pages_config(documents.schema, context, demo_ids, KEYS))
        for title in TITLES:
            await GraphiQLUser(context, documents, configs[0]).run(title)
    assert configs[0] == configs[1]
    assert [persona.label for persona in configs[0].personas] == [
        "Administrator",
        "Employer: Elmstead Veterinary Cooperative",
        "Employee: Maya Delacroix",
    ]
