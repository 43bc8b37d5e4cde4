"""GraphQL over HTTP: every audit of graphql-http passes, including those of recommendations."""

from collections.abc import Iterator
from typing import Any

import pytest
from gateway import Gateway, run_gateway
from nodejs import needs_node, node_with_packages

pytestmark = [pytest.mark.conformance, needs_node]

AUDITS = 61


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_gateway() as gateway:
        yield gateway


def audit(url: str, key: str) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = node_with_packages().run_json("audit.js", url, key)
    return outcomes


def test_every_audit_passes(gateway: Gateway) -> None:
    outcomes = audit(gateway.url, gateway.keys["administrator"])
    failing = [f"{each['id']} {each['name']}: {each['reason']}" for each in outcomes if each["status"] != "ok"]
    assert not failing, "\n".join(failing)
    assert len({outcome["id"] for outcome in outcomes}) == len(outcomes) == AUDITS


def test_audits_report_a_server_without_graphql(gateway: Gateway) -> None:
    status = {outcome["id"]: outcome["status"] for outcome in audit(gateway.at("/livez"), "none")}
    assert status["2C94"] == "error"  # MUST accept POST requests
    assert status["22EB"] == "warn"  # SHOULD accept application/graphql-response+json
