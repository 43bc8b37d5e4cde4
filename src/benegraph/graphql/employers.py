"""Employers in the graph."""

from datetime import datetime
from typing import Annotated

import strawberry

from benegraph.db import store
from benegraph.graphql.edges import paged
from benegraph.graphql.node import Node
from benegraph.graphql.paging import Connection


@strawberry.type(description="A company whose people enroll. Its time zone decides what day it is for them.")
class Employer(Node):
    name: str = strawberry.field(description="The company's name.")
    time_zone: str = strawberry.field(description="The IANA time zone by whose days windows open and close.")
    active: bool = strawberry.field(description="Whether the employer still uses the gateway.")
    version: int = strawberry.field(description="Counts the changes: pass it as `expectedVersion`.")
    created_at: datetime = strawberry.field(description="When the row was made.")
    updated_at: datetime = strawberry.field(description="When the row last changed.")


@strawberry.type
class EmployersQuery:
    employers: Connection[Employer] = paged(
        store.employers.page, None, "The employers the viewer may see, oldest first."
    )
