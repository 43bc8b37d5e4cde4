"""Enumerations in the graph: the domain's own, each value told in words, and those of the surface alone.

A room takes an enumeration from here, so that its words are in place before any type names it.
"""

from enum import Enum, StrEnum
from typing import Any

import strawberry

from benegraph.domain.access import Role
from benegraph.domain.billing import InvoiceStatus
from benegraph.domain.catalog import CoverageTier, PlanTier, ProductCategory
from benegraph.domain.coverage import BatchOutcome
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import CoverageStatus, ElectionDecision, EnrollmentStatus, WindowReason
from benegraph.domain.people import EmploymentClass, Relationship
from benegraph.domain.plan_years import PlanYearStatus, RenewalMode

__all__ = [
    "BatchOutcome",
    "CoverageStatus",
    "CoverageTier",
    "ElectionDecision",
    "EmploymentClass",
    "EnrollmentStatus",
    "InvoiceStatus",
    "LifeEventStatus",
    "LifeEventType",
    "OrderDirection",
    "PlanTier",
    "PlanYearStatus",
    "ProductCategory",
    "Relationship",
    "RenewalMode",
    "Role",
    "WindowReason",
    "describe_enum",
]


class OrderDirection(StrEnum):
    """Which end of a list comes first."""

    ASC = "ASC"
    DESC = "DESC"


def describe_enum(kind: type[Enum], description: str, values: dict[str, str], name: str | None = None) -> None:
    """Give an enumeration its words in the graph; its members stay as they are, so rows may hold them.

    Strawberry takes a value's words only in the value's place, which would draw GraphQL into the domain.
    """
    strawberry.enum(kind, name=name, description=description)
    definition: Any = vars(kind)["__strawberry_definition__"]
    for value in definition.values:
        value.description = values[value.name]


