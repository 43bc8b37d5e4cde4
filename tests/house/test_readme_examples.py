"""The requests in the README and the documents return the printed responses, on the demo's data of any day."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from documentation import documents

from benegraph.db.session import Database
from benegraph.demo import fill_demo_tenants
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.schema import build_schema

NOW = datetime.now(UTC)
#: Today, and days whose plan years start in other months; one is a leap day.
CLOCKS = [Clock(NOW), *(Clock.at_noon(day) for day in (date(2027, 1, 3), date(2027, 7, 15), date(2028, 2, 29)))]


def examples() -> list[tuple[GraphQLRequest, Any]]:
    """Return each printed request with its printed response, in the order of execution: the README's first.

    A JSON block with variables belongs to the operation before it; a JSON block with data is the response to both.
    A request without a printed response has the response None.
    """
    found: list[tuple[GraphQLRequest, Any]] = []
    for document in documents():
        for block in document.blocks:
            if block.language == "graphql":
                found.append((GraphQLRequest(block.text, {}), None))
            elif block.language == "json" and found:
                content = orjson.loads(block.text)
                request, _ = found[-1]
                if "variables" in content:
                    found[-1] = GraphQLRequest(request.query, content["variables"]), None
                elif "data" in content:
                    found[-1] = request, content["data"]
    return found


def test_all_printed_requests_are_valid() -> None:
    cache = DocumentCache(build_schema())
    for request, _ in examples():
        cache.validate(request.query, cache.parse(request.query))


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: f"{clock.now:%Y-%m-%d}")
async def test_printed_requests_return_the_printed_responses(database: Database, clock: Clock) -> None:
    demo_ids = await fill_demo_tenants(database, clock, 1)
    viewer = Viewer(demo_ids.tenant_id, "readme", Role.EMPLOYEE, demo_ids.employer_id, demo_ids.employee_id)
    cache = DocumentCache(build_schema())
    printed = [(request, data) for request, data in examples() if data is not None]
    assert len(printed) == 3
    for request, data in printed:
        response = await execute(cache, Context(database, viewer, clock, "request-1"), request)
        assert "errors" not in response
        assert response["data"] == data, orjson.dumps(response["data"], option=orjson.OPT_INDENT_2).decode()
