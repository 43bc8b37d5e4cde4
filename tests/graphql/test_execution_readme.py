"""The example in the executor's README shows the real plan, statements, rows and response."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from graphql_requests import SCHEMA
from visibility_dataset import make_company

from benegraph.db.read_pool import Snapshot
from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.execution import JsonPart, NestedQuery, OperationPlan
from benegraph.execution.run.json_fragments import JsonFragmentStep
from benegraph.execution.run.root_fields import JsonRootField
from benegraph.graphql.context import Context
from benegraph.graphql.engine import executor_bindings
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.engine.serialize import serialize
from factories.access import TENANT, administrator
from factories.enrollments import make_life_event
from factories.people import make_dependent

README = Path(executor_bindings.__file__).parents[2] / "execution/README.md"
#: IDs in the README stand for the IDs that a run of the test creates.
DEPENDENT_ID, TENANT_ID = "dpnd_01m7xkmknge00801hqyns64s05", "tnnt_example"


def blocks() -> list[str]:
    """Return the code blocks of the example, in order."""
    return re.findall(r"^```\w+\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def visible(text: str) -> str:
    """Replace control characters with their symbols, as the README shows them."""
    return re.sub(r"[\x00-\x1f]", lambda match: chr(0x2400 + ord(match[0])), text)


def words(sql: str) -> str:
    """Return a statement without the layout of its lines."""
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.split()))


def describe(plan: OperationPlan) -> str:
    """Describe a plan with one root field, which is rendered as JSON."""
    (root,) = plan.root_fields
    assert isinstance(root, JsonRootField)
    (nested,) = root.query.statement.row_query.nested
    lines = [
        f"{root.field_plan.response_name}: JsonRootField",
        f"  {describe_query(nested)}, page request {nested.page}",
    ]
    lines += [f"    {line}" for line in describe_layout(nested)]
    return "\n".join([*lines, *describe_placeholders(root.fragment), ""])


def describe_query(nested: NestedQuery) -> str:
    by = f" by {nested.key}" if nested.key else ""
    return f"{nested.cardinality.name} of {table_of(nested.row_query.source)}{by}"


def describe_layout(nested: NestedQuery) -> Iterator[str]:
    layout = nested.layout
    assert layout is not None
    assert layout.parts is not None
    yield "before_rows " + join(layout.before_rows)
    for part in layout.parts:
        yield from describe_part(part)
    yield "suffix " + visible(layout.suffix)
    yield "after_rows " + join(layout.after_rows)


def describe_part(part: JsonPart) -> Iterator[str]:
    if isinstance(part.value, NestedQuery):
        yield f"{part.prefix} {describe_query(part.value)}"
        yield from (f"  {line}" for line in describe_layout(part.value))
        return
    line = f"{visible(part.prefix)} {part.value}"
    if part.placeholder is not None:
        line += f" as placeholder {visible(part.placeholder)}"
    yield line + (f", or {part.null_text}" if part.null_text is not None else "")


def describe_placeholders(fragment: JsonFragmentStep) -> Iterator[str]:
    for placeholder in fragment.placeholders:
        query, plan = placeholder.lookup.statement.row_query, placeholder.lookup.plan
        yield f"  placeholder {visible(placeholder.character)}: KeyLookup of {table_of(query.source)}"
        for name, column in zip(plan.response_names, query.columns, strict=True):
            yield f"    {name}: {column}"


def table_of(source: Any) -> str:
    table: str = (source.key if source.key is not None else source.sort_columns(())[0][0]).class_.__tablename__
    return table


def join(pieces: Sequence[Any]) -> str:
    return "".join(map(str, pieces))


async def test_readme_example_shows_the_real_plan_statements_and_response(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = await make_company(database, clock)
    dependent = await make_dependent(database, clock, employee=company["employee"])
    await make_life_event(database, clock, employee=company["employee"], dependent=dependent)
    statements: list[tuple[str, dict[str, Any], list[Any]]] = []
    fetch = Snapshot.fetch

    async def record(snapshot: Any, statement: Any, parameters: dict[str, Any]) -> Any:
        rows = await fetch(snapshot, statement, parameters)
        values = {f"${index}": value for index, value in enumerate(statement.values(parameters), 1)}
        statements.append((statement.text, values, [tuple(row) for row in rows]))
        return rows

    monkeypatch.setattr(Snapshot, "fetch", record)
    document, plan, sql, parameters, text, lookup_sql, data = blocks()
    documents = DocumentCache(SCHEMA, use_compiled_plans=True)
    response = await execute(documents, Context(database, administrator(), clock, "request"), GraphQLRequest(document))
    assert json.loads(serialize(response))["data"] == {"employees": json.loads(data)}
    assert serialize(response["data"]["employees"]).decode() == data.strip()

    (operation,) = (documents.parse(document).operations or {}).values()
    (compiled,) = operation.operation_plans.values()
    assert isinstance(compiled, OperationPlan)
    assert describe(compiled) == plan
    (first_sql, first_values, first_rows), (second_sql, second_values, second_rows) = statements
    assert words(first_sql) == words(sql)
    shown = {name: visible(value.replace(TENANT, TENANT_ID)) for name, value in first_values.items()}
    assert shown == json.loads(parameters)
    assert first_rows == [(text.strip().replace("␁", "\x01").replace("␂", "\x02").replace(DEPENDENT_ID, dependent),)]
    assert words(second_sql) == words(lookup_sql)
    assert second_values == {"$1": TENANT, "$2": [dependent]}
    assert second_rows == [("Ben", dependent)]
