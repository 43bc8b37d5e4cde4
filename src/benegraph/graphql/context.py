"""The context of one request: its viewer, its clock, the database, and the loaders that batch its reads."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader

from benegraph.db.session import Database, ReadSession
from benegraph.db.store.row_queries import ManyByKey, OneByCompositeKey, OneByKey, PagedRows, PageRows, PageWindow
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock

#: How many batches of one request may read at the same time. A deep query must not use up the connection pool.
MAX_CONCURRENT_READS = 4
#: The roles that may introspect the schema, unless the gateway is configured otherwise.
INTROSPECTION_ROLES = frozenset({Role.ADMINISTRATOR, Role.EMPLOYER, Role.SERVICE})


@dataclass(slots=True)
class OperationInfo:
    """Facts about a request's operation, filled in as the request is parsed and validated."""

    operation_name: str | None = None
    #: `query` or `mutation`.
    operation_type: str | None = None
    #: SHA-256 of the document's text, in hexadecimal.
    document_digest: str | None = None
    cost: int | None = None
    #: The schema coordinates of the deprecated elements that the document uses.
    deprecated: tuple[str, ...] = ()


def _charge_nothing(_cost: int) -> None:
    """Accept any cost: the demo's own queries and the tests have no rate limit."""


@dataclass(eq=False)
class Context:
    """The context of one request. Its loaders cache rows until a mutation clears them."""

    database: Database
    viewer: Viewer
    clock: Clock
    request_id: str
    #: Counts an operation's cost toward the viewer's rate limit. Raises Throttled.
    charge: Callable[[int], None] = _charge_nothing
    introspection_roles: frozenset[Role] = INTROSPECTION_ROLES
    #: Whether a mutation of this request was answered from an earlier call with the same idempotency key.
    replayed: bool = False
    operation_info: OperationInfo = field(default_factory=OperationInfo)
    #: Called before the response is built if protected columns were read. None where such reads are not recorded.
    on_accesses: Callable[["Context"], Awaitable[None]] | None = None
    #: The protected columns that were read, by the ID of the employee.
    accesses: dict[str, set[str]] = field(default_factory=dict)
    _loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)
    _read_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_READS))

    @property
    def may_introspect(self) -> bool:
        """Whether the viewer may read the schema, and so the names in it that error messages suggest."""
        return self.viewer.role in self.introspection_roles

    @property
    def tracks_accesses(self) -> bool:
        """Whether reads of protected columns are recorded. Reads of the own data by an employee are not."""
        return self.on_accesses is not None and self.viewer.role is not Role.EMPLOYEE

    def track_access(self, employee_id: str, columns: Iterable[str]) -> None:
        """Note a read of protected columns of an employee or of the employee's dependent."""
        self.accesses.setdefault(employee_id, set()).update(columns)

    async def load_row(self, batch: OneByKey | OneByCompositeKey, key: Any) -> Any:
        """Load the row of a key, in one batch with the other keys requested meanwhile; None if there is no such row."""
        return await self._loader(batch, batch).load(key)

    async def load_rows(self, batch: OneByKey, keys: Sequence[str]) -> list[Any]:
        """Load the row of each key; None for a key without a row."""
        rows: list[Any] = await self._loader(batch, batch).load_many(keys)
        return rows

    async def load_list(self, batch: ManyByKey, key: str) -> list[Any]:
        """Load all rows of a parent's key."""
        return list(await self._loader(batch, batch).load(key))

    async def load_lists(self, batch: ManyByKey, keys: Sequence[str]) -> list[list[Any]]:
        """Load all rows of each parent's key."""
        rows: list[list[Any]] = await self._loader(batch, batch).load_many(keys)
        return rows

    async def load_page(self, batch: PagedRows, key: str, window: PageWindow) -> PageRows:
        loader = self._loader((batch, window), lambda read_session, keys: batch(read_session, keys, window))
        page: PageRows = await loader.load(key)
        return page

    async def load_count(self, batch: PagedRows, key: str, filter: Any) -> int:
        """Count the rows of a parent's key that match the filter, over all pages."""
        loader = self._loader(
            ("count", batch, filter), lambda read_session, keys: batch.count(read_session, keys, filter)
        )
        count: int = await loader.load(key)
        return count

    def clear_loaders(self) -> None:
        """Forget every row read so far, because a mutation has changed the data."""
        self._loaders.clear()

    def _loader(self, name: Hashable, batch: Callable[[ReadSession, Sequence[Any]], Awaitable[dict[Any, Any]]]) -> Any:
        if name not in self._loaders:

            async def load(keys: list[Any]) -> list[Any]:
                async with self._read_slots, self.database.read(self.viewer, self.clock) as read_session:
                    rows = await batch(read_session, keys)
                return [rows.get(key) for key in keys]

            self._loaders[name] = _ShieldedLoader(load_fn=load)
        return self._loaders[name]


class _ShieldedLoader(DataLoader[Any, Any]):
    """A loader that continues its batch when one of the waiting fields is cancelled."""

    def load(self, key: Any) -> Any:
        # When a field fails, the executor cancels the fields beside it and their loads. Others may await the same row.
        return asyncio.shield(super().load(key))


Info = strawberry.Info[Context, None]
