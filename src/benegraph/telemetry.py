"""Logs: one line a record on standard error, and no exception's text, which may quote a row or an input."""

import asyncio
import logging
from types import TracebackType
from typing import Any, TextIO

from benegraph.graphql.errors import describe

log = logging.getLogger(__name__)


class _Formatter(logging.Formatter):
    def formatException(  # noqa: N802 - logging's own name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return "nothing" if ei[1] is None else describe(ei[1])


def make_handler() -> logging.StreamHandler[TextIO]:
    """Make a handler that keeps values out of what it writes."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler


def configure(level: str) -> None:
    """Send all logs of this process through one such handler, also those of libraries."""
    logging.basicConfig(level=level, handlers=[make_handler()], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # each start would tell of every revision there is


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Keep values out of what the loop says of tasks that failed unseen: it would show their exceptions."""

    def tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.error("A task failed unseen: %s", "no exception" if error is None else describe(error))

    loop.set_exception_handler(tell)
