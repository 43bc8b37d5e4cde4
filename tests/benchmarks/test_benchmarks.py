"""The benchmark's short form runs and judges nothing; its comparison and its ratios are correct."""

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
TIMEOUT = 400

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None and (os.geteuid() != 0 or shutil.which("apt-get") is None),
    reason="wrk is missing, and this user cannot install it",
)


def turn(number: int, contender: str, rate: float) -> Turn:
    return Turn(number, "W1", contender, rate, 1.0, 2.0, 0.1, 0.1, Memory(50.0, 60.0), 1000, 300)


def test_ratio_is_the_median_of_the_ratios_within_rounds() -> None:
    rates = {GATEWAY: (10.0, 100.0, 1000.0), "floor": (20.0, 100.0, 500.0)}
    turns = [turn(number, name, rate) for name, each in rates.items() for number, rate in enumerate(each)]
    assert ratios_of(turns) == {"W1": {"floor": 1.0}}
    assert [len(each["turns"]) for each in rounds_of(turns)] == [2, 2, 2]


def test_ratios_are_empty_without_the_gateway() -> None:
    assert ratios_of([turn(1, "floor", 1.0), turn(1, "mercurius", 1.0)]) == {}


def test_difference_names_its_path() -> None:
    one = {"employee": {"id": "a", "nodes": [{"tier": None}, {"tier": "EE"}]}}
    other = {"employee": {"id": "a", "nodes": [{"tier": None}, {"tier": "EF"}]}}
    assert list(differences(one, one, "")) == []
    assert list(differences(one, other, "")) == [(".employee.nodes[1].tier", "EE", "EF")]


def test_missing_member_or_item_is_a_difference() -> None:
    assert list(differences({"a": 1}, {"a": 1, "b": None}, "")) == [("", {"a": 1}, {"a": 1, "b": None})]
    assert list(differences([1], [1, 2], "")) == [("", [1], [1, 2])]


@pytest.mark.conformance
@needs_wrk
def test_short_form_measures_every_contender() -> None:
    # Not pytest's directory: the embedded server's own user cannot reach it.
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory:
        path = Path(directory, "figures.json")
        options = ["--short", "--json", str(path), "--data-dir", str(Path(directory, "data"))]
        result = subprocess.run(  # noqa: S603 - a fixed command
            [sys.executable, "-m", "tests.benchmarks", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        figures = orjson.loads(path.read_bytes())
    assert figures["agreed"].keys() == WORKLOADS.keys()
    assert all(figures["agreed"].values())
    others = CONTENDERS.keys() & figures["contenders"].keys() - {GATEWAY, PLAIN}
    assert {"strawberry", "floor"} <= others
    assert figures["ratios"].keys() == WORKLOADS.keys()
    for workload, ratios in figures["ratios"].items():
        assert ratios.keys() == {name for name in others if workload not in CONTENDERS[name].unsupported}
        assert all(math.isfinite(ratio) and ratio > 0 for ratio in ratios.values()), ratios
