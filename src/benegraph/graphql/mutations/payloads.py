"""Payloads of mutations: the values that their fields read, and the refusals in `userErrors`."""

from typing import Any, TypeVar

import strawberry

from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.graphql.types.enums import describe_enum

PayloadT = TypeVar("PayloadT")
#: The values that a payload's fields read, by name; most are IDs. They are stored under the idempotency key as JSON.
ResultData = dict[str, Any]

describe_enum(
    ErrorCode,
    "Why a mutation was refused.",
    {
        "NOT_FOUND": "The object does not exist, or the viewer may not see it.",
        "INVALID_INPUT": "A value is invalid: blank, too long, negative, out of range, or not an ID of the right type.",
        "ALREADY_EXISTS": "Another object already has this key.",
        "VERSION_CONFLICT": "The object has changed since the version in `expectedVersion`; read it again.",
        "IDEMPOTENCY_KEY_REUSED": "The idempotency key was used with another input of the same mutation.",
        "ENROLLMENT_NOT_PENDING": "The enrollment is already answered or closed, or its plan year has ended.",
        "WINDOW_NOT_OPEN": "Today is outside the enrollment's window, or the plan year's open enrollment is over.",
        "WINDOW_STILL_OPEN": "Open enrollment is not over yet.",
        "DUPLICATE_ELECTION": "The call answers the same enrollment twice.",
        "PLAN_REQUIRED": "The decision ENROLLED requires a plan.",
        "PLAN_NOT_OFFERED": "The plan year does not offer this plan.",
        "PLAN_NOT_ALLOWED_ON_WAIVER": "The decision WAIVED must not select a plan.",
        "TIER_NOT_OFFERED": "The plan has no rate for the tier, or no contribution class applies to it.",
        "TIER_DEPENDENTS_MISMATCH": "The dependents do not match the coverage tier.",
        "DEPENDENT_NOT_COVERABLE": (
            "The dependent is another employee's, is inactive, or is a child without a disability who is 26 or older"
            " when coverage starts."
        ),
        "NOT_ELIGIBLE": "The employee is not eligible on the day coverage would start.",
        "OVERLAPPING_COVERAGE": (
            "The coverage overlaps other coverage of the same benefit product, or of the same subscriber in the same"
            " group and division."
        ),
        "LIFE_EVENT_NOT_APPROVED": "The life event is not approved.",
        "LIFE_EVENT_WINDOW_CLOSED": "The period for reporting the life event, or for making the change, is over.",
        "CHANGE_NOT_CONSISTENT_WITH_LIFE_EVENT": "The life event does not allow this change.",
        "REISSUE_ALREADY_OPEN": "A reissue in the same plan year is already pending.",
        "NOT_REISSUABLE": (
            "The enrollment's status or the type of life event does not allow a reissue, or the change would take"
            " effect after the plan year."
        ),
        "DATES_OUT_OF_ORDER": "A date is before the date that it must follow.",
        "PLAN_YEAR_OVERLAP": "The plan year overlaps another one of the same employer and product.",
        "PLAN_YEAR_INCOMPLETE": "The draft has no plans or no contribution classes.",
        "INVALID_STATUS_TRANSITION": "The object's current status does not allow this change.",
        "LINKED_TO_ENROLLMENT": "An election determines this coverage; change the election instead.",
    },
    name="UserErrorCode",
)


@strawberry.type(
    description='One violated rule. `field` is the path into the input, such as ["elections", "0", "decision"].'
)
class UserError:
    code: ErrorCode = strawberry.field(description="The reason as a code. Codes are never renamed.")
    message: str = strawberry.field(description="An explanation for people; programs should use `code`.")
    field: list[str] | None = strawberry.field(
        description="The path of the input field that violates the rule, with list positions as text."
    )


class MutationResult:
    """The value behind a payload: its result data as attributes, None if missing, and the violated rules."""

    def __init__(self, data: ResultData | None = None, user_errors: tuple[RuleViolation, ...] = ()) -> None:
        self.user_errors = user_errors
        self._data = data or {}

    def __getattr__(self, name: str) -> Any:
        return self._data.get(name)


def mutation_payload(cls: type[PayloadT]) -> type[PayloadT]:
    """Declare the payload of the mutation that the class is named after, with `userErrors` as its last field."""
    cls.__annotations__["user_errors"] = list[UserError]
    description = "The rules that the request as a whole violates; empty if it was accepted."
    cls.user_errors = strawberry.field(description=description)  # type: ignore[attr-defined] # added to the class here
    name = cls.__name__.removesuffix("Payload")
    return strawberry.type(cls, description=f"The result of `{name[0].lower()}{name[1:]}`.")
