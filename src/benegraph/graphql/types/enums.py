"""Enumerations in GraphQL: the domain's own with descriptions added, and those that only GraphQL needs.

Other modules import enumerations from here, so that each has its descriptions before a type refers to it.
"""

from enum import Enum, StrEnum
from typing import Any

import strawberry

from benegraph.domain.access import Role
from benegraph.domain.billing import InvoiceStatus
from benegraph.domain.catalog import CoverageTier, PlanTier, ProductCategory
from benegraph.domain.census import CensusOutcome, EnrollmentEffectKind
from benegraph.domain.coverage import BatchOutcome
from benegraph.domain.enrollments.coverage_ends import CoverageEndReason
from benegraph.domain.enrollments.life_events import LifeEventStatus, LifeEventType
from benegraph.domain.enrollments.status import (
    AnswerSource,
    CoverageStatus,
    ElectionDecision,
    EnrollmentStatus,
    WaiverReason,
    WindowReason,
)
from benegraph.domain.people import EmploymentClass, MaritalStatus, Relationship, Sex
from benegraph.domain.plan_years import PlanSource, PlanYearStatus, RenewalMode
from benegraph.domain.worklist import AGE_OUT_DAYS, CLOSING_DAYS, WorklistKind

__all__ = [
    "AnswerSource",
    "BatchOutcome",
    "CensusOutcome",
    "CoverageEndReason",
    "CoverageStatus",
    "CoverageTier",
    "ElectionDecision",
    "EmploymentClass",
    "EnrollmentEffectKind",
    "EnrollmentStatus",
    "InvoiceStatus",
    "LifeEventStatus",
    "LifeEventType",
    "MaritalStatus",
    "OrderDirection",
    "PlanSource",
    "PlanTier",
    "PlanYearStatus",
    "ProductCategory",
    "Relationship",
    "RenewalMode",
    "Role",
    "Sex",
    "WaiverReason",
    "WindowReason",
    "WorklistKind",
    "describe_enum",
]


class OrderDirection(StrEnum):
    """A sort direction."""

    ASC = "ASC"
    DESC = "DESC"


def describe_enum(
    enum_class: type[Enum], description: str, value_descriptions: dict[str, str], name: str | None = None
) -> None:
    """Register an enumeration in GraphQL with a description for it and each value, and possibly another name.

    Strawberry's own way replaces each member with a `strawberry.enum_value`, which would make the domain import
    Strawberry. Here the members stay as they are, so that rows can hold them.
    """
    strawberry.enum(enum_class, name=name, description=description)
    definition: Any = vars(enum_class)["__strawberry_definition__"]
    for value in definition.values:
        value.description = value_descriptions[value.name]


