"""`serve` as a process: its output, `demo.json`, API keys, logs and shutdown."""

import json
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateways import TIMEOUT_SECONDS, TODAY, Gateway, post_json, reachable_directory, run_gateway, wait_until


def demo(directory: Path) -> Any:
    return run_gateway(directory, "--demo", "--today", TODAY, "--data-dir", str(directory), until="Ctrl-C")


def run_curl(line: str) -> dict[str, Any]:
    """Send the request of a printed curl command."""
    *curl, url, option_1, header_1, option_2, header_2, option_3, body = shlex.split(line)
    assert (curl, option_1, option_2, option_3) == (["curl", "-sS", "-w", "\\n"], "-H", "-H", "-d")
    return post_json(url, json.loads(body), dict(header.split(": ", 1) for header in (header_1, header_2)))


@pytest.fixture(scope="module")
def demo_place() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


@pytest.fixture
def directory() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def gateway(demo_place: Path) -> Iterator[Gateway]:
    with demo(demo_place) as gateway:
        yield gateway


def test_the_message_has_urls_keys_and_commands_in_this_order(gateway: Gateway) -> None:
    keys = gateway.demo_file["keys"]
    expected = [gateway.url, keys["administrator"], keys["employer"], keys["employee"], "curl", "curl"]
    position = 0
    for text in expected:
        position = gateway.stdout.index(text, position) + len(text)
    lines = [line for line in gateway.stdout.splitlines() if line.startswith("curl ")]
    assert len(lines) == 2


def test_demo_json_has_the_same_values_and_is_private(gateway: Gateway) -> None:
    file = gateway.directory / "demo.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert gateway.demo_file["url"] == gateway.url
    assert set(gateway.demo_file) == {"url", "keys", "samples", "today"}
    assert set(gateway.demo_file["keys"]) == {"administrator", "employer", "employee"}
    assert set(gateway.demo_file["samples"]) == {"employeeId", "employerId", "pendingEnrollmentIds"}
    assert gateway.demo_file["samples"]["pendingEnrollmentIds"]
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


def test_each_key_has_the_role_of_its_name(gateway: Gateway) -> None:
    query = "{ viewer { role employer { id } employee { id } } }"
    employer, employee = ({"id": gateway.demo_file["samples"][f"{name}Id"]} for name in ("employer", "employee"))
    for name, expected in {
        "administrator": (None, None),
        "employer": (employer, None),
        "employee": (employer, employee),
    }.items():
        viewer = gateway.post_query(query, gateway.demo_file["keys"][name])["data"]["viewer"]
        assert (viewer["role"], viewer["employer"], viewer["employee"]) == (name.upper(), *expected)


def test_the_printed_query_returns_enrollments_and_plans(gateway: Gateway) -> None:
    line, _ = (line for line in gateway.stdout.splitlines() if line.startswith("curl "))
    response = run_curl(line)
    assert "errors" not in response
    enrollments = response["data"]["employee"]["enrollments"]["nodes"]
    pending = [enrollment["id"] for enrollment in enrollments if enrollment["status"] == "PENDING"]
    assert set(gateway.demo_file["samples"]["pendingEnrollmentIds"]) <= set(pending)
    assert any(enrollment["selectedPlan"] for enrollment in enrollments if enrollment["status"] == "ENROLLED")


def test_the_printed_election_is_idempotent(gateway: Gateway) -> None:
    _, line = (line for line in gateway.stdout.splitlines() if line.startswith("curl "))
    first, second = run_curl(line), run_curl(line)
    assert first["data"]["elect"]["userErrors"] == []
    (enrollment,) = first["data"]["elect"]["enrollments"]
    assert enrollment["status"] in {"ENROLLED", "WAIVED"}
    assert enrollment["id"] == gateway.demo_file["samples"]["pendingEnrollmentIds"][0]
    assert second["data"] == first["data"]
    assert second["extensions"] == first["extensions"] | {"idempotentReplay": True}


def test_today_is_the_date_of_the_option(gateway: Gateway) -> None:
    query = "{ enrollments(first: 1, filter: {status: [PENDING]}) { nodes { electionWindow { isOpen opensOn } } } }"
    (enrollment,) = gateway.post_query(query, gateway.demo_file["keys"]["employee"])["data"]["enrollments"]["nodes"]
    window = enrollment["electionWindow"]
    assert window["isOpen"]
    assert window["opensOn"] <= TODAY


