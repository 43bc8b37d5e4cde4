"""`serve`, as a process: what it prints and leaves, whom it lets in, how it ends."""

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


def demo(place: Path) -> Any:
    return run_gateway(place, "--demo", "--today", TODAY, "--data-dir", str(place), until="Ctrl-C")


def paste(line: str) -> dict[str, Any]:
    """Do what a pasted curl line does."""
    *curl, url, h, one, h2, other, d, body = shlex.split(line)
    assert (curl, h, h2, d) == (["curl", "-sS", "-w", "\\n"], "-H", "-H", "-d")
    return post_json(url, json.loads(body), dict(header.split(": ", 1) for header in (one, other)))


@pytest.fixture(scope="module")
def demo_place() -> Iterator[Path]:
    with reachable_directory() as place:
        yield place


@pytest.fixture
def place() -> Iterator[Path]:
    with reachable_directory() as place:
        yield place


@pytest.fixture(scope="module")
def gateway(demo_place: Path) -> Iterator[Gateway]:
    with demo(demo_place) as gateway:
        yield gateway


def test_the_page_says_first_what_is_needed_first(gateway: Gateway) -> None:
    keys = gateway.demo_file["keys"]
    said = [gateway.url, keys["administrator"], keys["employer"], keys["employee"], "curl", "curl"]
    position = 0
    for word in said:
        position = gateway.stdout.index(word, position) + len(word)
    lines = [line for line in gateway.stdout.splitlines() if line.startswith("curl ")]
    assert len(lines) == 2


def test_the_note_is_its_owners_and_says_the_same(gateway: Gateway) -> None:
    note = gateway.directory / "demo.json"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert gateway.demo_file["url"] == gateway.url
    assert set(gateway.demo_file) == {"url", "keys", "samples"}
    assert set(gateway.demo_file["keys"]) == {"administrator", "employer", "employee"}
    assert set(gateway.demo_file["samples"]) == {"employeeId", "employerId", "pendingEnrollmentIds"}
    assert gateway.demo_file["samples"]["pendingEnrollmentIds"]
    assert [path.name for path in note.parent.iterdir() if path.name.startswith(".")] == []


def test_each_key_is_its_viewers(gateway: Gateway) -> None:
    query = "{ viewer { role employer { id } employee { id } } }"
    employer, employee = ({"id": gateway.demo_file["samples"][f"{kind}Id"]} for kind in ("employer", "employee"))
    for name, seen in {
        "administrator": (None, None),
        "employer": (employer, None),
        "employee": (employer, employee),
    }.items():
        viewer = gateway.post_query(query, gateway.demo_file["keys"][name])["data"]["viewer"]
        assert (viewer["role"], viewer["employer"], viewer["employee"]) == (name.upper(), *seen)


def test_the_pasted_query_shows_employees_enrollments_and_plans(gateway: Gateway) -> None:
    line, _ = (line for line in gateway.stdout.splitlines() if line.startswith("curl "))
    answer = paste(line)
    assert "errors" not in answer
    enrollments = answer["data"]["employee"]["enrollments"]["nodes"]
    pending = [enrollment["id"] for enrollment in enrollments if enrollment["status"] == "PENDING"]
    assert set(gateway.demo_file["samples"]["pendingEnrollmentIds"]) <= set(pending)
    assert any(enrollment["selectedPlan"] for enrollment in enrollments if enrollment["status"] == "ENROLLED")


def test_the_pasted_elect_counts_once_however_often_it_is_pasted(gateway: Gateway) -> None:
    _, line = (line for line in gateway.stdout.splitlines() if line.startswith("curl "))
    first, again = paste(line), paste(line)
    assert first["data"]["elect"]["userErrors"] == []
    (enrollment,) = first["data"]["elect"]["enrollments"]
    assert enrollment["status"] in {"ENROLLED", "WAIVED"}
    assert enrollment["id"] == gateway.demo_file["samples"]["pendingEnrollmentIds"][0]
    assert again["data"] == first["data"]
    assert again["extensions"] == first["extensions"] | {"idempotentReplay": True}


def test_it_is_the_day_that_was_said(gateway: Gateway) -> None:
    query = "{ enrollments(first: 1, filter: {status: [PENDING]}) { nodes { electionWindow { isOpen opensOn } } } }"
    (found,) = gateway.post_query(query, gateway.demo_file["keys"]["employee"])["data"]["enrollments"]["nodes"]
    window = found["electionWindow"]
    assert window["isOpen"]
    assert window["opensOn"] <= TODAY


def test_probes_need_no_key_and_everything_else_does(gateway: Gateway) -> None:
    assert (gateway.get_status("/livez"), gateway.get_status("/readyz"), gateway.get_status("/graphql")) == (
        200,
        200,
        401,
    )


def test_the_log_holds_no_key_and_no_query(gateway: Gateway) -> None:
    gateway.get_status("/graphql?query=%7Bviewer%7Brole%7D%7D&name=Sesquipedalia")
    wait_until(lambda: '"GET /graphql 401 ' in gateway.log, gateway)
    for word in (*gateway.demo_file["keys"].values(), "Sesquipedalia", "viewer"):
        assert word not in gateway.log


def test_it_ends_when_told_and_comes_back_as_it_was(gateway: Gateway) -> None:
    before, place = gateway.demo_file, gateway.directory
    assert list(place.glob("pg*/postmaster.pid"))
    assert gateway.stop() == 0
    assert "Traceback" not in gateway.log
    assert not list(place.glob("pg*/postmaster.pid"))
    with demo(place) as again:
        assert again.demo_file["keys"] == before["keys"]
        assert again.demo_file["samples"] == before["samples"]
        assert again.post_query("{ viewer { role } }", before["keys"]["employee"])["data"]
        (place / "demo.json").unlink()
        assert again.stop(signal.SIGINT) == 0
    with demo(place) as anew:
        assert set(anew.demo_file["keys"].values()).isdisjoint(before["keys"].values())
        assert anew.post_query("{ viewer { role } }", anew.demo_file["keys"]["administrator"])["data"]


def test_one_over_a_database_of_its_operators_drains_before_it_ends(tmp_path: Path, database_url: str) -> None:
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


def test_one_without_a_database_starts_its_own_and_tells_how_to_get_in(place: Path) -> None:
    with run_gateway(place, "--data-dir", str(place), until="keys issue") as gateway:
        assert gateway.get_status("/readyz") == 200
        line = gateway.stdout.splitlines()[-1]
        assert line.startswith("benegraph keys issue ")
        words = [sys.executable, "-m", *shlex.split(line), "--data-dir", str(place)]
        issued = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - what we printed
        assert gateway.post_query("{ viewer { role } }", issued.stdout.strip())["data"] == {
            "viewer": {"role": "ADMINISTRATOR"}
        }
        assert gateway.stop() == 0


def test_one_told_to_end_while_it_starts_ends_and_leaves_no_server(place: Path) -> None:
    words = [sys.executable, "-m", "benegraph", "serve", "--demo", "--port", "0", "--data-dir", str(place)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own words
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not list(place.glob("pg*/postmaster.pid")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.terminate()
        assert process.wait(TIMEOUT_SECONDS) not in {0, -signal.SIGTERM}  # by its own leave, past its own handlers
        assert list(place.glob("pg*/PG_VERSION"))
        assert not list(place.glob("pg*/postmaster.pid"))
