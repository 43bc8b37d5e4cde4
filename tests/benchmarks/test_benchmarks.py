"""The benchmark works: its short form measures whom it can and judges nothing, and what it reckons with is right."""

import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson
import pytest

from .agreement import differences
from .contenders import CONTENDERS, GATEWAY, PLAIN
from .measuring import Memory
from .report import ratios_of, rounds_of
from .turns import Turn
from .workloads import WORKLOADS

ROOT = Path(__file__).parents[2]
PATIENCE = 400

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None and (os.geteuid() != 0 or shutil.which("apt-get") is None),
    reason="there is no wrk, and it is not ours to install",
)


def turn(number: int, contender: str, rate: float) -> Turn:
    return Turn(number, "W1", contender, rate, 1.0, 2.0, 0.1, 0.1, Memory(50.0, 60.0), 1000, 300)


def test_a_ratio_is_the_median_of_those_within_a_round() -> None:
    rates = {GATEWAY: (10.0, 100.0, 1000.0), "floor": (20.0, 100.0, 500.0)}
    turns = [turn(number, name, rate) for name, each in rates.items() for number, rate in enumerate(each)]
    assert ratios_of(turns) == {"W1": {"floor": 1.0}}
    assert [len(each["turns"]) for each in rounds_of(turns)] == [2, 2, 2]


def test_without_the_gateway_there_are_no_ratios() -> None:
    assert ratios_of([turn(1, "floor", 1.0), turn(1, "mercurius", 1.0)]) == {}


def test_a_difference_is_told_by_its_place() -> None:
    one = {"employee": {"id": "a", "nodes": [{"tier": None}, {"tier": "EE"}]}}
    other = {"employee": {"id": "a", "nodes": [{"tier": None}, {"tier": "EF"}]}}
    assert list(differences(one, one, "")) == []
    assert list(differences(one, other, "")) == [(".employee.nodes[1].tier", "EE", "EF")]


def test_what_is_missing_is_a_difference() -> None:
    assert list(differences({"a": 1}, {"a": 1, "b": None}, "")) == [("", {"a": 1}, {"a": 1, "b": None})]
    assert list(differences([1], [1, 2], "")) == [("", [1], [1, 2])]


@pytest.mark.conformance
@needs_wrk
def test_the_short_form_measures_every_contender() -> None:
    # Not pytest's directory, which the embedded server's own user can't reach.
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory:
        figures = Path(directory, "figures.json")
        words = ["--short", "--json", str(figures), "--data-dir", str(Path(directory, "data"))]
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "tests.benchmarks", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told = orjson.loads(figures.read_bytes())
    assert told["agreed"].keys() == WORKLOADS.keys()
    assert all(told["agreed"].values())
    others = CONTENDERS.keys() & told["contenders"].keys() - {GATEWAY, PLAIN}
    assert {"strawberry", "floor"} <= others
    assert told["ratios"].keys() == WORKLOADS.keys()
    for workload, ratios in told["ratios"].items():
        assert ratios.keys() == {name for name in others if workload not in CONTENDERS[name].unable}
        assert all(math.isfinite(ratio) and ratio > 0 for ratio in ratios.values()), ratios
