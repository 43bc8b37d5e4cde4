"""The GraphQL schema: the query and mutation types of all modules combined."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from benegraph.graphql.mutations import Mutation
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


@strawberry.type(
    description="The queries. They return only data that the viewer may see; everything else is treated as nonexistent."
)
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


def build_schema() -> strawberry.Schema:
    """Build the schema with all types, queries and mutations."""
    return strawberry.Schema(query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS))


def print_sdl() -> str:
    """Return the schema in SDL, as in `schema.graphql`: types sorted by name, fields in the order of declaration."""
    return build_schema().as_str() + "\n"
