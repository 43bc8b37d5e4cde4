"""People in GraphQL: employees and their dependents."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.db.store.row_queries import OneByCompositeKey, OneByKey
from benegraph.domain.checks import check_text, normalize_text, remove_accents
from benegraph.domain.coverage import check_subscriber
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.context import Context
from benegraph.graphql.types.access_records import AccessRecord
from benegraph.graphql.types.addresses import Address, address_field
from benegraph.graphql.types.coverage import Subscriber
from benegraph.graphql.types.enrollments import Enrollment, EnrollmentFilter, EnrollmentOrder, QualifyingLifeEvent
from benegraph.graphql.types.enums import (
    EmploymentClass,
    MaritalStatus,
    OrderDirection,
    Relationship,
    Sex,
    describe_enum,
)
from benegraph.graphql.types.fields import RowReader, computed_in_batch, to_many, to_one, to_page
from benegraph.graphql.types.node import (
    CREATED_AT_DESCRIPTION,
    UPDATED_AT_DESCRIPTION,
    VERSION_DESCRIPTION,
    Node,
    NodeRef,
    lookup,
    lookup_by_id,
    parse_id_prefix,
)
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.plan_years import Eligibility, evaluate_eligibility

if TYPE_CHECKING:
    from benegraph.graphql.types.employers import Employer

MAX_SEARCH_LENGTH = 200


class EmployeeOrderField(StrEnum):
    """Sort fields of employees. The values are the names of the store's orders."""

    LAST_NAME = "LAST_NAME"
    START_DATE = "START_DATE"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"


describe_enum(
    EmployeeOrderField,
    "The fields by which employees can be sorted.",
    {
        "LAST_NAME": "The last name, in the database's collation.",
        "START_DATE": "The hire date.",
        "CREATED_AT": "The instant at which the employee was created.",
        "UPDATED_AT": "The instant at which the employee was last changed.",
    },
)


