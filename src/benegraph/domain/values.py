"""Days, spans and cents: the values every rule is made of."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MAX_CENTS = 2**53 - 1
ONE_DAY = timedelta(days=1)
# Python's own parser also takes 20261120 and 2026-W47-5.
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is for one request: fixed when the request begins, and handed down."""

    now: datetime
    fixed_on: date | None = None

    def today(self, time_zone: str) -> date:
        """Tell the day it is in a time zone; the demo may have fixed it for all zones."""
        return self.fixed_on or self.now.astimezone(ZoneInfo(time_zone)).date()

    @classmethod
    def at(cls, now: datetime, fixed_on: date | None = None) -> "Clock":
        """Read the clock: where the day is fixed, instants fall on it at the real time of day."""
        if fixed_on is not None:
            now = datetime.combine(fixed_on, now.astimezone(UTC).timetz())
        return cls(now, fixed_on)

    @classmethod
    def at_noon(cls, day: date) -> "Clock":
        """Stand still at noon UTC of a day."""
        return cls(datetime.combine(day, time(12), UTC), day)


@dataclass(frozen=True, slots=True)
class DateSpan:
    """Days from `start` up to, but not including, `stop`: half-open, so that spans that touch don't overlap."""

    start: date
    stop: date

    def __post_init__(self) -> None:
        if self.stop <= self.start:
            raise ValueError("a span holds at least one day")

    @classmethod
    def through(cls, first: date, last: date) -> "DateSpan":
        """Make a span from its inclusive ends, as they stand at the surface."""
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
    """Read YYYY-MM-DD, or a date-time at midnight UTC or of no zone; None where a value is anything else."""
    if isinstance(value, str) and (match := _DAY.fullmatch(value)):
        try:
            return date.fromisoformat(match[1])
        except ValueError:  # there is no such day
            return None
    return None


def format_instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def last_day_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def first_of_next_month(day: date) -> date:
    """Give the first of the month after a day, also where the day is a first itself."""
    return last_day_of_month(day) + ONE_DAY


def first_of_month_on_or_after(day: date) -> date:
    """Give the day itself where it is a first, else the first of the month after."""
    return day if day.day == 1 else first_of_next_month(day)


def add_years(day: date, years: int) -> date:
    """Add whole years; 29 February falls on 1 March of a common year, so that nobody's right ends early."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