describe_enum(
    OrderDirection,
    "The sort direction.",
    {"ASC": "Ascending: A before Z, earlier before later.", "DESC": "Descending: Z before A, later before earlier."},
)
describe_enum(
    Role,
    "The role of a viewer, which determines what it may read and change.",
    {
        "ADMINISTRATOR": "Reads and changes everything in the tenant.",
        "EMPLOYER": (
            "A benefits administrator of one employer: reads and changes its people, plan years and enrollments."
        ),
        "EMPLOYEE": "One employee: reads and changes their own data, dependents and enrollments.",
        "SERVICE": "A machine client: reads, and calls the mutations that its API key or token lists.",
    },
    name="ViewerRole",
)
describe_enum(
    EmploymentClass,
    "The kind of employment, which determines eligibility and the contributions.",
    {
        "FULL_TIME": "Full-time employment.",
        "PART_TIME": "Part-time employment.",
        "TEMPORARY": "Employment for a limited time.",
        "INTERN": "Internship.",
        "SEASONAL": "Employment for a season of the year.",
        "INDIVIDUAL_CONTRACTOR": "Work as an independent contractor.",
    },
)
describe_enum(
    Relationship,
    "The relationship of a dependent to the employee.",
    {"SPOUSE": "The employee's spouse.", "CHILD": "The employee's child, by birth, adoption or marriage."},
)
describe_enum(
    ProductCategory,
    "The kind of benefit that a product provides.",
    {
        "MEDICAL": "Medical insurance.",
        "DENTAL": "Dental insurance.",
        "VISION": "Vision insurance.",
        "HOSPITAL": "Hospital indemnity insurance.",
    },
)
describe_enum(
    PlanTier,
    "The metal tier of a plan: the share of average medical costs that the plan pays.",
    {
        "BRONZE": "About 60%.",
        "SILVER": "About 70%.",
        "GOLD": "About 80%.",
        "PLATINUM": "About 90%.",
    },
)
describe_enum(
    CoverageTier,
    "The coverage tier: which family members are covered.",
    {
        "UNSPECIFIED": (
            "No particular tier. A contribution class with it applies to every tier without a class of its own. An"
            " election with it derives the tier from the dependents."
        ),
        "EE": "The employee alone.",
        "ES": "The employee and a spouse.",
        "EC": "The employee and at least one child.",
        "EF": "The employee, a spouse and at least one child.",
    },
)
describe_enum(
    PlanYearStatus,
    "The status of a plan year today, in the employer's time zone.",
    {
        "DRAFT": "Not opened yet: it can be changed and deleted, and employees can't see it.",
        "OPEN_ENROLLMENT": (
            "Enrollment was opened and is not closed. An enrollment can be answered only within its election window."
        ),
        "ACTIVE": "Open enrollment is closed; coverage is in force or starts later.",
        "EXPIRED": "The last day of coverage has passed.",
    },
)
describe_enum(
    PlanSource,
    "The plans that a copy of a plan year starts from.",
    {
        "PLAN_YEAR": "The plans of the plan year that is copied, without those that are retired since.",
        "CATALOG": "The product's plans that are not retired, with their current premiums and rates.",
    },
)
describe_enum(
    RenewalMode,
    "Whether closing enrollment renews last year's coverage for unanswered enrollments.",
    {
        "ACTIVE": "No renewal: an employee who doesn't answer has no coverage.",
        "PASSIVE": "Renewal: last year's coverage continues with the same carrier plan and tier if still offered.",
    },
)
describe_enum(
    EnrollmentStatus,
    "The status of an enrollment today, in the employer's time zone.",
    {
        "PENDING": "Not answered yet, and the election window hasn't ended.",
        "ENROLLED": "Coverage was elected, and is in force or starts later.",
        "WAIVED": "Coverage was waived.",
        "INACTIVE": (
            "The enrollment is closed, its coverage or plan year has ended, or it wasn't answered within the election"
            " window."
        ),
    },
)
describe_enum(
    ElectionDecision,
    "An employee's answer to an enrollment.",
    {"ENROLLED": "The employee elects coverage by a plan.", "WAIVED": "The employee waives coverage."},
)
describe_enum(
    AnswerSource,
    "The way in which an enrollment was answered.",
    {
        "ELECTION": "By `elect`, within the window.",
        "RENEWAL": "By passive renewal, when open enrollment closed.",
        "OVERRIDE": "By `overrideElection`, outside the window.",
    },
)
describe_enum(
    WaiverReason,
    "Why an employee waives coverage: the other coverage that the employee has.",
    {
        "SPOUSE_EMPLOYER_PLAN": "A plan of the spouse's employer.",
        "PARENT_EMPLOYER_PLAN": "A plan of a parent's employer.",
        "OTHER_EMPLOYER_PLAN": "A plan of any other employer.",
        "INDIVIDUAL_PLAN": "A plan of the individual market.",
        "MEDICARE": "Medicare.",
        "TRICARE": "TRICARE, the health program of the armed forces.",
        "MEDICAID": "Medicaid.",
    },
)
describe_enum(
    CoverageStatus,
    "The status of elected coverage today, in the employer's time zone.",
    {
        "UPCOMING": "Coverage starts on a later day.",
        "EFFECTIVE": "Coverage is in force.",
        "ENDED": "The last day of coverage has passed.",
        "CANCELLED": "Coverage was ended before it started.",
    },
)
describe_enum(
    CoverageEndReason,
    "Why a coverage was ended without an end of the employment, which determines its last day.",
    {
        "LOSS_OF_ELIGIBILITY": "The employee is no longer eligible. Coverage lasts through the end of a month.",
        "NONPAYMENT": "The employee's share was not paid.",
        "VOLUNTARY": (
            "The employee gave up the coverage after a life event that allows it. Coverage lasts through the end of a"
            " month."
        ),
        "CARRIER_REQUEST": "The carrier demands the end.",
        "MISREPRESENTATION": "Fraud, or intentional misrepresentation of a material fact.",
    },
)
describe_enum(
    WindowReason,
    "The reason why an enrollment was issued, which determines its election window.",
    {
        "OPEN_ENROLLMENT": "The plan year was opened. The window is the plan year's open enrollment.",
        "NEW_HIRE": (
            "The employee was hired or became eligible after enrollment was opened, or becomes eligible after the plan"
            " year's first day. The window ends 30 days after the later of the issue date and the eligibility date; a"
            " change of eligibility can move it."
        ),
        "LIFE_EVENT": "An approved life event reissued an earlier enrollment.",
        "OVERRIDE": (
            "An administrator replaced an earlier answer outside its window. The window is the day of the override; the"
            " answer cannot be reopened."
        ),
    },
)
describe_enum(
    LifeEventType,
    "The type of a life event, which determines its window and the changes that it allows.",
    {
        "MARRIAGE": "The employee married.",
        "BIRTH": "A child was born.",
        "ADOPTION": "A child was adopted, or placed for adoption.",
        "DIVORCE": "The employee was divorced.",
        "DEATH": "The employee's spouse or child died.",
        "JOB_LOSS": "A family member lost a job, and with it other coverage.",
        "REDUCTION_IN_HOURS": "The employee's hours were reduced, which ends eligibility.",
        "EMPLOYER_BANKRUPTCY": "An employer's bankruptcy ended other coverage.",
        "MEDICARE_ENTITLEMENT": "The employee or a family member became entitled to Medicare.",
        "MEDICAID_LOSS": "The employee or a family member lost Medicaid or CHIP.",
        "TERMINATION": "The employment ended, and eligibility with it.",
        "OTHER": "An event of no listed type. The reviewer decides whether it allows a change.",
    },
)
describe_enum(
    LifeEventStatus,
    "The status of a life event's review.",
    {
        "PENDING": "Not reviewed yet.",
        "APPROVED": "Approved: the event allows a change.",
        "DENIED": "Denied: the event allows no change.",
        "WITHDRAWN": "Withdrawn: the event allows no change. It may have been reviewed before.",
    },
)
describe_enum(
    BatchOutcome,
    "The outcome of one item of a batch.",
    {
        "CREATED": "The object was created.",
        "UPDATED": "The object existed and was changed.",
        "UNCHANGED": "The object existed with the same values; its version stays the same.",
        "FAILED": "The item was refused for the reasons in its `userErrors`. The other items are not affected.",
    },
)
describe_enum(
    CensusOutcome,
    "The outcome of one person of a census. Of several changes, the one that counts most is named.",
    {
        "CREATED": "The person was hired or added.",
        "UPDATED": "The person's data or dependents were changed.",
        "MOVED": "The employee moved to another division.",
        "TERMINATED": "The employment was terminated.",
        "REINSTATED": "The termination was reversed.",
        "REHIRED": "A further employment of a former employee was created.",
        "UNCHANGED": "The recorded values are the same; the version stays the same.",
        "REFUSED": "The item was refused for the reasons in its `userErrors`. The other items are not affected.",
    },
)
describe_enum(
    EnrollmentEffectKind,
    "What an item of a census does to an enrollment.",
    {
        "ISSUED": "A new enrollment is issued.",
        "MOVED": "The window, the effective date or the closing date of an unanswered enrollment moves.",
        "CLOSED": "An unanswered enrollment closes.",
        "REOPENED": "A closed enrollment is open again.",
        "COVERAGE_ENDED": "Elected coverage ends earlier or is cancelled.",
        "COVERAGE_RESTORED": "Elected coverage ends later or is no longer cancelled.",
    },
)
describe_enum(
    InvoiceStatus,
    "The status of a premium invoice.",
    {
        "OPEN": "Less than the amount billed is paid.",
        "PAID": "At least the amount billed is paid.",
        "VOID": "The invoice was withdrawn; nothing is due.",
    },
)
describe_enum(
    Sex,
    "A person's sex as carriers record it.",
    {"FEMALE": "Female.", "MALE": "Male.", "UNKNOWN": "Neither is recorded with the carrier."},
)
describe_enum(
    MaritalStatus,
    "An employee's marital status.",
    {
        "SINGLE": "Never married.",
        "MARRIED": "Married.",
        "DOMESTIC_PARTNERSHIP": "In a registered domestic partnership.",
        "SEPARATED": "Married and living apart, without a decree.",
        "LEGALLY_SEPARATED": "Separated by a court's decree.",
        "DIVORCED": "Divorced.",
        "WIDOWED": "Widowed.",
    },
)
describe_enum(
    WorklistKind,
    "The kind of an item of the worklist: why it is listed, and what determines its due date.",
    {
        "WINDOW_CLOSING": (
            f"An unanswered enrollment whose window is open and closes within {CLOSING_DAYS} days from today. It is due"
            " on the last day of the window."
        ),
        "EVENT_UNREVIEWED": (
            "A life event without a review. It is due on the last day of its enrollment window, and stays"
            " listed until the review."
        ),
        "AGE_OUT": (
            f"A child covered today or later whose age ends the coverage within {AGE_OUT_DAYS} days from today. It is"
            " due on the last day of the month in which the child turns 26."
        ),
        "NOT_ANSWERED": (
            f"An unanswered enrollment whose window is open and closes more than {CLOSING_DAYS} days from today; later"
            " it becomes WINDOW_CLOSING. It is due on the last day of the window."
        ),
        "OVERRIDE_UNREVIEWED": ("An election override without a review. It is due on the day on which it was made."),
        "PREMIUM_UNPAID": (
            "A premium invoice that is neither void nor paid in full. It is due on its due date, and stays listed until"
            " it is paid."
        ),
    },
)
