"""Log records in the format `ecs` have only fields of the Elastic Common Schema, with its types, and fields of ours."""

import json
from datetime import datetime
from typing import Any

import pytest
from gateway import run_gateway
from nodejs import needs_node, node_with_packages

from benegraph.telemetry.ecs import ECS_VERSION
from gateways import post_json

pytestmark = [pytest.mark.conformance, needs_node]

PYTHON_TYPES: dict[str, type[Any]] = {
    "date": str,
    "keyword": str,
    "match_only_text": str,
    "wildcard": str,
    "long": int,
}


def test_log_records_fit_the_elastic_common_schema() -> None:
    schema = node_with_packages().run_json("ecs.js")
    with run_gateway(BENEGRAPH_LOG_FORMAT="ecs") as gateway:
        headers = {"Authorization": f"Bearer {gateway.keys['administrator']}", "Content-Type": "application/json"}
        for query in ("query Whoami { viewer { role } }", "{", "query Unknown { viewer { salary } }"):
            post_json(gateway.url, {"query": query}, headers)
        records = [json.loads(line) for line in gateway.log.splitlines()]
    fields = {(name, type(value)) for record in records for name, value in record.items()}
    known = {(name, value) for name, value in fields if not name.startswith("benegraph.")}
    assert {name for name, _ in known} >= {
        "@timestamp",
        "ecs.version",
        "event.duration",
        "http.request.method",
        "http.response.status_code",
        "log.level",
        "message",
        "url.path",
    }
    assert [(name, value) for name, value in known if PYTHON_TYPES.get(schema["types"].get(name)) is not value] == []
    assert {record["ecs.version"] for record in records} == {ECS_VERSION} == {schema["version"]}
    assert all(datetime.fromisoformat(record["@timestamp"]) for record in records)
