"""Token buckets: what a key may spend, to the unit, and that several processes together grant no more than one."""

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

HUNDRED = RateLimit(100, 10.0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    create_bucket_file(tmp_path / "throttle")
    return tmp_path / "throttle"


@pytest.fixture(params=["alone", "shared"])
def hundred(request: pytest.FixtureRequest, table: Path) -> Iterator[Throttle]:
    """A throttle of a hundred units and ten more each second, with its state in either place."""
    made = Throttle(HUNDRED, table if request.param == "shared" else None)
    yield made
    made.close()


def test_a_new_key_may_spend_the_burst_and_not_one_more(hundred: Throttle) -> None:
    assert hundred.charge("key", 60, 5.0) == ChargeResult(0.0, 40)
    assert hundred.charge("key", 41, 5.0) == ChargeResult(0.1, 40)
    assert hundred.charge("key", 40, 5.0) == ChargeResult(0.0, 0)
    assert hundred.charge("key", 1, 5.0) == ChargeResult(0.1, 0)


def test_what_is_told_to_wait_suffices_and_no_less_does(hundred: Throttle) -> None:
    hundred.charge("key", 100, 5.0)
    assert hundred.charge("key", 7, 5.0) == ChargeResult(0.7, 0)
    assert hundred.charge("key", 7, 5.7 - 1e-9).wait_seconds == pytest.approx(1e-9)
    assert hundred.charge("key", 7, 5.7) == ChargeResult(0.0, 0)


def test_a_bucket_refills_to_the_burst_and_no_higher(hundred: Throttle) -> None:
    hundred.charge("key", 100, 5.0)
    assert hundred.charge("key", 0, 14.9) == ChargeResult(0.0, 99)
    assert hundred.charge("key", 0, 15.0) == ChargeResult(0.0, 100)
    assert hundred.charge("key", 100, 1000.0) == ChargeResult(0.0, 0)
    assert hundred.charge("key", 1, 1000.0).wait_seconds


def test_a_refused_payment_takes_nothing(hundred: Throttle) -> None:
    hundred.charge("key", 99, 5.0)
    for _ in range(100):
        assert hundred.charge("key", 2, 5.0) == ChargeResult(0.1, 1)
    assert hundred.charge("key", 1, 5.0) == ChargeResult(0.0, 0)


def test_what_costs_more_than_a_full_bucket_is_never_paid(hundred: Throttle) -> None:
    assert hundred.charge("key", 101, 5.0) == ChargeResult(0.1, 100)
    assert hundred.charge("key", 101, 500.0) == ChargeResult(0.1, 100)
    assert hundred.charge("key", 100, 500.0) == ChargeResult(0.0, 0)


def test_two_keys_do_not_touch_each_other(hundred: Throttle) -> None:
    hundred.charge("one", 100, 5.0)
    assert hundred.charge("one", 1, 5.0).wait_seconds
    assert hundred.charge("two", 100, 5.0) == ChargeResult(0.0, 0)


def test_a_clock_that_is_behind_wins_nothing(hundred: Throttle) -> None:
    hundred.charge("key", 100, 5.0)
    assert hundred.charge("key", 1, 4.0).wait_seconds == pytest.approx(1.1)
    assert hundred.charge("key", 1, 5.1) == ChargeResult(0.0, 0)


def test_a_cost_below_nothing_is_a_fault_of_ours(hundred: Throttle) -> None:
    with pytest.raises(ValueError, match="negative"):
        hundred.charge("key", -1, 5.0)


def test_a_burst_of_none_is_no_limit() -> None:
    free = Throttle(RateLimit(0, 1.0))
    assert {free.charge("key", 2**31 - 1, 5.0).wait_seconds for _ in range(100)} == {0.0}


def test_the_clock_of_the_machine_is_taken_where_none_is_given() -> None:
    slow = Throttle(RateLimit(10, 0.001))
    assert slow.charge("key", 10) == ChargeResult(0.0, 0)
    assert 999 < slow.charge("key", 1).wait_seconds < 1000


def test_the_table_is_its_owners_and_made_once(table: Path) -> None:
    assert (stat.S_IMODE(table.stat().st_mode), table.stat().st_size) == (0o600, TABLE_SIZE)
    with pytest.raises(FileExistsError):
        create_bucket_file(table)


def test_throttles_over_one_table_are_one_and_outlive_each_other(table: Path) -> None:
    one, two = Throttle(HUNDRED, table), Throttle(HUNDRED, table)
    assert one.charge("key", 70, 5.0) == ChargeResult(0.0, 30)
    assert two.charge("key", 30, 5.0) == ChargeResult(0.0, 0)
    one.close()
    three = Throttle(HUNDRED, table)
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
def test_no_key_ever_spends_more_than_its_rate_however_full_the_table(
    burst: int, thousandths: int, steps: list[tuple[str, int, int]], ways: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:  # a table of one set, in which a few keys are too many
        patch.setattr(throttle, "SET_COUNT", 1)
        patch.setattr(throttle, "SET_SIZE", ways * throttle.SLOT_SIZE)
        limited = Throttle(RateLimit(burst, thousandths / 1000))
        now, payments = 10**9, dict[str, list[tuple[int, int]]]()
        for key, cost, passing in steps:
            now += passing
            if not limited.charge(key, cost, now / 10**9).wait_seconds:
                payments.setdefault(key, []).append((now, cost))
    per_second = Fraction(thousandths, 1000)
    for paid in payments.values():
        for first, (begin, _) in enumerate(paid):
            spent = 0
            for end, cost in paid[first:]:
                spent += cost
                assert spent <= burst + per_second * Fraction(end - begin, 10**9)


@given(cost=st.integers(1, 1000), thousandths=st.integers(1, 10**7), begin=st.integers(0, 10**15))
def test_waiting_as_told_is_enough_at_any_rate(cost: int, thousandths: int, begin: int) -> None:
    limited = Throttle(RateLimit(1000, thousandths / 1000))
    start = begin / 10**9
    assert limited.charge("key", 1000, start) == ChargeResult(0.0, 0)
    told = limited.charge("key", cost, start)
    # As much as a double knows of such an instant, the first that is not too early.
    assert (
        limited.charge(
            "key", cost, nextafter(start + told.wait_seconds, 2 * start + told.wait_seconds + 1) + 1e-9
        ).wait_seconds
        == 0.0
    )


class Crowded:
    """A table of one set of two slots."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(throttle, "SET_COUNT", 1)
        patch.setattr(throttle, "SET_SIZE", 2 * throttle.SLOT_SIZE)
        self.pay = Throttle(HUNDRED).charge


def test_in_a_full_table_the_slot_of_a_refilled_bucket_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    pay = Crowded(monkeypatch).pay
    pay("one", 100, 5.0)
    pay("two", 50, 5.0)
    assert pay("three", 100, 10.0) == ChargeResult(0.0, 0)
    assert pay("one", 51, 10.0) == ChargeResult(0.1, 50)


def test_in_a_full_table_a_new_key_takes_over_the_fullest_bucket_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pay = Crowded(monkeypatch).pay
    pay("one", 90, 5.0)
    pay("two", 40, 5.0)
    assert pay("three", 61, 5.0) == ChargeResult(0.1, 60)
    assert pay("three", 60, 5.0) == ChargeResult(0.0, 0)
    assert pay("one", 11, 5.0) == ChargeResult(0.1, 10)


def test_a_key_whose_bucket_was_taken_over_has_won_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pay = Crowded(monkeypatch).pay
    pay("one", 90, 5.0)
    pay("two", 40, 5.0)
    pay("three", 1, 5.0)
    assert pay("two", 60, 5.0) == ChargeResult(0.1, 59)


def test_a_refused_newcomer_takes_nobodys_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    pay = Crowded(monkeypatch).pay
    pay("one", 90, 5.0)
    pay("two", 40, 5.0)
    for number in range(20):
        assert pay(f"newcomer {number}", 100, 5.0).wait_seconds
    assert pay("two", 60, 5.0) == ChargeResult(0.0, 0)


def _hammer(table: Path, times: int, line: Connection) -> None:
    limited = Throttle(RateLimit(5000, 1.0), table)
    line.send("here")
    line.recv()
    line.send(sum(limited.charge("key", 1, 5.0).wait_seconds == 0.0 for _ in range(times)))


def test_processes_that_hammer_one_key_are_granted_together_what_one_would_be(table: Path) -> None:
    context = multiprocessing.get_context("spawn")
    lines, processes = [], []
    for _ in range(3):
        ours, theirs = context.Pipe()
        process = context.Process(target=_hammer, args=(table, 4000, theirs))
        process.start()
        lines.append(ours)
        processes.append(process)
    assert [line.recv() for line in lines] == ["here"] * 3
    for line in lines:
        line.send("now")
    granted = [line.recv() for line in lines]
    for process in processes:
        process.join()
    assert sum(granted) == 5000


def _hold(table: Path, line: Connection) -> None:
    with table.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        line.send("held")
        line.recv()


def test_one_that_is_killed_while_it_pays_does_not_hold_up_the_others(table: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    holder = context.Process(target=_hold, args=(table, theirs))
    holder.start()
    assert ours.recv() == "held"
    limited = Throttle(HUNDRED, table)
    paid: list[ChargeResult] = []
    payer = threading.Thread(target=lambda: paid.append(limited.charge("key", 1, 5.0)))
    payer.start()
    payer.join(0.2)
    assert paid == []
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    payer.join(10)
    assert paid == [ChargeResult(0.0, 99)]
    holder.join()
    limited.close()
