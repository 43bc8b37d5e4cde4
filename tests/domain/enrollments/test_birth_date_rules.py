"""Changes of a dependent's coverage by another age limit."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.enrollments.birth_dates import (
    DependentCoverageChange,
    DependentSpan,
    check_birth_date_correction,
    list_coverage_changes,
)

DAYS = st.dates(date(2026, 1, 1), date(2028, 12, 31))
LIMITS = st.none() | DAYS


@st.composite
def spans(draw: st.DrawFn, through: date | None) -> DependentSpan:
    starts_on = draw(DAYS)
    return DependentSpan("enrl", starts_on, draw(st.none() | st.dates(starts_on, date(2028, 12, 31))), through)


@given(before=LIMITS, after=LIMITS, data=st.data())
def test_a_change_back_reverses_every_change(before: date | None, after: date | None, data: st.DataObject) -> None:
    span = data.draw(spans(before))
    changed = DependentSpan(span.enrollment_id, span.starts_on, span.coverage_ends_on, after)
    assert list_coverage_changes([changed], before) == [
        DependentCoverageChange(each.enrollment_id, each.starts_on, each.ends_on, each.previous_ends_on)
        for each in list_coverage_changes([span], after)
    ]


@given(before=LIMITS, after=LIMITS, data=st.data())
def test_no_accepted_change_leaves_coverage_without_a_day(
    before: date | None, after: date | None, data: st.DataObject
) -> None:
    span = data.draw(spans(before).filter(lambda span: span.ends_on is None or span.ends_on >= span.starts_on))
    born = date(2000, 1, 1)
    if any(check_birth_date_correction([span], born, after, date(2026, 1, 1), "An error.", administrator=True)):
        return
    for change in list_coverage_changes([span], after):
        assert change.starts_on <= change.ends_on


def test_cancelled_coverage_and_days_beyond_the_coverage_do_not_change() -> None:
    start, end = date(2027, 1, 1), date(2027, 6, 30)
    spans = [
        DependentSpan("cancelled", start, None, date(2027, 3, 31)),
        DependentSpan("shorter", start, end, date(2027, 8, 31)),
        DependentSpan("limited", start, end, date(2027, 5, 31)),
    ]
    assert list_coverage_changes(spans, date(2027, 6, 30)) == [
        DependentCoverageChange("limited", start, date(2027, 5, 31), end)
    ]
    assert list_coverage_changes(spans, None) == list_coverage_changes(spans, end)
