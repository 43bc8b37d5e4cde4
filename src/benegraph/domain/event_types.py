"""Event types: the stable, dotted names of all changes that the event feed reports.

A type follows from two recorded values: the kind of the changed row and the word that history stores for the action. A
new action needs a line in `EVENT_TYPES`; until it has one, its events bear a derived name and employees don't see them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from benegraph.domain.ids import IdPrefix, prefix_of

#: The kind of a tenant's settings, which have no ID of their own. Longer than every prefix of an ID.
TENANT_KIND = "tenant"


class Audience(IntEnum):
    """The viewers that see events of a type, each within its own limits; a higher member excludes more of them."""

    #: Employees see their own events, employers those of their people.
    EMPLOYEES = 1
    EMPLOYERS = 2
    #: Only viewers who are not limited to an employer.
    TENANT = 3


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: its name, the recorded kind and action that it stands for, and its meaning."""

    name: str
    kind: str
    action: str
    audience: Audience
    description: str

    @property
    def key(self) -> str:
        """The recorded kind and action as one text, as the database's index on types holds it."""
        return f"{self.kind}.{self.action}"


_EMPLOYEES, _EMPLOYERS, _TENANT = Audience.EMPLOYEES, Audience.EMPLOYERS, Audience.TENANT

#: For each kind of row: the words for its actions in history, each with the type's name, audience and description.
_LISTED: dict[str, tuple[tuple[str, str, Audience, str], ...]] = {
    IdPrefix.EMPLOYER: (
        ("CREATED", "employer.created", _EMPLOYERS, "An employer was created."),
        ("UPDATED", "employer.updated", _EMPLOYERS, "An employer's data changed."),
        ("DEACTIVATED", "employer.deactivated", _EMPLOYERS, "An employer was deactivated."),
        ("REACTIVATED", "employer.reactivated", _EMPLOYERS, "An employer's deactivation was undone."),
    ),
    IdPrefix.DIVISION: (
        ("CREATED", "division.created", _EMPLOYERS, "A division was created."),
        ("UPDATED", "division.updated", _EMPLOYERS, "A division's data changed."),
        ("RETIRED", "division.retired", _EMPLOYERS, "A division was retired."),
    ),
    IdPrefix.EMPLOYEE: (
        ("HIRED", "employee.hired", _EMPLOYEES, "An employee was created."),
        ("UPDATED", "employee.updated", _EMPLOYEES, "An employee's data changed."),
        ("TERMINATED", "employee.terminated", _EMPLOYEES, "An employment was ended, or its last day changed."),
        ("REINSTATED", "employee.reinstated", _EMPLOYEES, "The end of an employment was undone."),
        (
            "REHIRED",
            "employee.rehired",
            _EMPLOYEES,
            "A former employee was hired again; the subject is the new employment.",
        ),
        ("MOVED", "employee.moved", _EMPLOYEES, "An employee moved to another division."),
        ("DELETED", "employee.deleted", _EMPLOYERS, "The record of an employee was deleted, created by mistake."),
        ("MERGED", "employee.merged", _EMPLOYERS, "Two records of one employee were merged."),
        ("REVEALED", "employee.ssn_revealed", _EMPLOYERS, "A caller read the employee's social security number."),
    ),
    IdPrefix.DEPENDENT: (
        ("ADDED", "dependent.added", _EMPLOYEES, "A dependent was added."),
        ("UPDATED", "dependent.updated", _EMPLOYEES, "A dependent's data changed."),
        ("DELETED", "dependent.deleted", _EMPLOYERS, "A dependent was deleted with the employee's record."),
        (
            "MERGED",
            "dependent.merged",
            _EMPLOYERS,
            "A dependent moved in a merge of two records, or was merged itself.",
        ),
        ("REVEALED", "dependent.ssn_revealed", _EMPLOYERS, "A caller read the dependent's social security number."),
    ),
    IdPrefix.BENEFIT_PRODUCT: (
        ("CREATED", "benefit_product.created", _TENANT, "A benefit product was created."),
        ("UPDATED", "benefit_product.updated", _TENANT, "A benefit product's data changed."),
        ("RETIRED", "benefit_product.retired", _TENANT, "A benefit product was retired."),
    ),
    IdPrefix.CARRIER_PLAN: (
        ("CREATED", "carrier_plan.created", _TENANT, "A carrier plan was added to a benefit product."),
        ("UPDATED", "carrier_plan.updated", _TENANT, "A carrier plan's data changed."),
        ("RETIRED", "carrier_plan.retired", _TENANT, "A carrier plan was retired."),
    ),
    IdPrefix.PLAN_YEAR: (
        ("CREATED", "plan_year.created", _EMPLOYERS, "A draft of a plan year was created."),
        ("UPDATED", "plan_year.updated", _EMPLOYERS, "A draft of a plan year changed."),
        ("DELETED", "plan_year.deleted", _EMPLOYERS, "A draft of a plan year was deleted."),
        ("OPENED", "plan_year.opened", _EMPLOYERS, "The enrollment of a plan year was opened."),
        ("CLOSED", "plan_year.closed", _EMPLOYERS, "The open enrollment of a plan year was closed."),
    ),
    IdPrefix.ENROLLMENT: (
        ("ISSUED", "enrollment.issued", _EMPLOYEES, "An enrollment was issued, and can be answered in its window."),
        ("REISSUED", "enrollment.reissued", _EMPLOYEES, "An enrollment was issued again after a life event."),
        ("WITHDRAWN", "enrollment.withdrawn", _EMPLOYEES, "An unanswered reissue was withdrawn."),
        ("ENROLLED", "enrollment.elected", _EMPLOYEES, "Coverage was elected."),
        ("WAIVED", "enrollment.waived", _EMPLOYEES, "Coverage was waived."),
        ("RENEWED", "enrollment.renewed", _EMPLOYEES, "The coverage of the year before was elected again by renewal."),
        ("REOPENED", "enrollment.reopened", _EMPLOYEES, "An answer or a closing was undone."),
        (
            "OVERRIDDEN",
            "enrollment.overridden",
            _EMPLOYEES,
            "An administrator answered outside the rules of the window.",
        ),
        ("EXTENDED", "enrollment.extended", _EMPLOYEES, "The window was extended."),
        ("MOVED", "enrollment.moved", _EMPLOYEES, "The window and the day on which an answer takes effect moved."),
        ("LAPSED", "enrollment.lapsed", _EMPLOYEES, "The open enrollment was closed without an answer."),
        (
            "CLOSED",
            "enrollment.closed",
            _EMPLOYEES,
            "The enrollment was closed, such as after the end of the employment.",
        ),
        ("DELETED", "enrollment.deleted", _EMPLOYERS, "An unanswered enrollment was deleted with its employee."),
        ("MERGED", "enrollment.merged", _EMPLOYERS, "An enrollment moved to another record of its employee."),
        ("ENDED", "enrollment.coverage_ended", _EMPLOYEES, "Coverage was ended while the employment continues."),
        (
            "COVERAGE_MOVED",
            "enrollment.coverage_moved",
            _EMPLOYEES,
            "The span of coverage changed because of another answer.",
        ),
        (
            "DEPENDENT_COVERAGE_MOVED",
            "enrollment.dependent_coverage_moved",
            _EMPLOYEES,
            "A dependent's coverage ends on another day, as the date of birth was corrected.",
        ),
    ),
    IdPrefix.ELECTION_OVERRIDE: (
        ("CREATED", "election_override.created", _EMPLOYERS, "An override of an election was recorded."),
        ("REVIEWED", "election_override.reviewed", _EMPLOYERS, "An override of an election was reviewed."),
        ("MERGED", "election_override.merged", _EMPLOYERS, "An override moved to another record of its employee."),
    ),
    IdPrefix.LIFE_EVENT: (
        ("REPORTED", "life_event.reported", _EMPLOYEES, "A life event was reported."),
        ("APPROVED", "life_event.approved", _EMPLOYEES, "A life event was approved."),
        ("DENIED", "life_event.denied", _EMPLOYEES, "A life event was denied."),
        ("MERGED", "life_event.merged", _EMPLOYERS, "A life event moved to another record of its employee."),
        ("REVIEW_UNDONE", "life_event.review_undone", _EMPLOYEES, "A life event is pending again."),
        ("WITHDRAWN", "life_event.withdrawn", _EMPLOYEES, "A life event was withdrawn."),
    ),
    IdPrefix.SUBSCRIBER: (
        ("CREATED", "subscriber.created", _EMPLOYERS, "A carrier's subscriber was created."),
        ("UPDATED", "subscriber.updated", _EMPLOYERS, "A carrier's subscriber changed."),
        ("LINKED", "subscriber.linked", _EMPLOYERS, "A carrier's subscriber was linked to an employee."),
        ("UNLINKED", "subscriber.unlinked", _EMPLOYERS, "The link of a carrier's subscriber was removed."),
        ("MERGED", "subscriber.merged", _EMPLOYERS, "A subscriber moved to another record of its employee."),
    ),
    IdPrefix.SUBSCRIBER_ENROLLMENT: (
        ("CREATED", "subscriber_enrollment.created", _EMPLOYERS, "A coverage of record was created."),
        ("UPDATED", "subscriber_enrollment.updated", _EMPLOYERS, "A coverage of record changed."),
        ("DELETED", "subscriber_enrollment.deleted", _EMPLOYERS, "A coverage of record was deleted."),
        (
            "CANCELLED",
            "subscriber_enrollment.cancelled",
            _EMPLOYERS,
            "A coverage of record was cancelled because its election was.",
        ),
        ("RESTORED", "subscriber_enrollment.restored", _EMPLOYERS, "A cancelled coverage of record was restored."),
        (
            "MERGED",
            "subscriber_enrollment.merged",
            _EMPLOYERS,
            "A coverage of record moved to another employee's record.",
        ),
        ("LINKED", "subscriber_enrollment.linked", _EMPLOYERS, "A coverage of record was linked to an election."),
        ("MOVED", "subscriber_enrollment.moved", _EMPLOYERS, "The span of a coverage of record followed its election."),
        (
            "PAID_THROUGH",
            "subscriber_enrollment.paid_through",
            _EMPLOYERS,
            "The day through which the premium is paid changed.",
        ),
    ),
    IdPrefix.GROUP_CONTRACT: (
        ("CREATED", "group_contract.created", _EMPLOYERS, "A group contract was created."),
        ("UPDATED", "group_contract.updated", _EMPLOYERS, "A group contract changed."),
        ("ENDED", "group_contract.ended", _EMPLOYERS, "A group contract was ended."),
    ),
    IdPrefix.PREMIUM_INVOICE: (
        ("RECORDED", "premium_invoice.recorded", _EMPLOYERS, "A premium invoice was recorded."),
        ("VOIDED", "premium_invoice.voided", _EMPLOYERS, "A premium invoice was voided."),
        ("PAID", "premium_payment.recorded", _EMPLOYERS, "A payment of the premium invoice was recorded."),
        ("REVERSED", "premium_payment.reversed", _EMPLOYERS, "A payment of the premium invoice was reversed."),
    ),
    IdPrefix.API_KEY: (
        ("ISSUED", "api_key.issued", _TENANT, "An API key was issued."),
        ("REVOKED", "api_key.revoked", _TENANT, "An API key was revoked."),
        ("MERGED", "api_key.merged", _TENANT, "An API key moved to another record of its employee."),
    ),
    TENANT_KIND: (
        (
            "UPDATED",
            "tenant_settings.updated",
            _TENANT,
            "The settings of the tenant changed; the subject ID is the tenant's name.",
        ),
    ),
}

#: All types, in the order of the documentation.
EVENT_TYPES: tuple[EventType, ...] = tuple(
    EventType(name, str(kind), action, audience, description)
    for kind, types in _LISTED.items()
    for action, name, audience, description in types
)
EVENT_TYPES_BY_NAME: Mapping[str, EventType] = {each.name: each for each in EVENT_TYPES}
_NAMES_BY_KEY: Mapping[str, str] = {each.key: each.name for each in EVENT_TYPES}


def event_type_name(subject_id: str, action: str) -> str:
    """Return the name of the type of an event, from the ID of the changed row and the recorded action.

    For a kind or an action that the list lacks, it is made of their own words.
    """
    prefix = prefix_of(subject_id)
    kind = TENANT_KIND if prefix is None else prefix.value
    entity = kind if prefix is None else prefix.name.lower()
    return _NAMES_BY_KEY.get(f"{kind}.{action}", f"{entity}.{action.lower()}")


def visible_keys(audience: Audience) -> tuple[str, ...]:
    """Return the keys of the types that an audience sees, in alphabetical order."""
    return tuple(sorted(each.key for each in EVENT_TYPES if each.audience <= audience))