describe_enum(
    OrderDirection,
    "Which end of a list comes first.",
    {"ASC": "The least first: A before Z, earlier before later.", "DESC": "The greatest first."},
)
describe_enum(
    Role,
    "In what capacity a viewer acts, which decides what it may read and do.",
    {
        "ADMINISTRATOR": "Reads and changes everything in the tenant.",
        "EMPLOYER": "One employer's benefits clerk: its people, plan years and enrollments.",
        "EMPLOYEE": "One employee: their own person, family and enrollments.",
        "SERVICE": "A machine, which may call the mutations its key names.",
    },
    name="ViewerRole",
)
describe_enum(
    EmploymentClass,
    "The kind of employment, which decides what the employer contributes.",
    {
        "FULL_TIME": "Employed for full hours.",
        "PART_TIME": "Employed for fewer hours.",
        "TEMPORARY": "Employed for a limited time.",
        "INTERN": "Employed to learn.",
        "SEASONAL": "Employed for a season of the year.",
        "INDIVIDUAL_CONTRACTOR": "Working under a contract of their own.",
    },
)
describe_enum(
    Relationship,
    "What a dependent is to the employee.",
    {"SPOUSE": "The employee's wife or husband.", "CHILD": "The employee's child, by birth, adoption or marriage."},
)
describe_enum(
    ProductCategory,
    "What a benefit product insures.",
    {
        "MEDICAL": "Medical care.",
        "DENTAL": "The teeth.",
        "VISION": "The eyes.",
        "HOSPITAL": "Days in hospital.",
    },
)
describe_enum(
    PlanTier,
    "A plan's metal: the share of costs it pays.",
    {
        "BRONZE": "About 60 %.",
        "SILVER": "About 70 %.",
        "GOLD": "About 80 %.",
        "PLATINUM": "About 90 %.",
    },
)
describe_enum(
    CoverageTier,
    "Who is covered: the employee alone, with a spouse, with children, or with both.",
    {
        "UNSPECIFIED": "In a contribution class: every tier without a class of its own. In an election: it follows.",
        "EE": "The employee alone.",
        "ES": "The employee and a spouse.",
        "EC": "The employee and at least one child.",
        "EF": "The employee, a spouse and at least one child.",
    },
)
describe_enum(
    PlanYearStatus,
    "Where a plan year stands today, in its employer's time zone.",
    {
        "DRAFT": "Not opened yet: it can be changed and deleted, and employees don't see it.",
        "OPEN_ENROLLMENT": "Opened: enrollments are issued and answered.",
        "ACTIVE": "Open enrollment is closed; coverage is to come, or in force.",
        "EXPIRED": "Its last day of coverage is over.",
    },
)
describe_enum(
    RenewalMode,
    "What closing does for those who did not answer.",
    {
        "ACTIVE": "Nothing: who does not answer has no coverage.",
        "PASSIVE": "The same carrier plan and tier over again, where still offered.",
    },
)
describe_enum(
    EnrollmentStatus,
    "Where an enrollment stands today, in its employer's time zone.",
    {
        "PENDING": "It has no answer yet, and its window is not over.",
        "ENROLLED": "Coverage was elected, and is to come or in force.",
        "WAIVED": "Coverage was declined.",
        "INACTIVE": "Closed; or its coverage or plan year is over; or it went unanswered past its window.",
    },
)
describe_enum(
    ElectionDecision,
    "What an employee answers to an enrollment.",
    {"ENROLLED": "To be covered by a plan.", "WAIVED": "To do without coverage."},
)
describe_enum(
    CoverageStatus,
    "Where elected coverage stands today, in the employer's time zone.",
    {
        "UPCOMING": "It starts on a later day.",
        "EFFECTIVE": "It is in force.",
        "ENDED": "Its last day is over.",
        "CANCELLED": "It was ended before it began.",
    },
)
describe_enum(
    WindowReason,
    "Why an enrollment was issued, which decides when it may be answered.",
    {
        "OPEN_ENROLLMENT": "The plan year was opened; its open enrollment is the window.",
        "NEW_HIRE": "The employee became eligible during the plan year.",
        "LIFE_EVENT": "An approved life event reissued an earlier enrollment.",
    },
)
describe_enum(
    LifeEventType,
    "What happened in someone's life; each type has its own window and lets one change other things.",
    {
        "MARRIAGE": "The employee married.",
        "BIRTH": "A child was born.",
        "ADOPTION": "A child was adopted, or placed for adoption.",
        "DIVORCE": "The employee's marriage was divorced.",
        "DEATH": "A spouse or a child died.",
        "JOB_LOSS": "A family member lost a job, and the coverage that came with it.",
        "REDUCTION_IN_HOURS": "The employee's hours were cut, which ends eligibility.",
        "EMPLOYER_BANKRUPTCY": "An employer's bankruptcy ended other coverage.",
        "MEDICARE_ENTITLEMENT": "Someone in the family became entitled to Medicare.",
        "MEDICAID_LOSS": "Someone in the family lost Medicaid or CHIP.",
        "TERMINATION": "The employment ended, and eligibility with it.",
        "OTHER": "Something of no listed type; whoever approves it judges what it allows.",
    },
)
describe_enum(
    LifeEventStatus,
    "How a life event was judged.",
    {"PENDING": "Not judged yet.", "APPROVED": "It allows a change.", "DENIED": "It allows none."},
)
describe_enum(
    BatchOutcome,
    "What came of one item of a batch.",
    {
        "CREATED": "It was not there, and is now.",
        "UPDATED": "It was there, and was changed.",
        "UNCHANGED": "It was there just so; its version is the same.",
        "FAILED": "Rules refused it, and it alone; `userErrors` says which.",
    },
    name="BatchOutcome",
)
describe_enum(
    InvoiceStatus,
    "Where a premium invoice stands.",
    {
        "OPEN": "Some of it is not paid yet.",
        "PAID": "All of it is paid, or more.",
        "VOID": "It was withdrawn, and bills nobody.",
    },
)
