"""Persisted documents: a request may refer to its document by its SHA-256, as Apollo does, or by an ID."""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from benegraph.domain.errors import BadInput, Forbidden, UnknownDocument
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import compute_digest
from benegraph.services import documents

#: How long a text is cached. A document that is no longer trusted stops running within this time.
CACHE_TTL = timedelta(seconds=60)
MAX_CACHED_TEXTS = 1000
MAX_ID_LENGTH = 255
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """A request's reference to its document: the text, its SHA-256 in hexadecimal, or a trusted document's ID."""

    text: str | None = None
    digest: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ResolvedDocument:
    """The text of the document that a request refers to, and whether the operator registered it as trusted."""

    text: str
    trusted: bool = False


@dataclass(slots=True)
class PersistedDocuments:
    """A cache of persisted and trusted texts. With `trusted_only`, only trusted documents are accepted."""

    trusted_only: bool = False
    #: Documents and when they were read. A persisted document's key is its tenant and digest, a trusted one's '' and
    #: its ID or digest.
    _cached: OrderedDict[tuple[str, Any], tuple[ResolvedDocument, datetime]] = field(default_factory=OrderedDict)

    async def find(self, context: Context, source: DocumentSource) -> ResolvedDocument:
        """Find the document that a request refers to.

        Raises UnknownDocument; BadInput if the hash is another text's; Forbidden if the text must be trusted and isn't.
        """
        if source.text is not None:
            if source.digest is not None and compute_digest(source.text) != source.digest:
                raise BadInput("`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`.")
            if not self.trusted_only:
                return ResolvedDocument(source.text)
            document = await self._find_trusted(context, digest=compute_digest(source.text))
            if document is None:
                raise Forbidden("Only trusted documents may be executed; this document is not registered as trusted.")
            return document
        document = await self._find_trusted(context, id=source.id, digest=source.digest)
        if document is None and source.digest is not None and not self.trusted_only:
            document = await self._find_persisted(context, source.digest)
        if document is None:
            raise UnknownDocument("PersistedQueryNotFound")
        return document

    async def persist(self, context: Context, source: DocumentSource) -> None:
        """Persist a valid document's text that was sent with its hash, so that the hash alone suffices next time."""
        if source.text is None or source.digest is None or self.trusted_only:
            return
        key = (context.viewer.tenant_id, source.digest)
        if self._get_cached(context, key) is None:
            await documents.persist(context.database, context.viewer, context.clock, source.digest, source.text)
            self._cache(context, key, ResolvedDocument(source.text))

    async def _find_trusted(
        self, context: Context, *, id: str | None = None, digest: str | None = None
    ) -> ResolvedDocument | None:
        async def load() -> str | None:
            return await documents.find_trusted(context.database, context.viewer, context.clock, id=id, digest=digest)

        return await self._get_or_load(context, ("", id or digest), load, trusted=True)

    async def _find_persisted(self, context: Context, digest: str) -> ResolvedDocument | None:
        async def load() -> str | None:
            return await documents.find_persisted(context.database, context.viewer, context.clock, digest)

        return await self._get_or_load(context, (context.viewer.tenant_id, digest), load)

    async def _get_or_load(
        self,
        context: Context,
        key: tuple[str, Any],
        load: Callable[[], Awaitable[str | None]],
        *,
        trusted: bool = False,
    ) -> ResolvedDocument | None:
        if (cached := self._get_cached(context, key)) is not None:
            return cached
        text = await load()
        if text is None:
            return None
        document = ResolvedDocument(text, trusted)
        self._cache(context, key, document)
        return document

    def _get_cached(self, context: Context, key: tuple[str, Any]) -> ResolvedDocument | None:
        document, read_at = self._cached.get(key, (None, context.clock.now))
        return document if context.clock.now < read_at + CACHE_TTL else None

    def _cache(self, context: Context, key: tuple[str, Any], document: ResolvedDocument) -> None:
        self._cached[key] = document, context.clock.now
        self._cached.move_to_end(key)
        if len(self._cached) > MAX_CACHED_TEXTS:
            self._cached.popitem(last=False)


def parse_document_source(query: object, extensions: object, document_id: object) -> DocumentSource:
    """Read how a request refers to its document, from members of any type. Raises BadInput."""
    if query is not None and not isinstance(query, str):
        raise BadInput("`query` must be a string.")
    if document_id is not None and (not isinstance(document_id, str) or not 0 < len(document_id) <= MAX_ID_LENGTH):
        raise BadInput(f"`documentId` must be a string of 1 to {MAX_ID_LENGTH} characters.")
    if query is not None and document_id is not None:
        raise BadInput("`query` and `documentId` exclude each other; send one of them.")
    digest = _parse_persisted_digest(extensions)
    if query is None and document_id is None and digest is None:
        raise BadInput("The request has no document; send `query`, `documentId` or `extensions.persistedQuery`.")
    return DocumentSource(query, digest, document_id)


def _parse_persisted_digest(extensions: object) -> str | None:
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1:
        raise BadInput("`extensions.persistedQuery` must have `version` 1 and a string `sha256Hash`.")
    if not _SHA256.fullmatch(digest):
        raise BadInput("`extensions.persistedQuery.sha256Hash` must have 64 hexadecimal digits.")
    return digest.lower()
