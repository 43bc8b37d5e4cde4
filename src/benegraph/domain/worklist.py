"""The worklist: what the benefits administrators of an employer have to do, derived from rows and today's date."""

from enum import StrEnum

#: Windows that close within this many days from today are closing.
CLOSING_DAYS = 7
#: Children who age out within this many days from today are listed.
AGE_OUT_DAYS = 90


class WorklistKind(StrEnum):
    """The kind of an item of the worklist."""

    WINDOW_CLOSING = "WINDOW_CLOSING"
    EVENT_UNREVIEWED = "EVENT_UNREVIEWED"
    AGE_OUT = "AGE_OUT"
    NOT_ANSWERED = "NOT_ANSWERED"
    OVERRIDE_UNREVIEWED = "OVERRIDE_UNREVIEWED"
    PREMIUM_UNPAID = "PREMIUM_UNPAID"
