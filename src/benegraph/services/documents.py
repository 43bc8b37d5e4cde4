"""GraphQL documents in the database: persisted queries of a tenant's clients, and trusted documents."""

from collections.abc import Mapping

from benegraph.db import store
from benegraph.db.session import Database, Transaction
from benegraph.domain.access import Viewer
from benegraph.domain.values import Clock

#: The most persisted queries that a tenant keeps. The oldest are deleted first; their clients send them again.
MAX_PERSISTED_DOCUMENTS = 5000


async def persist(database: Database, viewer: Viewer, clock: Clock, digest: str, text: str) -> None:
    """Store a document for the viewer's tenant, under the SHA-256 of its text in hex."""

    async def store_document(tx: Transaction) -> None:
        await store.documents.insert_persisted_query(tx, digest, text)
        if digest.startswith("00"):  # about one call in 256 deletes the surplus
            await store.documents.delete_oldest_persisted_queries(tx, MAX_PERSISTED_DOCUMENTS)

    await database.transact(viewer, clock, store_document)


async def find_persisted(database: Database, viewer: Viewer, clock: Clock, digest: str) -> str | None:
    """Return the document that the viewer's tenant persisted under this SHA-256, or None."""
    async with database.read(viewer, clock) as read_session:
        return await store.documents.find_persisted_query(read_session, digest)


async def find_trusted(
    database: Database, viewer: Viewer, clock: Clock, *, id: str | None = None, digest: str | None = None
) -> str | None:
    """Return a trusted document by its ID or by the SHA-256 of its text, or None."""
    async with database.read(viewer, clock) as read_session:
        return await store.documents.find_trusted_document(read_session, id, digest)


async def trust(tx: Transaction, documents: Mapping[str, tuple[str, str]], *, replace: bool = False) -> None:
    """Add trusted documents, given as (SHA-256, text) by ID. With `replace`, they replace all that were trusted."""
    if replace:
        await store.documents.delete_trusted_documents(tx, None)
    if documents:
        await store.documents.upsert_trusted_documents(
            tx, [(id, digest, text) for id, (digest, text) in documents.items()]
        )
