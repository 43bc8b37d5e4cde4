"""Persisted queries of a tenant, and the gateway's trusted documents."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from benegraph.db.models import PersistedQuery, TrustedDocument
from benegraph.db.session import ReadSession, Transaction


async def find_persisted_query(read_session: ReadSession, digest: str) -> str | None:
    """Find the text that a client of the tenant sent along with this hash."""
    where = PersistedQuery.tenant_id == read_session.viewer.tenant_id, PersistedQuery.digest == digest
    found: str | None = await read_session.session.scalar(select(PersistedQuery.text).where(*where))
    return found


async def insert_persisted_query(tx: Transaction, digest: str, text: str) -> None:
    row = {"tenant_id": tx.viewer.tenant_id, "digest": digest, "text": text, "created_at": tx.clock.now}
    await tx.session.execute(insert(PersistedQuery).values(row).on_conflict_do_nothing())


async def delete_oldest_persisted_queries(tx: Transaction, most: int) -> None:
    """Delete the tenant's persisted queries but for the latest."""
    ours = PersistedQuery.tenant_id == tx.viewer.tenant_id
    latest = (PersistedQuery.created_at.desc(), PersistedQuery.digest)
    kept = select(PersistedQuery.digest).where(ours).order_by(*latest).limit(most)
    await tx.session.execute(delete(PersistedQuery).where(ours, PersistedQuery.digest.not_in(kept)))


async def find_trusted_document(read_session: ReadSession, id: str | None, digest: str | None) -> str | None:
    """Find a trusted document by its id, or by the hash of its text."""
    named = or_(TrustedDocument.id == id, TrustedDocument.digest == digest)
    found: str | None = await read_session.session.scalar(select(TrustedDocument.text).where(named).limit(1))
    return found


async def upsert_trusted_documents(tx: Transaction, documents: Sequence[tuple[str, str, str]]) -> None:
    """Add trusted documents: id, hash and text of each. Where an id is known, the new text takes its place."""
    ids = [id for id, _, _ in documents]
    await tx.session.execute(delete(TrustedDocument).where(TrustedDocument.id.in_(ids)))
    rows = [{"id": id, "digest": digest, "text": text, "created_at": tx.clock.now} for id, digest, text in documents]
    await tx.session.execute(insert(TrustedDocument), rows)


async def list_trusted_documents(read_session: ReadSession) -> Sequence[Row[tuple[str, datetime, int]]]:
    """List the trusted documents: id, since when, and how long each is."""
    columns = TrustedDocument.id, TrustedDocument.created_at, func.length(TrustedDocument.text).label("length")
    found = await read_session.session.execute(select(*columns).order_by(TrustedDocument.id))
    return found.all()


async def delete_trusted_documents(tx: Transaction, ids: Sequence[str] | None) -> int:
    """Take trusted documents away, all of them where none are named; tell how many there were."""
    which: Any = TrustedDocument.id.in_(ids) if ids is not None else TrustedDocument.id.is_not(None)
    gone = await tx.session.scalars(delete(TrustedDocument).where(which).returning(TrustedDocument.id))
    return len(gone.all())
