"""The demo's days: which day everything is dated from, and the instants at which things have happened."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from benegraph.domain.values import Clock

#: Where the made-up employers are. All lie between four and ten hours behind UTC; see `at`.
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Denver",
    "America/Phoenix",
    "America/Detroit",
    "America/Indiana/Indianapolis",
    "America/Anchorage",
    "Pacific/Honolulu",
)
_OPENS = time(17, tzinfo=UTC)

# What an administrator does, in minutes after the office opens. What people do comes later in the day.
DRAFTING = 0
OPENING = 10
CLOSING = 20
HIRING = 30
RECORDING = 35
ENDING = 45
BILLING = 50
PAYING = 55
SETTLING = 417  # once everybody has gone home
_FIRST_VISIT = 60 * 60
_LAST_VISIT = 415 * 60


def day_of(clock: Clock) -> date:
    """Give the day everything is dated from: the earliest that it is at any employer, so that nothing lies ahead."""
    return min(clock.today(zone) for zone in ZONES)


def at(day: date, minutes: int) -> datetime:
    """Give an instant of a day: so many minutes after 17:00 UTC, up to 419.

    Within these seven hours it is that same day in UTC and in every one of our zones, winter and summer.
    """
    return datetime.combine(day, _OPENS) + timedelta(minutes=minutes)


def some_time(rng: Random, day: date) -> datetime:
    """Give an instant of a day when people see to their benefits, after what administrators do."""
    return datetime.combine(day, _OPENS) + timedelta(seconds=rng.randrange(_FIRST_VISIT, _LAST_VISIT))


def start_of(day: date) -> datetime:
    """Give the first instant of a day in UTC: all that the demo tells happened before the one of today."""
    return datetime.combine(day, time(tzinfo=UTC))