def test_only_probes_need_no_key(gateway: Gateway) -> None:
    assert (gateway.get_status("/livez"), gateway.get_status("/readyz"), gateway.get_status("/graphql")) == (
        200,
        200,
        401,
    )


def test_the_log_contains_no_key_and_no_query(gateway: Gateway) -> None:
    gateway.get_status("/graphql?query=%7Bviewer%7Brole%7D%7D&name=Sesquipedalia")
    wait_until(lambda: '"GET /graphql 401 ' in gateway.log, gateway)
    for secret in (*gateway.demo_file["keys"].values(), "Sesquipedalia", "viewer"):
        assert secret not in gateway.log


def test_a_restarted_demo_keeps_its_keys_and_data(gateway: Gateway) -> None:
    before, directory = gateway.demo_file, gateway.directory
    assert list(directory.glob("pg*/postmaster.pid"))
    assert gateway.stop() == 0
    assert "Traceback" not in gateway.log
    assert not list(directory.glob("pg*/postmaster.pid"))
    with demo(directory) as restarted:
        assert restarted.demo_file["keys"] == before["keys"]
        assert restarted.demo_file["samples"] == before["samples"]
        assert restarted.post_query("{ viewer { role } }", before["keys"]["employee"])["data"]
        (directory / "demo.json").unlink()
        assert restarted.stop(signal.SIGINT) == 0
    with demo(directory) as without_file:
        assert set(without_file.demo_file["keys"].values()).isdisjoint(before["keys"].values())
        assert without_file.post_query("{ viewer { role } }", without_file.demo_file["keys"]["administrator"])["data"]


def test_a_demo_of_an_earlier_day_keeps_its_date_and_says_so(demo_place: Path) -> None:
    with demo(demo_place) as first:
        before = first.demo_file
        assert before["today"] == TODAY
        assert first.stop() == 0
    data_dir, start_over = str(demo_place), shlex.join(["rm", "-r", str(demo_place)]) + "\n"
    query = "{ enrollments(filter: {status: [PENDING]}) { nodes { electionWindow { isOpen } } } }"
    with run_gateway(demo_place, "--demo", "--data-dir", data_dir, until=start_over) as later:
        assert later.demo_file | {"url": ""} == before | {"url": ""}
        assert f"The demo's date is still {TODAY}, for which its data was generated.\n" in later.stdout
        assert later.stdout.endswith(start_over)
        pending = later.post_query(query, before["keys"]["employee"])["data"]["enrollments"]["nodes"]
        assert [item["electionWindow"]["isOpen"] for item in pending] == [True] * len(pending)
        assert len(pending) >= 2
    with run_gateway(demo_place, "--demo", "--today", "2027-03-01", "--data-dir", data_dir, until=start_over) as moved:
        assert moved.demo_file == before | {"today": "2027-03-01", "url": moved.url}
        assert f"The demo's date is 2027-03-01, but its data was generated for {TODAY}:" in moved.stdout
        assert moved.post_query(query, before["keys"]["employee"])["data"]["enrollments"]["nodes"] == []


def test_a_gateway_with_an_external_database_drains_before_it_exits(tmp_path: Path, database_url: str) -> None:
    environment = {
        "DATABASE_URL": database_url,
        "BENEGRAPH_DRAIN_SECONDS": "2",
        "XDG_DATA_HOME": str(tmp_path / "none"),
    }
    with run_gateway(tmp_path, until="http://", **environment) as gateway:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        assert gateway.get_status("/readyz") == 200
        gateway.process.send_signal(signal.SIGTERM)
        while gateway.get_status("/readyz") != 503:
            assert time.monotonic() < deadline
        assert gateway.get_status("/livez") == 200
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
        assert not (tmp_path / "none").exists()


def test_a_gateway_stopped_while_it_starts_leaves_no_database_server(directory: Path) -> None:
    command = [sys.executable, "-m", "benegraph", "serve", "--demo", "--port", "0", "--data-dir", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - fixed arguments
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not list(directory.glob("pg*/postmaster.pid")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.terminate()
        assert process.wait(TIMEOUT_SECONDS) not in {
            0,
            -signal.SIGTERM,
        }  # it exits by itself, through its own signal handler
        assert list(directory.glob("pg*/PG_VERSION"))
        assert not list(directory.glob("pg*/postmaster.pid"))
