"""Employers in the graph."""

from datetime import datetime

import strawberry

from benegraph.db import store
from benegraph.domain.ids import IdPrefix
from benegraph.graphql.types.enrollments import Enrollment, EnrollmentFilter
from benegraph.graphql.types.fields import to_page
from benegraph.graphql.types.node import Node, lookup_by_id
from benegraph.graphql.types.paging import Connection
from benegraph.graphql.types.people import Employee, EmployeeFilter, EmployeeOrder
from benegraph.graphql.types.plan_years import PLAN_YEAR_STATUS_FILTER, PlanYear


@strawberry.type(description="A company whose people enroll. Its time zone decides what day it is for them.")
class Employer(Node):
    name: str = strawberry.field(description="The company's name.")
    time_zone: str = strawberry.field(description="The IANA time zone by whose days windows open and close.")
    active: bool = strawberry.field(description="Whether the employer still uses the gateway.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")
    employees: Connection[Employee] = to_page(
        store.people.of_employers,
        "id",
        "Its people, by last name where no order is asked for.",
        filter=EmployeeFilter,
        order_by=EmployeeOrder,
    )
    enrollments: Connection[Enrollment] = to_page(
        store.enrollments.of_employers, "id", "Its people's enrollments, oldest first.", filter=EnrollmentFilter
    )
    plan_years: Connection[PlanYear] = to_page(
        store.plan_years.of_employers, "id", "Its plan years, oldest first.", filter=PLAN_YEAR_STATUS_FILTER
    )
    created_at: datetime = strawberry.field(description="When the row was made.")
    updated_at: datetime = strawberry.field(description="When the row last changed.")


@strawberry.type
class EmployersQuery:
    employer: Employer | None = lookup_by_id(
        IdPrefix.EMPLOYER, "One employer; null where there is none within the viewer's reach."
    )
    employers: Connection[Employer] = to_page(
        store.employers.page, None, "The employers the viewer may see, oldest first."
    )
