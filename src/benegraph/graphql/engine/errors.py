"""Formats errors for clients, with codes, and describes them for the log, without values from requests or rows."""

import logging
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from benegraph.domain.errors import BadInput, RequestError

log = logging.getLogger(__name__)

INTERNAL_MESSAGE = "Internal server error. The server's log has the cause under this request's ID."
TIMEOUT_MESSAGE = "The request exceeded a time limit of the server and was cancelled; retry it later."
#: graphql-core quotes the value in some of its messages, however long it is.
MAX_MESSAGE_LENGTH = 1000
#: SQLSTATEs of a statement that PostgreSQL cancelled because of its statement timeout or its lock timeout.
_TIMEOUT_STATES = {"57014", "55P03"}
#: SQLSTATEs of a character that PostgreSQL cannot store, such as U+0000, which JSON allows.
_UNSTORABLE_STATES = {"22021", "22P05"}
_MAX_FRAMES = 12

FormattedError = dict[str, Any]


def format_request_errors(errors: Sequence[GraphQLError], code: str) -> list[FormattedError]:
    """Format errors found before execution. Their messages are about the request alone, so none is masked."""
    return [_format_error(error, error.message, code) for error in errors]


def format_execution_errors(errors: Sequence[GraphQLError], request_id: str) -> list[FormattedError]:
    """Format the errors of an execution. Unexpected ones are masked, and logged without values."""
    logged: set[str] = set()
    formatted = []
    for error in errors:
        cause = error.original_error or error
        code, message = classify_error(cause)
        if code in {"INTERNAL", "TIMEOUT"}:
            node = error.nodes[0] if error.nodes else None
            entry = f"{getattr(getattr(node, 'name', None), 'value', 'a field')}: {describe_error(cause)}"
            if entry not in logged:  # the same error may occur in every row of a page
                logged.add(entry)
                log.error("Failed (%s) at %s", code, entry, extra={"fields": {"request_id": request_id}})
        formatted.append(_format_error(error, message, code))
    return formatted


def error_body(error: RequestError) -> dict[str, Any]:
    """Return the response to a request that is rejected as a whole."""
    return {"errors": [{"message": str(error), "extensions": {"code": error.code, **error.details}}]}


def classify_error(error: BaseException) -> tuple[str, str]:
    """Return an error's code, and the message that a client may read."""
    if isinstance(error, RequestError):
        return error.code, str(error)
    if isinstance(error, StrawberryInputCoercionError) or _is_argument_error(error):
        return BadInput.code, str(getattr(error, "message", error))
    states = {getattr(link, "sqlstate", None) for link in _cause_chain(error)}
    if states & _UNSTORABLE_STATES:
        return BadInput.code, "A string contains a character that cannot be stored, such as U+0000; remove it."
    # By class name: an exhausted pool raises SQLAlchemy's own TimeoutError, and this layer doesn't import SQLAlchemy.
    if states & _TIMEOUT_STATES or any(type(link).__name__ == "TimeoutError" for link in _cause_chain(error)):
        return "TIMEOUT", TIMEOUT_MESSAGE
    return "INTERNAL", INTERNAL_MESSAGE


def describe_error(error: BaseException) -> str:
    """Describe an error for the log by its types and stack frames.

    Its message is left out: a database's quotes the row, a parser's the value.
    """
    types = []
    for link in _cause_chain(error):
        state = getattr(link, "sqlstate", None)
        types.append(f"{type(link).__module__}.{type(link).__qualname__}{f' [{state}]' if state else ''}")
    stack = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    frames = [f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}" for frame in stack]
    return f"{' from '.join(types)}; {' > '.join(frames) or 'nowhere'}"


def _format_error(error: GraphQLError, message: str, code: str) -> FormattedError:
    formatted: FormattedError = {"message": message[:MAX_MESSAGE_LENGTH]}
    if error.locations:
        formatted["locations"] = [{"line": location.line, "column": location.column} for location in error.locations]
    if error.path is not None:
        formatted["path"] = list(error.path)
    formatted["extensions"] = {"code": code}
    return formatted


def _is_argument_error(error: BaseException) -> bool:
    # graphql-core has no class for an error in an argument, only this message. Every other GraphQLError that it raises
    # during execution is a defect of ours and may quote a row: "Expected value of type 'Plan' but got: …".
    return isinstance(error, GraphQLError) and error.message.startswith("Argument '")


def _cause_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then its causes, down to the first."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
