"""A GraphQL schema whose fields fail in every possible way, each with a secret that no client and no log may see."""

import asyncio

import strawberry
from graphql import GraphQLError
from sqlalchemy import text
from strawberry.schema.config import StrawberryConfig

from benegraph.domain.errors import ErrorCode, TooComplex, refusal
from benegraph.graphql.context import Info

SECRET = "Sesquipedalia"


@strawberry.type
class Failing:
    """An object each of whose fields fails in another way."""

    @strawberry.field
    def exception(self) -> str:
        raise RuntimeError(f"{SECRET} is broken")

    @strawberry.field
    def wrong_type(self) -> int:
        return SECRET  # type: ignore[return-value]

    @strawberry.field
    def missing(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def graphql_error(self) -> str:
        raise GraphQLError(f"a row of {SECRET}")

    @strawberry.field
    def refused(self) -> str:
        raise refusal(ErrorCode.NOT_FOUND, SECRET)

    @strawberry.field
    def client_error(self) -> str:
        raise TooComplex("Ask for less.")

    @strawberry.field
    def echo(self, text: str) -> str:
        raise RuntimeError(text)

    @strawberry.field
    async def violation(self, info: Info, name: str = SECRET) -> str:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("CREATE TEMPORARY TABLE t (name text PRIMARY KEY)"))
            for _ in range(2):
                await session.execute(text("INSERT INTO t VALUES (:name)"), {"name": name})
        return ""

    @strawberry.field
    async def slow_statement(self, info: Info, name: str = SECRET) -> str:
        async with info.context.database.unscoped_session() as session:
            await session.execute(text("SELECT pg_sleep(5), CAST(:name AS text)"), {"name": name})
        return ""

    @strawberry.field
    async def timeout(self) -> str:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
        return ""

    @strawberry.field
    async def endless(self, text: str) -> str:
        await asyncio.sleep(60)
        return text

    @strawberry.field
    async def failing_task(self, text: str) -> str:
        async def fail() -> None:
            raise RuntimeError(text)

        asyncio.get_running_loop().create_task(fail())
        return ""


@strawberry.type
class Query:
    @strawberry.field
    def failing(self) -> Failing | None:
        return Failing()

    @strawberry.field
    def many(self) -> list[Failing | None]:
        return [Failing()] * 100


FAILING_SCHEMA = strawberry.Schema(Query, config=StrawberryConfig())