@strawberry.input(description="The sort order of employees.")
class EmployeeOrder:
    field: EmployeeOrderField = strawberry.field(description="The field to sort by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="The sort direction.")

    @property
    def is_descending(self) -> bool:
        return self.direction is OrderDirection.DESC


@strawberry.input(
    description="A filter on employees. All fields must match; an omitted or null field matches everyone."
)
class EmployeeFilter:
    employment_class: EmploymentClass | None = strawberry.field(description="Employees of this employment class.")
    active: bool | None = strawberry.field(
        description="True: employees employed today; false: the others, terminated or not yet started."
    )
    external_id: str | None = strawberry.field(
        description="Employees with exactly this ID in the employer's own system."
    )
    search: str | None = strawberry.field(
        description=(
            "Words separated by spaces, each of which must occur in the first name, last name, e-mail address or"
            f" external ID, regardless of case and accents. At most {MAX_SEARCH_LENGTH} characters."
        )
    )

    not_answered: bool | None = strawberry.field(
        description="True: employees with an unanswered enrollment whose window is open today; false: the others."
    )
    updated_since: datetime | None = strawberry.field(
        description="Employees whose own data was changed at this instant or later."
    )

    def to_store_filter(self) -> store.people.EmployeeFilter:
        """Return the store's filter. Raises BadInput for a long search, and for U+0000, which no row holds."""
        search = self.search or ""
        if len(search) > MAX_SEARCH_LENGTH:
            raise BadInput(f"`search` accepts at most {MAX_SEARCH_LENGTH} characters, got {len(search)}.")
        if "\0" in search or "\0" in (self.external_id or ""):
            raise BadInput("A filter can't contain the character U+0000.")
        external_id = normalize_text(self.external_id) if self.external_id else self.external_id
        words = tuple(remove_accents(search).split())
        return store.people.EmployeeFilter(
            self.employment_class, self.active, external_id, words, self.not_answered, self.updated_since
        )


@strawberry.type(description="A family member of an employee. The employee's elections can cover dependents.")
class Dependent(Node):
    first_name: str = strawberry.field(description="The first name.")
    last_name: str = strawberry.field(description="The last name.")
    date_of_birth: date | None = strawberry.field(description="The date of birth.")
    middle_name: str | None = strawberry.field(description="The middle name; null if unknown.")
    name_suffix: str | None = strawberry.field(
        description="The suffix of the name, such as Jr.; null if there is none."
    )
    sex: Sex | None = strawberry.field(description="The sex as carriers record it; null if unknown.")
    phone: str | None = strawberry.field(
        description="The phone number in E.164 form, such as +14155550100; null if unknown."
    )
    address: Address | None = address_field("The postal address; null if unknown.")
    ssn_last_four: str | None = strawberry.field(
        description="The last four digits of the social security number; null if none is recorded."
    )
    relationship: Relationship = strawberry.field(description="The dependent's relationship to the employee.")
    active: bool = strawberry.field(description="Whether new elections can cover the dependent.")
    disabled: bool = strawberry.field(
        description="Whether the dependent is disabled: a disabled child can be covered beyond age 26."
    )
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


async def _load_eligibility(
    reader: RowReader,
    employees: Sequence[Any],
    plan_year_id: Annotated[
        strawberry.ID, strawberry.argument(description="The ID of a plan year of the employee's employer.")
    ],
) -> list[Any]:
    parse_id_prefix(plan_year_id, IdPrefix.PLAN_YEAR)
    (plan_year,) = await reader.load_rows(store.plan_years.by_ids, [plan_year_id])
    (classes,) = await reader.load_lists(store.plan_years.contribution_classes_of, [plan_year_id])
    return [
        None
        if plan_year is None or plan_year.employer_id != employee.employer_id
        else evaluate_eligibility(employee, plan_year, classes)
        for employee in employees
    ]


@strawberry.type(description="A person's employment at one employer, from the hire to a termination.")
class Employee(Node):
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] = to_one(
        store.employers.by_ids, "employer_id", "The employer."
    )
    external_id: str | None = strawberry.field(
        description="The employee's ID in the employer's own system; null if none was provided."
    )
    version: int = strawberry.field(description=VERSION_DESCRIPTION)
    first_name: str = strawberry.field(description="The first name.")
    last_name: str = strawberry.field(description="The last name.")
    email: str | None = strawberry.field(description="The e-mail address; null if unknown.")
    date_of_birth: date | None = strawberry.field(description="The date of birth; null if unknown.")
    middle_name: str | None = strawberry.field(description="The middle name; null if unknown.")
    name_suffix: str | None = strawberry.field(
        description="The suffix of the name, such as Jr.; null if there is none."
    )
    sex: Sex | None = strawberry.field(description="The sex as carriers record it; null if unknown.")
    phone: str | None = strawberry.field(
        description="The phone number in E.164 form, such as +14155550100; null if unknown."
    )
    address: Address | None = address_field("The postal address; null if unknown.")
    ssn_last_four: str | None = strawberry.field(
        description="The last four digits of the social security number; null if none is recorded."
    )
    marital_status: MaritalStatus | None = strawberry.field(description="The marital status; null if unknown.")
    employment_class: EmploymentClass = strawberry.field(
        description="The employment class, which determines eligibility and the contributions."
    )
    hired_on: date = strawberry.field(name="startDate", description="The hire date: the first day of employment.")
    division_id: str | None = strawberry.field(
        description="The carrier's code of the division that the employee belongs to; null if none is assigned."
    )
    terminated_on: date | None = strawberry.field(
        name="terminationDate",
        description="The first day on which the person is no longer employed; null unless a termination is recorded.",
    )
    previous_employment: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.by_ids,
        "previous_employment_id",
        "The same person's former employment at this employer; null unless this one is a rehire.",
    )
    next_employment: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.by_previous_employment_ids,
        "id",
        "The same person's next employment at this employer; null unless the person was rehired.",
    )
    merged_into: Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")] | None = to_one(
        store.people.by_ids,
        "merged_into_id",
        "The record that this duplicate was merged into, which has everything that this one had; null unless it was.",
    )
    merged_employees: list[Annotated["Employee", strawberry.lazy("benegraph.graphql.types.people")]] = to_many(
        store.people.merged_into, "id", "The duplicates that were merged into this record, oldest first."
    )
    active: bool = strawberry.field(
        description=(
            "Whether the person is employed today, in the employer's time zone: from the start date on, and before the"
            " termination date."
        )
    )
    dependents: list[Dependent] = to_many(
        store.people.dependents_of, "id", "The employee's dependents, including inactive ones, oldest record first."
    )
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.of_employees,
        "id",
        "The employee's enrollments, oldest first unless `orderBy` is passed.",
        filter=EnrollmentFilter,
        order_by=EnrollmentOrder,
    )
    qualifying_life_events: list[QualifyingLifeEvent] = to_many(
        store.enrollments.life_events_of, "id", "The employee's life events, in the order in which they were reported."
    )
    subscriber: Subscriber | None = to_one(
        store.coverage.subscribers_of_employees,
        "id",
        "The carrier's subscriber that this employee is linked to; null if there is none.",
    )
    accesses: Connection[AccessRecord] = to_page(
        store.access_records.of_employees,
        "id",
        "Who read this employee's protected data, or that of the dependents, oldest first; `last` returns the newest."
        " The employee's own reads are not recorded.",
    )
    eligibility: Eligibility | None = computed_in_batch(
        _load_eligibility,
        ("employer_id", "employment_class", "hired_on", "class_changed_on", "terminated_on"),
        "The employee's eligibility for coverage in a plan year. Null if the plan year doesn't exist, belongs to"
        " another employer, or may not be seen by the viewer.",
    )
    created_at: datetime = strawberry.field(description=CREATED_AT_DESCRIPTION)
    updated_at: datetime = strawberry.field(description=UPDATED_AT_DESCRIPTION)


