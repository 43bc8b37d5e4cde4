"""Employers in GraphQL."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.addresses import Address, address_field
from benegraph.graphql.types.coverage import GroupContract
from benegraph.graphql.types.enrollments import Enrollment, EnrollmentFilter, EnrollmentOrder
from benegraph.graphql.types.fields import to_many, to_one, to_page
from benegraph.graphql.types.node import (
    CREATED_AT_DESCRIPTION,
    UPDATED_AT_DESCRIPTION,
    VERSION_DESCRIPTION,
    Node,
    lookup_by_id,
    parse_id_prefix,
)
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.people import Employee, EmployeeFilter, EmployeeOrder
from benegraph.graphql.types.plan_years import PLAN_YEAR_STATUS_FILTER, PlanYear


@strawberry.input(
    description="A filter on divisions. All fields must match; an omitted or null field matches every division."
)
class DivisionFilter:
    employer_id: strawberry.ID | None = strawberry.field(description="Divisions of this employer.")
    active: bool | None = strawberry.field(description="Active divisions, or retired ones.")

    def to_store_filter(self) -> store.employers.DivisionFilter:
        """Return the store's filter. Raises BadInput for a malformed ID."""
        if self.employer_id is not None:
            parse_id_prefix(self.employer_id, IdPrefix.EMPLOYER)
        return store.employers.DivisionFilter(self.employer_id, self.active)


@strawberry.type(
    description=(
        "A part of an employer, such as a location, by the code that the carrier's group contracts and employees name"
        " as `divisionId`."
    )
)
class Division(Node):
    code: str = strawberry.field(description="The carrier's division code. It does not change.")
    name: str = strawberry.field(description="The division's name; the code if nobody has named it.")
    active: bool = strawberry.field(
        description="Whether employees can be assigned to the division, and contracts of it created."
    )
    employer: Annotated["Employer", strawberry.lazy("benegraph.graphql.types.employers")] = to_one(
        store.employers.by_ids, "employer_id", "The employer."
    )
    created_at: datetime = strawberry.field(description=CREATED_AT_DESCRIPTION)
    updated_at: datetime = strawberry.field(description=UPDATED_AT_DESCRIPTION)
    version: int = strawberry.field(description=VERSION_DESCRIPTION)


@strawberry.type(description="A company that offers benefits to its employees.")
class Employer(Node):
    name: str = strawberry.field(description="The company's name.")
    legal_name: str | None = strawberry.field(description="The company's legal name; null if none was provided.")
    ein: str | None = strawberry.field(
        description="The federal employer identification number (EIN), nine digits; null if unknown."
    )
    address: Address | None = address_field("The postal address; null if unknown.")
    time_zone: str = strawberry.field(
        description="The IANA time zone, such as America/New_York, that determines today's date for this employer."
    )
    today: date = strawberry.field(
        description="Today's date in the employer's time zone, which every window and every status depends on."
    )
    active: bool = strawberry.field(
        description="Whether the employer uses this service. An inactive one hires nobody and gets no new plan years."
    )
    version: int = strawberry.field(description=VERSION_DESCRIPTION)
    employees: Connection[Employee] = to_page(
        store.people.of_employers,
        "id",
        "The employer's employees, by last name unless `orderBy` is passed.",
        filter=EmployeeFilter,
        order_by=EmployeeOrder,
    )
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.of_employers,
        "id",
        "The enrollments of the employer's employees, oldest first unless `orderBy` is passed.",
        filter=EnrollmentFilter,
        order_by=EnrollmentOrder,
    )
    plan_years: Connection[PlanYear] = to_page(
        store.plan_years.of_employers, "id", "The employer's plan years, oldest first.", filter=PLAN_YEAR_STATUS_FILTER
    )
    divisions: list[Division] = to_many(
        store.employers.divisions_of,
        "id",
        "The employer's divisions by code, the retired ones too. Empty for employees.",
    )
    group_contracts: Connection[GroupContract] = to_page(
        store.coverage.contracts_of_employers,
        "id",
        "The employer's group contracts, oldest first. Empty for employees.",
    )
    created_at: datetime = strawberry.field(description=CREATED_AT_DESCRIPTION)
    updated_at: datetime = strawberry.field(description=UPDATED_AT_DESCRIPTION)


@strawberry.type
class EmployersQuery:
    divisions: Connection[Division] = to_page(
        store.employers.division_page,
        None,
        "All divisions that the viewer may see, oldest first. Employees see none.",
        filter=DivisionFilter,
    )
    division: Division | None = lookup_by_id(
        IdPrefix.DIVISION, "Look up a division by its ID. Null if it doesn't exist or the viewer may not see it."
    )
    employer: Employer | None = lookup_by_id(
        IdPrefix.EMPLOYER, "Look up an employer by its ID. Null if it doesn't exist or the viewer may not see it."
    )
    employers: Connection[Employer] = to_page(
        store.employers.page, None, "All employers that the viewer may see, oldest first."
    )
