"""What one request carries: who asks, what time it is, the database, and the loaders that gather its reads."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader

from benegraph.db.session import Database, Reading
from benegraph.db.store.batches import Many, One, OneByParts, Paged, Slice, Window
from benegraph.domain.access import Role, Viewer
from benegraph.domain.values import Clock

# How many batches of one request read at once: a deep query must not take the whole pool.
CONNECTIONS_A_REQUEST = 4
#: Who may read the schema itself, unless a gateway is set up otherwise.
INTROSPECTION = frozenset({Role.ADMINISTRATOR, Role.EMPLOYER, Role.SERVICE})


@dataclass(slots=True)
class Asked:
    """What is known of a request's operation, once it was read: its name, kind, digest of the text, and cost."""

    operation: str | None = None
    kind: str | None = None
    document: str | None = None
    cost: int | None = None


def _free(_cost: int) -> None:
    """Take nothing: the demo's own questions and tests pay nobody."""


@dataclass(eq=False)
class Context:
    """One request's own. A loader lives as long, and forgets what it knew when a mutation has changed the world."""

    database: Database
    viewer: Viewer
    clock: Clock
    request_id: str
    #: Takes an operation's cost from what the viewer's key may spend. Raises Throttled.
    pay: Callable[[int], None] = _free
    introspection: frozenset[Role] = INTROSPECTION
    replayed: bool = False
    asked: Asked = field(default_factory=Asked)
    _loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS_A_REQUEST))

    async def load_row(self, batch: One | OneByParts, key: Any) -> Any:
        """Load the row of a key, together with all others that are asked for now; None where there is none."""
        return await self._loader(batch, batch).load(key)

    async def load_rows(self, batch: One, keys: Sequence[str]) -> list[Any]:
        found: list[Any] = await self._loader(batch, batch).load_many(keys)
        return found

    async def load_list(self, batch: Many, key: str) -> list[Any]:
        return list(await self._loader(batch, batch).load(key))

    async def load_lists(self, batch: Many, keys: Sequence[str]) -> list[list[Any]]:
        found: list[list[Any]] = await self._loader(batch, batch).load_many(keys)
        return found

    async def load_page(self, batch: Paged, key: str, window: Window) -> Slice:
        loader = self._loader((batch, window), lambda reading, keys: batch(reading, keys, window))
        found: Slice = await loader.load(key)
        return found

    async def load_count(self, batch: Paged, key: str, chosen: Any) -> int:
        loader = self._loader(("count", batch, chosen), lambda reading, keys: batch.count(reading, keys, chosen))
        found: int = await loader.load(key)
        return found

    def forget(self) -> None:
        """Forget all that was read: a mutation has changed the world."""
        self._loaders.clear()

    def _loader(self, name: Hashable, batch: Callable[[Reading, Sequence[Any]], Awaitable[dict[Any, Any]]]) -> Any:
        if name not in self._loaders:

            async def load(keys: list[Any]) -> list[Any]:
                async with self._room, self.database.read(self.viewer, self.clock) as reading:
                    found = await batch(reading, keys)
                return [found.get(key) for key in keys]

            self._loaders[name] = _Loader(load_fn=load)
        return self._loaders[name]


class _Loader(DataLoader[Any, Any]):
    """A loader whose rows several fields may wait for: one that is given up cancels none of the others."""

    def load(self, key: Any) -> Any:
        # The executor cancels the siblings of a field that failed, and with them what they wait for.
        return asyncio.shield(super().load(key))


Info = strawberry.Info[Context, None]
