"""Token buckets: exact charges and refills, and shared buckets of several processes."""

import fcntl
import multiprocessing
import os
import signal
import stat
import threading
from collections.abc import Iterator
from fractions import Fraction
from math import nextafter
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benegraph.settings import RateLimit
from benegraph.web import throttle
from benegraph.web.throttle import TABLE_SIZE, ChargeResult, Throttle, create_bucket_file

HUNDRED_UNITS = RateLimit(100, 10.0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    create_bucket_file(tmp_path / "throttle")
    return tmp_path / "throttle"


@pytest.fixture(params=["alone", "shared"])
def hundred(request: pytest.FixtureRequest, table: Path) -> Iterator[Throttle]:
    """Return a throttle of 100 units that gains 10 per second, in its own memory or in a file."""
    throttle = Throttle(HUNDRED_UNITS, table if request.param == "shared" else None)
    yield throttle
    throttle.close()


def test_new_key_may_spend_exactly_the_burst(hundred: Throttle) -> None:
    assert hundred.charge("key", 60, 5.0) == ChargeResult(0.0, 40)
    assert hundred.charge("key", 41, 5.0) == ChargeResult(0.1, 40)
    assert hundred.charge("key", 40, 5.0) == ChargeResult(0.0, 0)
    assert hundred.charge("key", 1, 5.0) == ChargeResult(0.1, 0)


def test_charge_succeeds_exactly_after_the_wait(hundred: Throttle) -> None:
    hundred.charge("key", 100, 5.0)
    assert hundred.charge("key", 7, 5.0) == ChargeResult(0.7, 0)
    assert hundred.charge("key", 7, 5.7 - 1e-9).wait_seconds == pytest.approx(1e-9)
    assert hundred.charge("key", 7, 5.7) == ChargeResult(0.0, 0)


def test_bucket_refills_up_to_the_burst(hundred: Throttle) -> None:
    hundred.charge("key", 100, 5.0)
    assert hundred.charge("key", 0, 14.9) == ChargeResult(0.0, 99)
    assert hundred.charge("key", 0, 15.0) == ChargeResult(0.0, 100)
    assert hundred.charge("key", 100, 1000.0) == ChargeResult(0.0, 0)
    assert hundred.charge("key", 1, 1000.0).wait_seconds


def test_rejected_charge_takes_nothing(hundred: Throttle) -> None:
    hundred.charge("key", 99, 5.0)
    for _ in range(100):
        assert hundred.charge("key", 2, 5.0) == ChargeResult(0.1, 1)
    assert hundred.charge("key", 1, 5.0) == ChargeResult(0.0, 0)


def test_cost_above_the_burst_never_succeeds(hundred: Throttle) -> None:
    assert hundred.charge("key", 101, 5.0) == ChargeResult(0.1, 100)
    assert hundred.charge("key", 101, 500.0) == ChargeResult(0.1, 100)
    assert hundred.charge("key", 100, 500.0) == ChargeResult(0.0, 0)


def test_keys_have_separate_buckets(hundred: Throttle) -> None:
    hundred.charge("one", 100, 5.0)
    assert hundred.charge("one", 1, 5.0).wait_seconds
    assert hundred.charge("two", 100, 5.0) == ChargeResult(0.0, 0)


def test_earlier_clock_gains_nothing(hundred: Throttle) -> None:
    hundred.charge("key", 100, 5.0)
    assert hundred.charge("key", 1, 4.0).wait_seconds == pytest.approx(1.1)
    assert hundred.charge("key", 1, 5.1) == ChargeResult(0.0, 0)


def test_negative_cost_raises_value_error(hundred: Throttle) -> None:
    with pytest.raises(ValueError, match="negative"):
        hundred.charge("key", -1, 5.0)


def test_burst_of_zero_is_unlimited() -> None:
    unlimited = Throttle(RateLimit(0, 1.0))
    assert {unlimited.charge("key", 2**31 - 1, 5.0).wait_seconds for _ in range(100)} == {0.0}


def test_default_time_is_the_monotonic_clock() -> None:
    slow = Throttle(RateLimit(10, 0.001))
    assert slow.charge("key", 10) == ChargeResult(0.0, 0)
    assert 999 < slow.charge("key", 1).wait_seconds < 1000


def test_bucket_file_is_private_and_created_once(table: Path) -> None:
    assert (stat.S_IMODE(table.stat().st_mode), table.stat().st_size) == (0o600, TABLE_SIZE)
    with pytest.raises(FileExistsError):
        create_bucket_file(table)


def test_throttles_share_buckets_through_a_file(table: Path) -> None:
    one, two = Throttle(HUNDRED_UNITS, table), Throttle(HUNDRED_UNITS, table)
    assert one.charge("key", 70, 5.0) == ChargeResult(0.0, 30)
    assert two.charge("key", 30, 5.0) == ChargeResult(0.0, 0)
    one.close()
    three = Throttle(HUNDRED_UNITS, table)
    assert three.charge("key", 1, 5.0) == ChargeResult(0.1, 0)
    two.close()
    three.close()


@given(
    burst=st.integers(1, 50),
    thousandths=st.integers(1, 20_000),
    steps=st.lists(
        st.tuples(
            st.sampled_from("abcde"), st.integers(0, 30), st.sampled_from([0, 1, 10**6, 10**8, 10**9, 7 * 10**9])
        ),
        max_size=60,
    ),
    ways=st.sampled_from([1, 2, 8]),
)
@settings(max_examples=200)
def test_no_key_exceeds_its_rate_in_a_full_table(
    burst: int, thousandths: int, steps: list[tuple[str, int, int]], ways: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:  # a table of one set, which a few keys fill
        patch.setattr(throttle, "SET_COUNT", 1)
        patch.setattr(throttle, "SET_SIZE", ways * throttle.SLOT_SIZE)
        limited = Throttle(RateLimit(burst, thousandths / 1000))
        now, charges = 10**9, dict[str, list[tuple[int, int]]]()
        for key, cost, elapsed in steps:
            now += elapsed
            if not limited.charge(key, cost, now / 10**9).wait_seconds:
                charges.setdefault(key, []).append((now, cost))
    per_second = Fraction(thousandths, 1000)
    for key_charges in charges.values():
        for first, (begin, _) in enumerate(key_charges):
            spent = 0
            for end, cost in key_charges[first:]:
                spent += cost
                assert spent <= burst + per_second * Fraction(end - begin, 10**9)


@given(cost=st.integers(1, 1000), thousandths=st.integers(1, 10**7), begin=st.integers(0, 10**15))
def test_charge_succeeds_after_the_wait_at_any_rate(cost: int, thousandths: int, begin: int) -> None:
    limited = Throttle(RateLimit(1000, thousandths / 1000))
    start = begin / 10**9
    assert limited.charge("key", 1000, start) == ChargeResult(0.0, 0)
    result = limited.charge("key", cost, start)
    # The first time after the wait that a double can represent, rounded up.
    assert (
        limited.charge(
            "key", cost, nextafter(start + result.wait_seconds, 2 * start + result.wait_seconds + 1) + 1e-9
        ).wait_seconds
        == 0.0
    )


class SmallTable:
    """A table of one set with two slots."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(throttle, "SET_COUNT", 1)
        patch.setattr(throttle, "SET_SIZE", 2 * throttle.SLOT_SIZE)
        self.charge = Throttle(HUNDRED_UNITS).charge


def test_slot_of_a_full_bucket_is_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    charge = SmallTable(monkeypatch).charge
    charge("one", 100, 5.0)
    charge("two", 50, 5.0)
    assert charge("three", 100, 10.0) == ChargeResult(0.0, 0)
    assert charge("one", 51, 10.0) == ChargeResult(0.1, 50)


def test_new_key_takes_over_the_fullest_bucket_with_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    charge = SmallTable(monkeypatch).charge
    charge("one", 90, 5.0)
    charge("two", 40, 5.0)
    assert charge("three", 61, 5.0) == ChargeResult(0.1, 60)
    assert charge("three", 60, 5.0) == ChargeResult(0.0, 0)
    assert charge("one", 11, 5.0) == ChargeResult(0.1, 10)


def test_key_gains_nothing_when_its_bucket_was_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    charge = SmallTable(monkeypatch).charge
    charge("one", 90, 5.0)
    charge("two", 40, 5.0)
    charge("three", 1, 5.0)
    assert charge("two", 60, 5.0) == ChargeResult(0.1, 59)


def test_rejected_charge_takes_over_no_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    charge = SmallTable(monkeypatch).charge
    charge("one", 90, 5.0)
    charge("two", 40, 5.0)
    for number in range(20):
        assert charge(f"new key {number}", 100, 5.0).wait_seconds
    assert charge("two", 60, 5.0) == ChargeResult(0.0, 0)


def _charge_repeatedly(table: Path, times: int, pipe: Connection) -> None:
    limited = Throttle(RateLimit(5000, 1.0), table)
    pipe.send("ready")
    pipe.recv()
    pipe.send(sum(limited.charge("key", 1, 5.0).wait_seconds == 0.0 for _ in range(times)))


def test_concurrent_processes_never_exceed_the_burst_together(table: Path) -> None:
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(3):
        local, remote = context.Pipe()
        process = context.Process(target=_charge_repeatedly, args=(table, 4000, remote))
        process.start()
        pipes.append(local)
        processes.append(process)
    assert [pipe.recv() for pipe in pipes] == ["ready"] * 3
    for pipe in pipes:
        pipe.send("start")
    granted = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    assert sum(granted) == 5000


def _hold_lock(table: Path, pipe: Connection) -> None:
    with table.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        pipe.send("locked")
        pipe.recv()


def test_killed_process_releases_its_lock(table: Path) -> None:
    context = multiprocessing.get_context("spawn")
    local, remote = context.Pipe()
    holder = context.Process(target=_hold_lock, args=(table, remote))
    holder.start()
    assert local.recv() == "locked"
    limited = Throttle(HUNDRED_UNITS, table)
    results: list[ChargeResult] = []
    charger = threading.Thread(target=lambda: results.append(limited.charge("key", 1, 5.0)))
    charger.start()
    charger.join(0.2)
    assert results == []
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    charger.join(10)
    assert results == [ChargeResult(0.0, 99)]
    holder.join()
    limited.close()
