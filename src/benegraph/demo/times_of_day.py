"""The reference day of the generated data, and the times of day at which things happen."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from benegraph.domain.values import Clock

#: The time zones of the generated employers. All are four to ten hours behind UTC; `instant_of` depends on that.
TIME_ZONES = (
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
_OFFICE_OPENS_AT = time(17, tzinfo=UTC)

# When administrators act, in minutes after the office opens. Employees act later in the day.
DRAFTING_MINUTE = 0
OPENING_MINUTE = 10
CLOSING_MINUTE = 20
HIRING_MINUTE = 30
RECORDING_MINUTE = 35
TERMINATION_MINUTE = 45
BILLING_MINUTE = 50
PAYMENT_MINUTE = 55
PAID_THROUGH_MINUTE = 417  # after all employees have acted
# When employees act, in seconds after the office opens.
_FIRST_VISIT_SECOND = 60 * 60
_LAST_VISIT_SECOND = 415 * 60


def reference_date(clock: Clock) -> date:
    """Return the earliest local date of all time zones, so that no generated date is in an employer's future."""
    return min(clock.today(zone) for zone in TIME_ZONES)


def instant_of(day: date, minutes: int) -> datetime:
    """Return the instant this many minutes (0 to 419) after 17:00 UTC.

    In these seven hours the local date is `day` in UTC and in each of `TIME_ZONES`, in winter and in summer.
    """
    return datetime.combine(day, _OFFICE_OPENS_AT) + timedelta(minutes=minutes)


def random_instant(rng: Random, day: date) -> datetime:
    """Return a random instant of the day at which an employee acts, after the administrators have acted."""
    seconds = rng.randrange(_FIRST_VISIT_SECOND, _LAST_VISIT_SECOND)
    return datetime.combine(day, _OFFICE_OPENS_AT) + timedelta(seconds=seconds)


def start_of_day(day: date) -> datetime:
    """Return midnight UTC. Everything that is generated happened before today's."""
    return datetime.combine(day, time(tzinfo=UTC))
