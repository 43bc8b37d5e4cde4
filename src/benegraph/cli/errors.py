"""How a command ends: in one line where it fails, whatever failed."""

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

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End the command with one line on standard error."""
    typer.echo(f"benegraph: {message}", err=True)
    raise typer.Exit(code)


def in_one_line(command: Callable[P, T]) -> Callable[P, T]:
    """Say in one line what made a command fail; a traceback is for faults of ours alone."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (BenegraphError, EmbeddedError) as error:
            fail(str(error))
        except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            cause = getattr(error, "orig", None) or error
            said = str(cause.__cause__ or cause).splitlines() or [""]  # what follows the first line quotes rows
            fail(f"The database refuses: {said[0]}")
        except OSError as error:
            fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(INTERRUPTED) from None

    return wrapped


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where there is one."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(story)
