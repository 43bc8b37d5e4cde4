"""Extensions of election windows: how far the last day of one enrollment's window may be moved."""

from collections.abc import Iterator
from datetime import date, timedelta

from benegraph.domain.errors import ErrorCode, RuleViolation

#: The most days by which a window's own last day may be exceeded.
MAX_EXTENSION_DAYS = 60


def check_extension(
    own_last_day: date, extended_through: date | None, plan_year_ends_on: date, last_day: date, today: date
) -> Iterator[RuleViolation]:
    """Check the new last day of a window, whose own last day is that before any extension.

    The new last day is today or later, after the current one, at most 60 days after the window's own, and within the
    plan year. The message leaves out the window's own last day: after a birth, the date of birth could be computed
    from it.
    """
    message = None
    if last_day < today:
        message = f"The window must be open today or later; today is {today}."
    elif last_day <= max(own_last_day, extended_through or own_last_day):
        message = "The new last day must be after the window's current one."
    elif last_day > own_last_day + timedelta(days=MAX_EXTENSION_DAYS):
        message = f"A window can be extended by at most {MAX_EXTENSION_DAYS} days."
    elif last_day > plan_year_ends_on:
        message = f"The window must end within the plan year, by {plan_year_ends_on}."
    if message is not None:
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("lastDay",))
