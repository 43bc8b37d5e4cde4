"""The GraphQL schema: the query and mutation types of all modules combined."""

from typing import Any

import strawberry
from graphql import GraphQLInputObjectType
from graphql.utilities.print_schema import print_schema_definition
from strawberry.schema.config import StrawberryConfig

from benegraph.graphql.mutations import Mutation
from benegraph.graphql.types.access import AccessQuery
from benegraph.graphql.types.billing import BillingQuery
from benegraph.graphql.types.catalog import CatalogQuery
from benegraph.graphql.types.coverage import CoverageQuery
from benegraph.graphql.types.employers import EmployersQuery
from benegraph.graphql.types.enrollments import EnrollmentsQuery
from benegraph.graphql.types.events import EventsQuery
from benegraph.graphql.types.keys import KeysQuery
from benegraph.graphql.types.node import NodeQuery
from benegraph.graphql.types.overrides import OverridesQuery
from benegraph.graphql.types.paging import MAX_PAGE_SIZE
from benegraph.graphql.types.people import PeopleQuery
from benegraph.graphql.types.plan_years import PlanYearsQuery
from benegraph.graphql.types.protected_fields import track_protected_fields
from benegraph.graphql.types.scalars import SCALARS
from benegraph.graphql.types.worklist import WorklistQuery

DESCRIPTION = f"""\
Benefits enrollment. Employers offer benefit products for a plan year, employees enroll in plans or waive them, and \
the carrier gets the resulting coverage.

Start at `viewer`: it returns the caller's role, and the employer and the employee that the caller's access is limited \
to. An employee's `enrollments` with the status PENDING are the ones to answer, their `eligiblePlans` are the plans to \
choose from, and the mutation `elect` answers them. Administrators start at `employers`. `node` returns any object by \
its ID.

A mutation reports the rules that its input violates in `userErrors`, and has then changed nothing. Every other error \
is in the response's `errors`, with a code in `extensions.code`.

A page has at most {MAX_PAGE_SIZE} items. The cost of an operation, which is limited, is in the response's \
`extensions.cost`."""


@strawberry.type(
    description="The queries: they return only data that the viewer may see; everything else is treated as nonexistent."
)
class Query(
    NodeQuery,
    AccessQuery,
    EmployersQuery,
    PeopleQuery,
    EnrollmentsQuery,
    OverridesQuery,
    PlanYearsQuery,
    CatalogQuery,
    CoverageQuery,
    BillingQuery,
    EventsQuery,
    WorklistQuery,
    KeysQuery,
):
    pass


class DescribedSchema(strawberry.Schema):
    """A schema with a description, which Strawberry neither takes as an argument nor prints.

    Its `@oneOf` inputs are checked by graphql-core, whose messages name the position of an invalid value.
    """

    def __init__(self, *args: Any, description: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._schema.description = description
        for type_ in self._schema.type_map.values():
            if isinstance(type_, GraphQLInputObjectType):
                type_.is_one_of = type_.extensions["strawberry-definition"].is_one_of

    def as_str(self) -> str:
        # Strawberry prints the definition of @oneOf. A schema omits those of the specification's own directives.
        types = super().as_str().removeprefix("directive @oneOf on INPUT_OBJECT\n\n")
        return f"{print_schema_definition(self._schema)}\n\n{types}"

    __str__ = as_str


def build_schema() -> strawberry.Schema:
    """Build the schema with all types, queries and mutations."""
    schema = DescribedSchema(
        query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS), description=DESCRIPTION
    )
    track_protected_fields(schema._schema)  # noqa: SLF001 - as in DocumentCache
    return schema


def print_sdl() -> str:
    """Return the schema in SDL, as in `schema.graphql`: types sorted by name, fields in the order of declaration."""
    return build_schema().as_str() + "\n"
