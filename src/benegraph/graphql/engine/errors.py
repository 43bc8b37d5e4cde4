"""Errors as a client sees them, each with its code; and as the log does, without anybody's data."""

import logging
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from benegraph.domain.errors import BadInput, RequestError

log = logging.getLogger(__name__)

INTERNAL_MESSAGE = "This failed on our side. Our log says why, under this request's id."
TIMEOUT_MESSAGE = "This took too long and was given up."
LONGEST_MESSAGE = 1000  # some of graphql-core's quote the value, however long
_TOO_LONG = {"57014", "55P03"}  # the server's word for a statement's time and a lock's: they are over
_UNSTORABLE = {"22021", "22P05"}  # a NUL, which JSON has and PostgreSQL has not
_FRAMES = 12

Formatted = dict[str, Any]


def refused(errors: Sequence[GraphQLError], code: str) -> list[Formatted]:
    """Format the errors of a phase before execution: their text is about the request alone."""
    return [_formatted(error, error.message, code) for error in errors]


def failed(errors: Sequence[GraphQLError], request_id: str) -> list[Formatted]:
    """Format the errors of an execution; those nobody meant are masked, and logged without values."""
    told: set[str] = set()
    formatted = []
    for error in errors:
        cause = error.original_error or error
        code, message = classify_error(cause)
        if code in {"INTERNAL", "TIMEOUT"}:
            field = error.nodes[0] if error.nodes else None
            note = f"{getattr(getattr(field, 'name', None), 'value', 'a field')}: {describe_error(cause)}"
            if note not in told:  # one fault may stand in every row of a page
                told.add(note)
                log.error("Failed (%s) at %s", code, note, extra={"fields": {"request_id": request_id}})
        formatted.append(_formatted(error, message, code))
    return formatted


def error_body(error: RequestError) -> dict[str, Any]:
    """Make the answer to a request that was refused as a whole."""
    return {"errors": [{"message": str(error), "extensions": {"code": error.code, **error.details}}]}


def classify_error(error: BaseException) -> tuple[str, str]:
    """Give an error's code, and the message a client may read."""
    if isinstance(error, RequestError):
        return error.code, str(error)
    if isinstance(error, StrawberryInputCoercionError) or _is_of_argument(error):
        return BadInput.code, str(getattr(error, "message", error))
    states = {getattr(link, "sqlstate", None) for link in _chain(error)}
    if states & _UNSTORABLE:
        return BadInput.code, "A text holds a character that can't be stored."
    # By name: a pool that has no connection left says so with a class of SQLAlchemy's, unknown on this floor.
    if states & _TOO_LONG or any(type(link).__name__ == "TimeoutError" for link in _chain(error)):
        return "TIMEOUT", TIMEOUT_MESSAGE
    return "INTERNAL", INTERNAL_MESSAGE


def describe_error(error: BaseException) -> str:
    """Tell what an error is and where it arose. Never its text: a database's quotes the row, a parser's the value."""
    kinds = []
    for link in _chain(error):
        state = getattr(link, "sqlstate", None)
        kinds.append(f"{type(link).__module__}.{type(link).__qualname__}{f' [{state}]' if state else ''}")
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}" for frame in frames]
    return f"{' from '.join(kinds)}; {' > '.join(places) or 'nowhere'}"


def _formatted(error: GraphQLError, message: str, code: str) -> Formatted:
    formatted: Formatted = {"message": message[:LONGEST_MESSAGE]}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        formatted["path"] = list(error.path)
    formatted["extensions"] = {"code": code}
    return formatted


def _is_of_argument(error: BaseException) -> bool:
    # graphql-core gives an argument's fault no class of its own. What else it raises while it executes is a fault of
    # ours and may quote a row: "Expected value of type 'Plan' but got: …".
    return isinstance(error, GraphQLError) and error.message.startswith("Argument '")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error, then what it came from, down to the first."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
