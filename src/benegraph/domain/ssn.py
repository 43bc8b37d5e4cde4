"""Social security numbers: their form, and the numbers that are never assigned."""

import re
from collections.abc import Iterator

from benegraph.domain.errors import ErrorCode, RuleViolation

_SSN = re.compile(r"([0-9]{3})-?([0-9]{2})-?([0-9]{4})", re.ASCII)


def check_ssn(ssn: str | None) -> Iterator[RuleViolation]:
    """Check a social security number by the rules of the Social Security Administration. None passes.

    The area (the first three digits) is never 000, 666, or 900 and above; the group and the serial number are never
    all zeros (POMS RM 10201.035). So an ITIN, which starts with 9, is refused. The message does not repeat the number.
    """
    if ssn is None:
        return
    match = _SSN.fullmatch(ssn)
    if match is None:
        message = "Invalid social security number: expected nine digits, such as 219-09-9999."
    elif match[1] in ("000", "666") or match[1] >= "900" or match[2] == "00" or match[3] == "0000":
        message = "The Social Security Administration never assigns this number; an ITIN is not accepted."
    else:
        return
    yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("ssn",))


def normalize_ssn(ssn: str) -> str:
    """Return a valid social security number as nine digits."""
    return ssn.replace("-", "")
