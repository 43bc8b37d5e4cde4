"""The schema: joins the rooms."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from benegraph.graphql.mutations import MUTATIONS
from benegraph.graphql.types.access import AccessQuery
from benegraph.graphql.types.billing import BillingQuery
from benegraph.graphql.types.catalog import CatalogQuery
from benegraph.graphql.types.coverage import CoverageQuery
from benegraph.graphql.types.employers import EmployersQuery
from benegraph.graphql.types.enrollments import EnrollmentsQuery
from benegraph.graphql.types.node import NodeQuery
from benegraph.graphql.types.people import PeopleQuery
from benegraph.graphql.types.plan_years import PlanYearsQuery
from benegraph.graphql.types.scalars import SCALARS


@strawberry.type(description="What can be read: everything within the viewer's reach, and nothing beyond.")
class Query(
    NodeQuery,
    AccessQuery,
    EmployersQuery,
    PeopleQuery,
    EnrollmentsQuery,
    PlanYearsQuery,
    CatalogQuery,
    CoverageQuery,
    BillingQuery,
):
    pass


@strawberry.type(description="What can be done: each in one transaction of its own, refusals told as `userErrors`.")
class Mutation(*MUTATIONS):  # type: ignore[misc] # mypy follows no unpacked bases
    pass


def build_schema() -> strawberry.Schema:
    """Build the whole graph."""
    return strawberry.Schema(query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS))


def print_sdl() -> str:
    """Print the schema as it stands in `schema.graphql`: types by name, fields as they were declared."""
    return build_schema().as_str() + "\n"
