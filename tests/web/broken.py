"""A graph that fails in every way there is, each with a secret that nobody may be told."""

import asyncio

import strawberry
from graphql import GraphQLError
from sqlalchemy import text
from strawberry.schema.config import StrawberryConfig

from benegraph.domain.errors import ErrorCode, TooComplex, refusal
from benegraph.graphql.context import Info

SECRET = "Sesquipedalia"


@strawberry.type
class Broken:
    """Fails in every way there is."""

    @strawberry.field
    def fault(self) -> str:
        raise RuntimeError(f"{SECRET} is broken")

    @strawberry.field
    def wrong(self) -> int:
        return SECRET  # type: ignore[return-value]

    @strawberry.field
    def missing(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def quoting(self) -> str:
        raise GraphQLError(f"a row of {SECRET}")

    @strawberry.field
    def refused(self) -> str:
        raise refusal(ErrorCode.NOT_FOUND, SECRET)

    @strawberry.field
    def meant(self) -> str:
        raise TooComplex("Ask for less.")

    @strawberry.field
    def repeating(self, text: str) -> str:
        raise RuntimeError(text)

    @strawberry.field
    async def violated(self, info: Info, name: str = SECRET) -> str:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("CREATE TEMPORARY TABLE t (name text PRIMARY KEY)"))
            for _ in range(2):
                await session.execute(text("INSERT INTO t VALUES (:name)"), {"name": name})
        return ""

    @strawberry.field
    async def slow(self, info: Info, name: str = SECRET) -> str:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("SELECT pg_sleep(5), CAST(:name AS text)"), {"name": name})
        return ""

    @strawberry.field
    async def late(self) -> str:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
        return ""

    @strawberry.field
    async def endless(self, text: str) -> str:
        await asyncio.sleep(60)
        return text

    @strawberry.field
    async def unseen(self, text: str) -> str:
        async def fail() -> None:
            raise RuntimeError(text)

        asyncio.get_running_loop().create_task(fail())
        return ""


@strawberry.type
class Query:
    @strawberry.field
    def broken(self) -> Broken | None:
        return Broken()

    @strawberry.field
    def many(self) -> list[Broken | None]:
        return [Broken()] * 100


GRAPH = strawberry.Schema(Query, config=StrawberryConfig())