@strawberry.input(description="An employee's ID in the employer's own system, which is unique within the employer.")
class ExternalEmployeeKey:
    employer_id: strawberry.ID = strawberry.field(description="The employer.")
    external_id: str = strawberry.field(description="The employee's ID in the employer's own system.")


@strawberry.input(one_of=True, description="A key of an employee: exactly one of the fields.")
class EmployeeKey:
    id: strawberry.ID | None = strawberry.field(description="The global ID.")
    external: ExternalEmployeeKey | None = strawberry.field(description="The ID in the employer's own system.")
    subscriber_id: str | None = strawberry.field(
        description="The carrier's number of the subscriber that the employee is linked to."
    )


#: The batch function for each field of EmployeeKey, by the field's name.
_EMPLOYEE_BATCHES: dict[str, OneByKey | OneByCompositeKey] = {
    "id": store.people.by_ids,
    "external": store.people.by_external_ids,
    "subscriber_id": store.people.by_subscriber_ids,
}


def _find_employee(
    _context: Context, key: Annotated[EmployeeKey, strawberry.argument(description="The key.")]
) -> NodeRef | None:
    if key.external is not None:
        employer_id, external_id = key.external.employer_id, normalize_text(key.external.external_id)
        parse_id_prefix(employer_id, IdPrefix.EMPLOYER)
        return None if any(check_text(external_id)) else _employee_ref("external", (employer_id, external_id))
    if key.subscriber_id is not None:
        is_possible = not any(check_subscriber(key.subscriber_id, None, None))
        return _employee_ref("subscriber_id", key.subscriber_id) if is_possible else None
    parse_id_prefix(key.id or "", IdPrefix.EMPLOYEE)
    return _employee_ref("id", key.id)


def _employee_ref(batch_name: str, key: Any) -> NodeRef:
    return NodeRef(batch_name, _EMPLOYEE_BATCHES[batch_name], key)


@strawberry.type
class PeopleQuery:
    employee: Employee | None = lookup_by_id(
        IdPrefix.EMPLOYEE,
        "Look up an employee by ID. Null if the employee doesn't exist or the viewer may not see them.",
    )
    employee_by_key: Employee | None = lookup(
        _EMPLOYEE_BATCHES,
        _find_employee,
        "Look up an employee by any key. Null if the employee doesn't exist or the viewer may not see them.",
    )
    employees: Connection[Employee] = to_page(
        store.people.page,
        None,
        "All employees that the viewer may see, by last name unless `orderBy` is passed.",
        filter=EmployeeFilter,
        order_by=EmployeeOrder,
    )
