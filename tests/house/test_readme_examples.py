"""The requests in the README and in protocol.md return the printed responses, on the demo's data of the printed day."""

import re
from datetime import date
from typing import Any

import orjson
from documentation import documents

from benegraph.db.session import Database
from benegraph.demo import fill_demo_tenants
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.schema import build_schema

#: The documents with executable examples, in the order of execution.
README, PROTOCOL = (
    next(document for document in documents() if document.name == name)
    for name in ("README.md", ".github/docs/protocol.md")
)


def examples() -> list[tuple[GraphQLRequest, Any]]:
    """Return each printed request with its printed response.

    A JSON block with variables belongs to the operation before it; a JSON block with data is the response to both.
    """
    found = []
    query = ""
    variables: dict[str, Any] = {}
    for block in (*README.blocks, *PROTOCOL.blocks):
        if block.language == "graphql":
            query, variables = block.text, {}
        elif block.language == "json":
            content = orjson.loads(block.text)
            if "variables" in content:
                variables = content["variables"]
            else:
                found.append((GraphQLRequest(query, variables), content["data"]))
    return found


async def test_printed_requests_return_the_printed_responses(database: Database) -> None:
    (today,) = map(date.fromisoformat, re.findall(r"--today (\S+)`", README.text))
    clock = Clock.at_noon(today)
    handles = await fill_demo_tenants(database, clock, 1)
    viewer = Viewer(handles.tenant_id, "readme", Role.EMPLOYEE, handles.employer_id, handles.employee_id)
    cache = DocumentCache(build_schema())
    printed = examples()
    assert len(printed) == 3
    for request, data in printed:
        response = await execute(cache, Context(database, viewer, clock, "request-1"), request)
        assert "errors" not in response
        assert response["data"] == data, orjson.dumps(response["data"], option=orjson.OPT_INDENT_2).decode()
