"""Extensions of election windows: both sides of each limit."""

from datetime import date

import pytest

from benegraph.domain.enrollments.extensions import check_extension
from violations import codes_and_fields

OWN_LAST_DAY, YEAR_ENDS_ON = date(2026, 11, 30), date(2027, 12, 31)


@pytest.mark.parametrize(
    ("last_day", "today", "extended_through", "accepted"),
    [
        pytest.param(date(2026, 11, 30), date(2026, 11, 20), None, False, id="the window's own last day"),
        pytest.param(date(2026, 12, 1), date(2026, 11, 20), None, True, id="the day after"),
        pytest.param(date(2026, 12, 24), date(2026, 11, 20), date(2026, 12, 24), False, id="the extended last day"),
        pytest.param(date(2026, 12, 25), date(2026, 11, 20), date(2026, 12, 24), True, id="the day after that"),
        pytest.param(date(2026, 12, 1), date(2026, 11, 20), date(2026, 11, 25), True, id="an extension without effect"),
        pytest.param(date(2026, 12, 9), date(2026, 12, 10), None, False, id="yesterday"),
        pytest.param(date(2026, 12, 10), date(2026, 12, 10), None, True, id="today"),
        pytest.param(date(2027, 1, 29), date(2026, 12, 10), date(2027, 1, 20), True, id="60 days"),
        pytest.param(date(2027, 1, 30), date(2026, 12, 10), date(2027, 1, 20), False, id="61 days"),
    ],
)
def test_extension_is_accepted_within_its_limits(
    last_day: date, today: date, extended_through: date | None, *, accepted: bool
) -> None:
    found = codes_and_fields(check_extension(OWN_LAST_DAY, extended_through, YEAR_ENDS_ON, last_day, today))
    assert found == ([] if accepted else [("INVALID_INPUT", "lastDay")])


@pytest.mark.parametrize(("last_day", "accepted"), [(date(2027, 12, 31), True), (date(2028, 1, 1), False)])
def test_extension_ends_within_the_plan_year(last_day: date, *, accepted: bool) -> None:
    found = list(check_extension(date(2027, 12, 10), None, YEAR_ENDS_ON, last_day, date(2027, 12, 20)))
    assert [violation.message for violation in found] == (
        [] if accepted else ["The window must end within the plan year, by 2027-12-31."]
    )
