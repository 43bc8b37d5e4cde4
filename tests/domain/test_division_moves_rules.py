"""Moves between divisions and ends of contracts: how they divide and limit the days of coverage."""

from datetime import date

import pytest

from benegraph.domain.coverage import (
    ContractKey,
    DivisionChange,
    ElectedCoverage,
    divide_by_division,
    limit_to_contract,
)
from benegraph.domain.errors import ErrorCode
from benegraph.domain.people import check_move, check_rehire
from benegraph.domain.values import DateSpan
from violations import codes_and_fields

YEAR = DateSpan.through(date(2027, 1, 1), date(2027, 12, 31))
JULY, OCTOBER = date(2027, 7, 1), date(2027, 10, 1)
TODAY = date(2026, 11, 20)


def test_coverage_is_divided_at_each_move() -> None:
    moves = [DivisionChange(OCTOBER, "D2"), DivisionChange(JULY, "D1")]  # in any order
    assert divide_by_division(YEAR, moves, "D3") == [
        (DateSpan(date(2027, 1, 1), JULY), "D1"),
        (DateSpan(JULY, OCTOBER), "D2"),
        (DateSpan(OCTOBER, date(2028, 1, 1)), "D3"),
    ]


@pytest.mark.parametrize(
    ("moved_on", "parts"),
    [
        (date(2027, 1, 1), [(YEAR, "D2")]),
        (date(2028, 1, 1), [(YEAR, None)]),
    ],
)
def test_move_outside_coverage_does_not_divide_it(moved_on: date, parts: list[tuple[DateSpan, str | None]]) -> None:
    assert divide_by_division(YEAR, [DivisionChange(moved_on, None)], "D2") == parts


def test_coverage_without_moves_stays_whole() -> None:
    assert divide_by_division(YEAR, [], None) == [(YEAR, None)]


@pytest.mark.parametrize(
    ("coverage_end", "days"),
    [
        (None, YEAR),
        (date(2027, 12, 31), YEAR),
        (date(2027, 12, 30), DateSpan.through(YEAR.start, date(2027, 12, 30))),
        (date(2027, 1, 1), DateSpan.through(YEAR.start, YEAR.start)),
        (date(2026, 12, 31), None),
    ],
)
def test_coverage_is_limited_to_its_contract(coverage_end: date | None, days: DateSpan | None) -> None:
    assert limit_to_contract(YEAR, coverage_end) == days


def test_coverage_continues_in_another_division_only() -> None:
    first, second = (ContractKey("G1", division, date(2020, 1, 1)) for division in ("D1", "D2"))
    earlier, later = DateSpan(YEAR.start, JULY), DateSpan(JULY, YEAR.stop)
    assert ElectedCoverage(second, later).continues(ElectedCoverage(first, earlier))
    assert not ElectedCoverage(first, later).continues(ElectedCoverage(first, earlier))
    assert not ElectedCoverage(second, earlier).continues(ElectedCoverage(first, later))


def test_move_reports_each_violated_bound() -> None:
    hired, ended = date(2027, 3, 1), date(2027, 9, 1)
    assert list(check_move(hired, ended, None, date(2027, 3, 2), TODAY)) == []
    assert list(check_move(hired, ended, date(2027, 8, 30), date(2027, 8, 31), TODAY)) == []
    assert codes_and_fields(check_move(hired, ended, None, hired, TODAY)) == [
        (ErrorCode.DATES_OUT_OF_ORDER, "effectiveDate")
    ]
    assert (
        codes_and_fields(check_move(hired, ended, ended, ended, TODAY))
        == [(ErrorCode.DATES_OUT_OF_ORDER, "effectiveDate")] * 2
    )
    assert list(check_move(hired, None, None, date(2028, 12, 31), TODAY)) == []
    assert codes_and_fields(check_move(hired, None, None, date(2029, 1, 1), TODAY)) == [
        (ErrorCode.INVALID_INPUT, "effectiveDate")
    ]


def test_rehire_needs_a_gap() -> None:
    ended = date(2027, 6, 10)
    assert codes_and_fields(check_rehire(None, JULY)) == [(ErrorCode.INVALID_STATUS_TRANSITION, "employeeId")]
    assert codes_and_fields(check_rehire(ended, ended)) == [(ErrorCode.INVALID_STATUS_TRANSITION, "startDate")]
    assert codes_and_fields(check_rehire(ended, date(2027, 6, 9))) == [(ErrorCode.DATES_OUT_OF_ORDER, "startDate")]
    assert list(check_rehire(ended, date(2027, 6, 11))) == []
