"""Persisted queries of a tenant, and the trusted documents of the gateway."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from benegraph.db.models import PersistedQuery, TrustedDocument
from benegraph.db.session import ReadSession, Transaction


async def find_persisted_query(read_session: ReadSession, digest: str) -> str | None:
    """Return the text that a client of the tenant registered with this hash, or None."""
    where = PersistedQuery.tenant_id == read_session.viewer.tenant_id, PersistedQuery.digest == digest
    text: str | None = await read_session.session.scalar(select(PersistedQuery.text).where(*where))
    return text


async def insert_persisted_query(tx: Transaction, digest: str, text: str) -> None:
    row = {"tenant_id": tx.viewer.tenant_id, "digest": digest, "text": text, "created_at": tx.clock.now}
    await tx.session.execute(insert(PersistedQuery).values(row).on_conflict_do_nothing())


async def delete_oldest_persisted_queries(tx: Transaction, max_count: int) -> None:
    """Delete the tenant's persisted queries except the latest `max_count`."""
    is_own = PersistedQuery.tenant_id == tx.viewer.tenant_id
    latest = (PersistedQuery.created_at.desc(), PersistedQuery.digest)
    kept = select(PersistedQuery.digest).where(is_own).order_by(*latest).limit(max_count)
    await tx.session.execute(delete(PersistedQuery).where(is_own, PersistedQuery.digest.not_in(kept)))


async def find_trusted_document(read_session: ReadSession, id: str | None, digest: str | None) -> str | None:
    """Return the text of a trusted document by its ID or by the hash of its text, or None."""
    is_match = or_(TrustedDocument.id == id, TrustedDocument.digest == digest)
    text: str | None = await read_session.session.scalar(select(TrustedDocument.text).where(is_match).limit(1))
    return text


async def upsert_trusted_documents(tx: Transaction, documents: Sequence[tuple[str, str, str]]) -> None:
    """Add trusted documents, each with ID, hash and text. An existing document with the same ID is replaced."""
    ids = [id for id, _, _ in documents]
    await tx.session.execute(delete(TrustedDocument).where(TrustedDocument.id.in_(ids)))
    rows = [{"id": id, "digest": digest, "text": text, "created_at": tx.clock.now} for id, digest, text in documents]
    await tx.session.execute(insert(TrustedDocument), rows)


async def list_trusted_documents(read_session: ReadSession) -> Sequence[Row[tuple[str, datetime, int]]]:
    """List the trusted documents: ID, instant of creation, and length of the text."""
    columns = TrustedDocument.id, TrustedDocument.created_at, func.length(TrustedDocument.text).label("length")
    result = await read_session.session.execute(select(*columns).order_by(TrustedDocument.id))
    return result.all()


async def delete_trusted_documents(tx: Transaction, ids: Sequence[str] | None) -> int:
    """Delete trusted documents, all of them if `ids` is None; return the number of deleted documents."""
    condition: Any = TrustedDocument.id.in_(ids) if ids is not None else TrustedDocument.id.is_not(None)
    deleted_ids = await tx.session.scalars(delete(TrustedDocument).where(condition).returning(TrustedDocument.id))
    return len(deleted_ids.all())
