"""People in the graph: employees and their dependents."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from benegraph.db import store
from benegraph.domain.errors import BadInput
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.coverage import Subscriber
from benegraph.graphql.types.enrollments import Enrollment, EnrollmentFilter, QualifyingLifeEvent
from benegraph.graphql.types.enums import EmploymentClass, OrderDirection, Relationship, describe_enum
from benegraph.graphql.types.fields import RowReader, batched, to_many, to_one, to_page
from benegraph.graphql.types.node import Node, check_id, lookup_by_id
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.plan_years import Eligibility, eligibility_from_rows

if TYPE_CHECKING:
    from benegraph.graphql.types.employers import Employer

MAX_SEARCH_LENGTH = 200


class EmployeeOrderField(StrEnum):
    """What employees are sorted by: the store's orders, by name."""

    LAST_NAME = "LAST_NAME"
    START_DATE = "START_DATE"
    CREATED_AT = "CREATED_AT"


describe_enum(
    EmployeeOrderField,
    "What employees are sorted by.",
    {
        "LAST_NAME": "The last name, by the rules of the database's language.",
        "START_DATE": "The day of the hire.",
        "CREATED_AT": "The instant the row was made.",
    },
)


@strawberry.input(description="In which order employees come.")
class EmployeeOrder:
    field: EmployeeOrderField = strawberry.field(description="What they are sorted by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which end comes first.")

    @property
    def is_descending(self) -> bool:
        return self.direction is OrderDirection.DESC


@strawberry.input(description="Which employees; a field left out or null does not matter.")
class EmployeeFilter:
    employment_class: EmploymentClass | None = strawberry.field(description="Those of this employment class.")
    active: bool | None = strawberry.field(description="Those employed today, or those no longer.")
    external_id: str | None = strawberry.field(description="The one with this id in the employer's own system.")
    search: str | None = strawberry.field(
        description=(
            "Those in whose names, e-mail address or external id each of these words stands, in any case;"
            f" at most {MAX_SEARCH_LENGTH} characters."
        )
    )

    def to_store_filter(self) -> store.people.EmployeeFilter:
        """Give what the store narrows by. Raises BadInput for a text that no row can hold, or that is too long."""
        if len(self.search or "") > MAX_SEARCH_LENGTH:
            raise BadInput(f"`search` is at most {MAX_SEARCH_LENGTH} characters.")
        if "\0" in (self.search or "") or "\0" in (self.external_id or ""):
            raise BadInput("No text holds U+0000.")
        words = tuple((self.search or "").split())
        return store.people.EmployeeFilter(self.employment_class, self.active, self.external_id, words)


@strawberry.type(description="A member of an employee's family.")
class Dependent(Node):
    first_name: str = strawberry.field(description="The first name.")
    last_name: str = strawberry.field(description="The last name.")
    date_of_birth: date | None = strawberry.field(description="The day of birth.")
    relationship: Relationship = strawberry.field(description="What the dependent is to the employee.")
    active: bool = strawberry.field(description="Whether the dependent can be covered at all.")
    disabled: bool = strawberry.field(description="Whether a child stays coverable past its 26th birthday.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")


async def _eligibility(
    reader: RowReader,
    employees: Sequence[Any],
    plan_year_id: Annotated[strawberry.ID, strawberry.argument(description="A plan year of the employee's employer.")],
) -> list[Any]:
    check_id(plan_year_id, IdPrefix.PLAN_YEAR)
    (plan_year,) = await reader.load_rows(store.plan_years.by_ids, [plan_year_id])
    (classes,) = await reader.load_lists(store.plan_years.classes_of, [plan_year_id])
    return [
        None
        if plan_year is None or plan_year.employer_id != employee.employer_id
        else eligibility_from_rows(employee, plan_year, classes)
        for employee in employees
    ]


@strawberry.type(description="An employment: a person at one employer, from a hire to a termination.")
class Employee(Node):
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] = to_one(
        store.employers.by_ids, "employer_id", "Where the person works."
    )
    external_id: str | None = strawberry.field(description="The employee's id in the employer's own system.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")
    first_name: str = strawberry.field(description="The first name.")
    last_name: str = strawberry.field(description="The last name.")
    email: str | None = strawberry.field(description="The e-mail address.")
    date_of_birth: date | None = strawberry.field(description="The day of birth.")
    employment_class: EmploymentClass = strawberry.field(description="The kind of employment.")
    hired_on: date = strawberry.field(name="startDate", description="The day of the hire.")
    division_id: str | None = strawberry.field(
        description="The carrier's code of the group's division that the employee belongs to."
    )
    terminated_on: date | None = strawberry.field(
        name="terminationDate", description="The day from which the employment no longer stands."
    )
    active: bool = strawberry.field(description="Whether the employment stands today, in the employer's time zone.")
    dependents: list[Dependent] = to_many(store.people.dependents_of, "id", "The employee's family, active or not.")
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.of_employees, "id", "The employee's enrollments, oldest first.", filter=EnrollmentFilter
    )
    qualifying_life_events: list[QualifyingLifeEvent] = to_many(
        store.enrollments.life_events_of, "id", "What was reported of the employee's life, oldest first."
    )
    subscriber: Subscriber | None = to_one(
        store.coverage.subscribers_of_employees, "id", "Who the employee is to the carrier, where that is known."
    )
    eligibility: Eligibility | None = batched(
        _eligibility,
        ("employer_id", "employment_class", "hired_on", "class_changed_on", "terminated_on"),
        "Whether the employee may be covered in a plan year; null where that is none of their employer's.",
    )
    created_at: datetime = strawberry.field(description="When the row was made.")
    updated_at: datetime = strawberry.field(description="When the row last changed.")


@strawberry.type
class PeopleQuery:
    employee: Employee | None = lookup_by_id(
        IdPrefix.EMPLOYEE, "One employee; null where there is none within the viewer's reach."
    )
    employees: Connection[Employee] = to_page(
        store.people.page,
        None,
        "The employees the viewer may see, by last name where no order is asked for.",
        filter=EmployeeFilter,
        order_by=EmployeeOrder,
    )
