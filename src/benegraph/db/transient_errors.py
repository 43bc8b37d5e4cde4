"""Transient errors: those after which a retry of the whole transaction can succeed."""

import asyncpg
from sqlalchemy.exc import DBAPIError

# Serialization failure, deadlock: the server has rolled the transaction back.
_ROLLED_BACK_SQLSTATES = {"40001", "40P01"}
# Server shutting down or starting, too many connections.
_TRANSIENT_SQLSTATES = {"57P01", "57P02", "57P03", "53300"} | _ROLLED_BACK_SQLSTATES


def is_transient(error: BaseException) -> bool:
    """Return whether a retry can succeed after this error: a lost connection, a deadlock, a restart of the server."""
    if isinstance(error, OSError | asyncpg.PostgresConnectionError):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # a bind value of the wrong type fails each time
    if isinstance(error, asyncpg.InternalClientError):
        # The server has announced the end of the session, and the connection is not closed yet.
        return "cannot switch to state" in str(error)
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in _TRANSIENT_SQLSTATES
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or getattr(error.orig, "sqlstate", None) in _TRANSIENT_SQLSTATES
        or "connection is closed" in str(error.orig)
    )


def is_rolled_back(error: BaseException) -> bool:
    """Return whether the server itself has reported that it rolled the transaction back."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _ROLLED_BACK_SQLSTATES


def describe_cause(error: BaseException) -> str:
    """Return an error's SQLSTATE, or the name of its class."""
    cause = getattr(error, "orig", None) or error
    return getattr(cause, "sqlstate", None) or type(cause).__name__
