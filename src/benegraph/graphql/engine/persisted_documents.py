"""Persisted documents: the text that a request refers to, sent itself or by its hash (as Apollo does) or an id."""

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

#: How long a text that was found is known without asking again: so soon one that is no longer trusted stops running.
KNOWN_FOR = timedelta(seconds=60)
MOST_KNOWN = 1000
LONGEST_ID = 255
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """How a request names its document: the text, its SHA-256, or a trusted document's id."""

    text: str | None = None
    digest: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document's text, and whether our own people wrote it."""

    text: str
    trusted: bool = False


@dataclass(slots=True)
class PersistedDocuments:
    """The texts found lately. With `trusted_only`, no other is ever taken."""

    trusted_only: bool = False
    _known: OrderedDict[tuple[str, Any], tuple[DocumentText, datetime]] = field(default_factory=OrderedDict)

    async def find(self, context: Context, sent: DocumentSource) -> DocumentText:
        """Find the text a request means.

        Raises UnknownDocument, BadInput for a hash of another text, Forbidden where it is not trusted and must be.
        """
        if sent.text is not None:
            if sent.digest is not None and compute_digest(sent.text) != sent.digest:
                raise BadInput("The hash of the persisted query is not that of its text.")
            if not self.trusted_only:
                return DocumentText(sent.text)
            found = await self._trusted(context, digest=compute_digest(sent.text))
            if found is None:
                raise Forbidden("Only trusted documents run here.")
            return found
        found = await self._trusted(context, id=sent.id, digest=sent.digest)
        if found is None and sent.digest is not None and not self.trusted_only:
            found = await self._persisted(context, sent.digest)
        if found is None:
            raise UnknownDocument("PersistedQueryNotFound")
        return found

    async def persist(self, context: Context, sent: DocumentSource) -> None:
        """Keep a text that came with its hash, once it was found to be good."""
        if sent.text is None or sent.digest is None or self.trusted_only:
            return
        name = (context.viewer.tenant_id, sent.digest)
        if self._lately(context, name) is None:
            await documents.persist(context.database, context.viewer, context.clock, sent.digest, sent.text)
            self._remember(context, name, DocumentText(sent.text))

    async def _trusted(
        self, context: Context, *, id: str | None = None, digest: str | None = None
    ) -> DocumentText | None:
        async def look() -> str | None:
            return await documents.find_trusted(context.database, context.viewer, context.clock, id=id, digest=digest)

        return await self._look_up(context, ("", id or digest), look, trusted=True)

    async def _persisted(self, context: Context, digest: str) -> DocumentText | None:
        async def look() -> str | None:
            return await documents.find_persisted(context.database, context.viewer, context.clock, digest)

        return await self._look_up(context, (context.viewer.tenant_id, digest), look)

    async def _look_up(
        self,
        context: Context,
        name: tuple[str, Any],
        look: Callable[[], Awaitable[str | None]],
        *,
        trusted: bool = False,
    ) -> DocumentText | None:
        if (known := self._lately(context, name)) is not None:
            return known
        found = await look()
        if found is None:
            return None
        text = DocumentText(found, trusted)
        self._remember(context, name, text)
        return text

    def _lately(self, context: Context, name: tuple[str, Any]) -> DocumentText | None:
        text, since = self._known.get(name, (None, context.clock.now))
        return text if context.clock.now < since + KNOWN_FOR else None

    def _remember(self, context: Context, name: tuple[str, Any], text: DocumentText) -> None:
        self._known[name] = text, context.clock.now
        self._known.move_to_end(name)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


def parse_document_source(query: object, extensions: object, document_id: object) -> DocumentSource:
    """Read how a request names its document, out of members that may hold anything. Raises BadInput."""
    if query is not None and not isinstance(query, str):
        raise BadInput("`query` is the text of a document.")
    if document_id is not None and (not isinstance(document_id, str) or not 0 < len(document_id) <= LONGEST_ID):
        raise BadInput("`documentId` is a text, as the manifest has it.")
    if query is not None and document_id is not None:
        raise BadInput("`query` and `documentId` are two documents: send one.")
    digest = _persisted_digest(extensions)
    if query is None and document_id is None and digest is None:
        raise BadInput("`query` is the text of a document, and needed unless a persisted one is named.")
    return DocumentSource(query, digest, document_id)


def _persisted_digest(extensions: object) -> str | None:
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1:
        raise BadInput("`persistedQuery` holds version 1 and a sha256Hash.")
    if not _SHA256.fullmatch(digest):
        raise BadInput("`sha256Hash` is 64 hexadecimal digits.")
    return digest.lower()
