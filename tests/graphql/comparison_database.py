"""The database on which both executors are compared: queries share it, mutations run in copies of it."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from all_types_dataset import AllTypesDataset, make_all_types_dataset
from mutation_calls import Input, create_office_with_inputs
from sqlalchemy import make_url

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.session import Database
from conftest import GATEWAY_ROLE, connect, database_url_of
from factories.keys import KEY_RING
from factories.office import Office


@dataclass(frozen=True)
class ComparisonDatabase:
    """A database that the queries of a test module share. Tests of mutations run in copies of it."""

    runner: asyncio.Runner
    server_url: str
    name: str
    database: Database
    dataset: AllTypesDataset
    office: Office
    #: For each mutation, by its name, an input that succeeds in the office.
    inputs: Mapping[str, Input]

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    @contextmanager
    def copies(self) -> Iterator[tuple[Database, Database]]:
        """Create two copies of the database, and drop them at the end."""
        names = [f"test_{uuid4().hex}" for _ in range(2)]
        options = f"TEMPLATE {self.name} STRATEGY file_copy"
        self.run(self.database.engine.dispose())  # PostgreSQL copies only a database without connections
        self.run(_execute(self.server_url, *(f"CREATE DATABASE {name} {options}" for name in names)))
        first, second = (_open(self.server_url, name) for name in names)
        try:
            yield first, second
        finally:
            for database in (first, second):
                self.run(database.engine.dispose())
            self.run(_execute(self.server_url, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names)))


@contextmanager
def open_comparison_database(server_url: str, template: str) -> Iterator[ComparisonDatabase]:
    """Create a database with rows of every type, and an office in which every mutation has a valid input."""
    name = f"test_{uuid4().hex}"
    with asyncio.Runner() as runner:
        runner.run(_execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
        database = _open(server_url, name)
        dataset = runner.run(make_all_types_dataset(database))
        office, inputs = runner.run(create_office_with_inputs(database))
        yield ComparisonDatabase(runner, server_url, name, database, dataset, office, inputs)
        runner.run(database.engine.dispose())
        runner.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, *statements: str) -> None:
    connection = await connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _open(server_url: str, name: str) -> Database:
    url = make_url(database_url_of(server_url, name)).set(username=GATEWAY_ROLE, password="test")
    return Database(
        create_engine(url.render_as_string(hide_password=False), PoolSettings(size=5, overflow=5)), key_ring=KEY_RING
    )
