"""Logs: one line a record on standard error, and no value of a request or a row in any of them.

Our own messages are written as they are. A library's is written without what was put into it, since that may quote a
body, a header or a row; and of an exception, whoever logs it, only what it is and where it arose.
"""

import asyncio
import json
import logging
import sys
import threading
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from benegraph.graphql.engine.errors import describe_error
from benegraph.telemetry.request_info import RequestInfo, current, digest_of, operation_name_of

log = logging.getLogger(__name__)

JSON = "json"
TEXT = "text"
_OURS = {"benegraph", "aiohttp.access"}  # the second is aiohttp's name for what `web.middleware.AccessLog` writes
_UNTOLD = "…"
_BLANK = vars(logging.LogRecord("", logging.INFO, "", 0, "", (), None))
#: What the access log's message says already, to a reader of text.
_SAID = {"method", "path", "status", "ms"}


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        members = _members(record)
        try:
            return orjson.dumps(members).decode("ascii")
        except (TypeError, UnicodeDecodeError):  # else escaped, so that no text is too odd to be written
            return json.dumps(members)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        members = _members(record)
        at, level, logger, message = (members.pop(name) for name in ("at", "level", "logger", "message"))
        told = "".join(f" {name}={_word(value)}" for name, value in members.items() if name not in _SAID)
        return f"{at} {level} {logger}: {_in_one_line(message)}{told}"


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Say that a record could not be written. What logging itself would print are its arguments."""
        error = sys.exception()
        lost = logging.makeLogRecord(
            {
                "name": __name__,
                "levelno": logging.ERROR,
                "levelname": "ERROR",
                "msg": (
                    f"A record of {record.name} can't be written: {describe_error(error) if error else 'no exception'}"
                ),
            }
        )
        try:
            self.stream.write(self.format(lost) + self.terminator)
        except (OSError, ValueError):  # nobody reads us any more
            return


def create_log_handler(form: str | None = None, stream: TextIO | None = None) -> logging.StreamHandler[TextIO]:
    """Make a handler that keeps values out of what it writes; `form` is json, text, or what suits the stream."""
    handler = _Handler(stream)
    form = form or (TEXT if handler.stream.isatty() else JSON)
    handler.setFormatter(_JsonFormatter() if form == JSON else _TextFormatter())
    return handler


def configure_logging(level: str, form: str | None = None) -> None:
    """Send all that this process has to say through one such handler, also what libraries and Python itself say."""
    logging.basicConfig(level=level, handlers=[create_log_handler(form)], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # each start would tell of every revision there is
    # Statements without their values help; the rows they bring, one record each, would drown everything.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO if level == "DEBUG" else logging.WARNING)
    # What no line of ours tells is not looked up for each, as logging's own documentation advises.
    logging._srcfile = None  # noqa: SLF001 - as said there; it has no other name
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    warnings.showwarning = _tell_warning
    threading.excepthook = _tell_thread
    sys.unraisablehook = _tell_unraisable


def told(
    logger: str, message: str, fields: Mapping[str, Any], facts: RequestInfo | None, at: float
) -> logging.LogRecord:
    """Make a record of what is told of each request, in a third of the time that logging itself takes to make one."""
    record = logging.LogRecord.__new__(logging.LogRecord)
    record.__dict__.update(
        _BLANK, name=logger, msg=message, args=fields, created=at, msecs=at % 1 * 1000, fields=fields, facts=facts
    )
    return record


def log_task_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Keep values out of what the loop says of tasks that failed unseen: it would show their exceptions."""

    def tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.error("A task failed unseen: %s", "no exception" if error is None else describe_error(error))

    loop.set_exception_handler(tell)


def _members(record: logging.LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    members: dict[str, Any] = {
        "at": at.replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": _message(record),
    }
    facts = getattr(record, "facts", None) or current.get()
    if facts is not None:
        members |= {
            "request_id": facts.request_id,
            "key_id": facts.key_id,
            "tenant": facts.tenant,
            "operation": operation_name_of(facts),
            "document": digest_of(facts),
            "trace_id": facts.trace_id,
        }
    if _is_ours(record):
        members |= getattr(record, "fields", {})
    if record.exc_info and record.exc_info[1] is not None:
        members["error"] = describe_error(record.exc_info[1])
    return {name: value for name, value in members.items() if value is not None}


def _message(record: logging.LogRecord) -> str:
    if isinstance(record.msg, BaseException):
        return describe_error(record.msg)
    if not _is_ours(record) and record.args:
        args: Any = record.args
        if isinstance(args, Mapping):
            return str(record.msg) % {name: _untold(value) for name, value in args.items()}
        return str(record.msg) % tuple(_untold(value) for value in args)
    return record.getMessage()


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name in _OURS or record.name.startswith("benegraph.")


def _untold(value: object) -> int | float | str:
    return value if isinstance(value, int | float) else _UNTOLD


def _word(value: object) -> str:
    word = str(value)
    return word if word.isprintable() and " " not in word and '"' not in word else json.dumps(word)


def _in_one_line(message: str) -> str:
    return message if message.isprintable() else json.dumps(message)[1:-1]


def _tell_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    del message  # it may quote what it warns of
    log.warning("Python warns: %s at %s:%d", category.__name__, "/".join(filename.split("/")[-3:]), lineno)


def _tell_thread(args: threading.ExceptHookArgs) -> None:
    log.error("A thread failed: %s", "no exception" if args.exc_value is None else describe_error(args.exc_value))


def _tell_unraisable(args: "sys.UnraisableHookArgs") -> None:
    log.error(
        "An object's end failed: %s", "no exception" if args.exc_value is None else describe_error(args.exc_value)
    )
