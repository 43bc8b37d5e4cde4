"""The data that logs, metrics and traces record about a request. None of it is personal."""

from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from benegraph.graphql.context import OperationInfo

_MAX_NAME_LENGTH = 64


@dataclass(slots=True, kw_only=True)
class RequestInfo(OperationInfo):
    """The identifiers and results of one request, filled in while it is executed.

    It never contains variables, query text or names of people.
    """

    request_id: str
    #: The ID of the viewer's API key, or a pseudonym of the token's subject.
    key_id: str | None = None
    tenant: str | None = None
    #: The code of the first entry in `errors`.
    code: str | None = None
    replayed: bool = False
    #: The hexadecimal ID of the trace that this request belongs to. None if requests are not traced.
    trace_id: str | None = None
    #: Whether the trace is exported.
    is_sampled: bool = False


class DocumentInfo(Protocol):
    """The counters of a document cache and its executors, since the process started."""

    #: Documents found in the cache, and documents parsed.
    hits: int
    misses: int
    #: Operations executed by compiled plans, and operations left to Strawberry's executor, by reason.
    plan_executions: int
    plan_fallbacks: Counter[str]


#: The request that is being executed. Every log line of the request includes its IDs.
current_request: ContextVar[RequestInfo | None] = ContextVar("request_info", default=None)


def short_operation_name(request_info: RequestInfo) -> str | None:
    """Return the first characters of the operation's name; None if it has no name."""
    return (request_info.operation_name or "")[:_MAX_NAME_LENGTH] or None
