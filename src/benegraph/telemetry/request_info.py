"""The data that logs, metrics and traces record about a request. None of it is personal."""

import re
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from benegraph.graphql.context import OperationInfo

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_NAME_LENGTH = 64


@dataclass(slots=True, kw_only=True)
class RequestInfo(OperationInfo):
    """The identifiers and results of one request, filled in while it is executed.

    It never contains variables, query text or names of people.
    """

    request_id: str
    #: The id of the viewer's key, or a pseudonym of the subject of a token.
    key_id: str | None = None
    tenant: str | None = None
    #: The code of the first entry in `errors`.
    code: str | None = None
    replayed: bool = False
    #: The hexadecimal id of the trace that this request belongs to. None where requests are not traced.
    trace_id: str | None = None


class DocumentInfo(Protocol):
    """The counters of a document cache and its executors, since the process started."""

    #: Documents found in the cache, and documents parsed.
    hits: int
    misses: int
    #: Operations executed by compiled plans, and operations left to Strawberry's executor, by reason.
    plan_executions: int
    fallbacks: Counter[str]


#: The request that is being executed. Every log line of the request includes its ids.
current_request: ContextVar[RequestInfo | None] = ContextVar("request_info", default=None)


def safe_operation_name(request_info: RequestInfo) -> str | None:
    """Return the operation's name. None where it is not a valid GraphQL name: a client may send any text."""
    name = (request_info.operation_name or "")[:_MAX_NAME_LENGTH]
    return name if _NAME.fullmatch(name) else None


def safe_document_hash(request_info: RequestInfo) -> str | None:
    """Return the document's SHA-256. None where it is not a hash: a client may send any text."""
    return request_info.document_digest if _SHA256.fullmatch(request_info.document_digest or "") else None
