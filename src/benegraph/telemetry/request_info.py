"""What is known of a request while it is answered: what logs, metrics and traces tell of it, and nothing personal."""

import re
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from benegraph.graphql.context import OperationInfo

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST_NAME = 64


@dataclass(slots=True, kw_only=True)
class RequestInfo(OperationInfo):
    """One request's own, filled in as it goes. No variables, no text of a query, no name of a person."""

    request_id: str
    #: The id of the viewer's key, or what stands for the subject of a token.
    key_id: str | None = None
    tenant: str | None = None
    #: The code of the first error, of those that stand under `errors`.
    code: str | None = None
    replayed: bool = False
    #: The trace that this request is a part of, in hex, where it is traced.
    trace_id: str | None = None


class DocumentInfo(Protocol):
    """What a store of documents tells of itself, each number since its start."""

    #: How many it knew from before, and how many it had to read.
    hits: int
    misses: int
    #: How many operations plans answered, and how many were left to the other executor, by the reason.
    plan_executions: int
    fallbacks: Counter[str]


#: The facts of the request that is answered now, so that any line of the log can carry them.
current: ContextVar[RequestInfo | None] = ContextVar("facts", default=None)


def operation_name_of(facts: RequestInfo) -> str | None:
    """Give the operation's name as it may be told: it is the client's word, so only what GraphQL takes for a name."""
    name = (facts.operation_name or "")[:_LONGEST_NAME]
    return name if _NAME.fullmatch(name) else None


def digest_of(facts: RequestInfo) -> str | None:
    """Give the document's hash, if that is what it is: a client may name a document by any text."""
    return facts.document_digest if _DIGEST.fullmatch(facts.document_digest or "") else None
