"""Documents by name: texts that clients persist for their tenant, and those our own people wrote and trust."""

from collections.abc import Mapping

from benegraph.db import store
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Viewer
from benegraph.domain.values import Clock

#: A tenant's persisted queries; where there are more, the oldest go, and their clients send them again.
MAX_PERSISTED_DOCUMENTS = 5000


async def persist(database: Database, viewer: Viewer, clock: Clock, digest: str, text: str) -> None:
    """Keep a text under its SHA-256 in hex, for the viewer's tenant."""

    async def story(tx: Transaction) -> None:
        await store.documents.persist(tx, digest, text)
        if digest.startswith("00"):  # one text in 256 sweeps for all
            await store.documents.forget_oldest(tx, MAX_PERSISTED_DOCUMENTS)

    await database.transact(viewer, clock, story)


async def find_persisted(database: Database, viewer: Viewer, clock: Clock, digest: str) -> str | None:
    """Find the text that a client of the viewer's tenant persisted under this SHA-256."""
    async with database.read(viewer, clock) as reading:
        return await store.documents.persisted(reading, digest)


async def find_trusted(
    database: Database, viewer: Viewer, clock: Clock, *, id: str | None = None, digest: str | None = None
) -> str | None:
    """Find a trusted document by its id, or by the SHA-256 of its text."""
    async with database.read(viewer, clock) as reading:
        return await store.documents.trusted(reading, id, digest)


async def trust(tx: Transaction, texts: Mapping[str, tuple[str, str]], *, instead: bool = False) -> None:
    """Trust documents, SHA-256 and text by their ids; `instead` of all that were trusted before."""
    if instead:
        await store.documents.distrust(tx, None)
    if texts:
        await store.documents.trust(tx, [(id, digest, text) for id, (digest, text) in texts.items()])
