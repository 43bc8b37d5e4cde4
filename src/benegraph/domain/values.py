"""Values that all rules share: the time of a request, dates, date spans and the range of amounts."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MAX_CENTS = 2**53 - 1
ONE_DAY = timedelta(days=1)
# `date.fromisoformat` would also accept 20261120 and 2026-W47-5.
_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of one request: read once when the request begins, then passed to the rules as an argument.

    With `fixed_on`, as in the demo and in tests, today is that date in all time zones.
    """

    now: datetime
    fixed_on: date | None = None

    def today(self, time_zone: str) -> date:
        """Return today's date in a time zone."""
        return self.fixed_on or self.now.astimezone(ZoneInfo(time_zone)).date()

    @classmethod
    def at(cls, now: datetime, fixed_on: date | None = None, *, real_time: bool = False) -> "Clock":
        """Return the clock at an instant; with a fixed date, at the same time of day on that date.

        With `real_time` it stays at the instant, also with a fixed date, so that later rows sort later.
        """
        if fixed_on is not None and not real_time:
            now = datetime.combine(fixed_on, now.astimezone(UTC).timetz())
        return cls(now, fixed_on)

    @classmethod
    def at_noon(cls, day: date) -> "Clock":
        """Return the clock fixed on a date, at noon UTC."""
        return cls(datetime.combine(day, time(12), UTC), day)


@dataclass(frozen=True, slots=True)
class DateSpan:
    """The dates from `start` up to, but not including, `stop`. Half-open, so adjacent spans do not overlap."""

    start: date
    stop: date

    def __post_init__(self) -> None:
        if self.stop <= self.start:
            raise ValueError("a date span needs at least one day")

    @classmethod
    def through(cls, first: date, last: date) -> "DateSpan":
        """Return the span from a first through a last day, both inclusive, as the API shows them."""
        return cls(first, last + ONE_DAY)

    @property
    def last(self) -> date:
        return self.stop - ONE_DAY

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.stop

    def overlaps(self, other: "DateSpan") -> bool:
        return self.start < other.stop and other.start < self.stop

    def days(self) -> Iterator[date]:
        return (self.start + timedelta(days=n) for n in range((self.stop - self.start).days))


def parse_iso_date(value: object) -> date | None:
    """Parse YYYY-MM-DD, or a date-time at midnight in UTC or without a zone; return None for any other value."""
    if isinstance(value, str) and (match := _ISO_DATE.fullmatch(value)):
        try:
            return date.fromisoformat(match[1])
        except ValueError:  # such as 2026-02-30
            return None
    return None


def format_instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def last_day_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def first_of_next_month(day: date) -> date:
    """Return the first day of the next month, even if the day is the first of a month itself."""
    return last_day_of_month(day) + ONE_DAY


def first_of_month_on_or_after(day: date) -> date:
    """Return the day itself if it is the first of a month, otherwise the first of the next month."""
    return day if day.day == 1 else first_of_next_month(day)


def add_years(day: date, years: int) -> date:
    """Add whole years. 29 February becomes 1 March in a common year, so that no right ends a day early."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def add_months(day: date, months: int) -> date:
    """Add whole months. A day that the month does not have becomes the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    return first.replace(day=min(day.day, last_day_of_month(first).day))
