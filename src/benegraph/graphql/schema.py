"""The schema: joins the rooms."""

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from benegraph.graphql.employers import EmployersQuery
from benegraph.graphql.scalars import SCALARS


def build_schema() -> strawberry.Schema:
    query = merge_types("Query", (EmployersQuery,))
    return strawberry.Schema(query=query, config=StrawberryConfig(scalar_map=SCALARS))
