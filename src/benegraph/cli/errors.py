"""Errors of commands: each failure is reported in a short message on standard error, with an exit code."""

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, ParamSpec, TypeVar

import asyncpg
import typer
from sqlalchemy.exc import DBAPIError

from benegraph.db.embedded import EmbeddedError
from benegraph.domain.errors import BenegraphError

P = ParamSpec("P")
T = TypeVar("T")

# Exit codes.
FAILED = 1
USAGE_ERROR = 2
INTERRUPTED = 130


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End the command with a short message on standard error."""
    typer.echo(f"benegraph: {message}", err=True)
    raise typer.Exit(code)


def report_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Report a command's expected errors in a short message. Other errors are defects, and keep their traceback."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (BenegraphError, EmbeddedError) as error:
            fail(str(error))
        except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            cause = getattr(error, "orig", None) or error
            lines = str(cause.__cause__ or cause).splitlines() or [""]
            fail(f"Database error: {lines[0]}")  # further lines may quote rows
        except OSError as error:
            fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(INTERRUPTED) from None

    return wrapper


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of its own, on uvloop where the platform supports it."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coroutine)
