"""Logs: each record is one line on standard error, and contains no value of a request or a row.

The gateway's own messages are written unchanged. Messages of libraries are written without their arguments, because
these may quote a body, a header or a row. An exception is logged by its type and location only.
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
from benegraph.telemetry.ecs import ACCESS_LOGGER, rename_fields
from benegraph.telemetry.request_info import RequestInfo, current_request, short_operation_name

log = logging.getLogger(__name__)

ECS = "ecs"
JSON = "json"
TEXT = "text"
_OWN_LOGGERS = {"benegraph", ACCESS_LOGGER}  # `web.middleware.AccessLog` writes to aiohttp's access logger
_REDACTED = "…"
_EMPTY_RECORD = vars(logging.LogRecord("", logging.INFO, "", 0, "", (), None))
#: Fields that the access log's message repeats, so the text format omits them.
_FIELDS_IN_ACCESS_MESSAGE = {"method", "path", "status", "ms"}


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _to_json(_fields_of(record))


class _EcsFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _to_json(rename_fields(_fields_of(record), getattr(record, "seconds", None)))


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = _fields_of(record)
        at, level, logger, message = (fields.pop(name) for name in ("at", "level", "logger", "message"))
        pairs = [f" {name}={_quoted(value)}" for name, value in fields.items() if name not in _FIELDS_IN_ACCESS_MESSAGE]
        return f"{at} {level} {logger}: {_escaped(message)}{''.join(pairs)}"


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Log that a record could not be written. The method it overrides would print the record's arguments."""
        failure = logging.makeLogRecord(
            {
                "name": __name__,
                "levelno": logging.ERROR,
                "levelname": "ERROR",
                "msg": f"Cannot write a log record of {record.name}: {_described(sys.exception())}",
            }
        )
        try:
            self.stream.write(self.format(failure) + self.terminator)
        except (OSError, ValueError):  # the stream is closed
            return


def create_log_handler(log_format: str | None = None, stream: TextIO | None = None) -> logging.StreamHandler[TextIO]:
    """Create a handler that redacts values.

    `log_format` is `json`, `ecs` or `text`. It defaults to text on a terminal and JSON elsewhere.
    """
    handler = _Handler(stream)
    log_format = log_format or (TEXT if handler.stream.isatty() else JSON)
    handler.setFormatter({ECS: _EcsFormatter, JSON: _JsonFormatter, TEXT: _TextFormatter}[log_format]())
    return handler


def configure_logging(level: str, log_format: str | None = None) -> None:
    """Send all log records, warnings and uncaught errors of this process to one handler that redacts values."""
    logging.basicConfig(level=level, handlers=[create_log_handler(log_format)], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # else each start would log every revision
    # Statements without their values are useful. At DEBUG, SQLAlchemy would log each row as a record of its own.
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO if level == "DEBUG" else logging.WARNING)
    # No format uses the caller, thread or process, so they are not looked up. logging's documentation advises this.
    logging._srcfile = None  # noqa: SLF001 - documented there; it has no public name
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    warnings.showwarning = _log_warning
    threading.excepthook = _log_thread_error
    sys.unraisablehook = _log_unraisable_error


def create_record(
    logger: str, message: str, fields: Mapping[str, Any], request_info: RequestInfo | None, at: float, seconds: float
) -> logging.LogRecord:
    """Create the record of an access log line, in a third of the time that `logging` takes.

    `seconds` is the duration of the request.
    """
    record = logging.LogRecord.__new__(logging.LogRecord)
    record.__dict__.update(
        _EMPTY_RECORD,
        name=logger,
        msg=message,
        args=fields,
        created=at,
        msecs=at % 1 * 1000,
        fields=fields,
        request_info=request_info,
        seconds=seconds,
    )
    return record


def log_task_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log the uncaught errors of the loop's tasks without their text. asyncio's own handler would print it."""

    def log_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        log.error("Uncaught error in a task: %s", _described(context.get("exception")))

    loop.set_exception_handler(log_error)


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, Any] = {
        "at": at.replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": _message_of(record),
    }
    request_info = getattr(record, "request_info", None) or current_request.get()
    if request_info is not None:
        fields |= {
            "request_id": request_info.request_id,
            "key_id": request_info.key_id,
            "tenant": request_info.tenant,
            "operation": short_operation_name(request_info),
            "document": request_info.document_digest,
            "trace_id": request_info.trace_id,
        }
    if _is_own(record):
        fields |= getattr(record, "fields", {})
    if record.exc_info and record.exc_info[1] is not None:
        fields["error"] = describe_error(record.exc_info[1])
    return {name: value for name, value in fields.items() if value is not None}


def _to_json(fields: dict[str, Any]) -> str:
    try:
        return orjson.dumps(fields).decode("ascii")
    except (TypeError, UnicodeDecodeError):  # json.dumps escapes what orjson rejects, such as lone surrogates
        return json.dumps(fields)


def _message_of(record: logging.LogRecord) -> str:
    if isinstance(record.msg, BaseException):
        return describe_error(record.msg)
    if not _is_own(record) and record.args:
        args: Any = record.args
        if isinstance(args, Mapping):
            return str(record.msg) % {name: _redacted(value) for name, value in args.items()}
        return str(record.msg) % tuple(_redacted(value) for value in args)
    return record.getMessage()


def _is_own(record: logging.LogRecord) -> bool:
    return record.name in _OWN_LOGGERS or record.name.startswith("benegraph.")


def _redacted(value: object) -> int | float | str:
    return value if isinstance(value, int | float) else _REDACTED


def _quoted(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text and '"' not in text else json.dumps(text)


def _escaped(message: str) -> str:
    return message if message.isprintable() else json.dumps(message)[1:-1]


def _log_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    del message  # it may quote a value
    log.warning("Python warning: %s at %s:%d", category.__name__, "/".join(filename.split("/")[-3:]), lineno)


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    log.error("Uncaught error in a thread: %s", _described(args.exc_value))


def _log_unraisable_error(args: "sys.UnraisableHookArgs") -> None:
    log.error("Uncaught error in a finalizer: %s", _described(args.exc_value))


def _described(error: BaseException | None) -> str:
    return "unknown exception" if error is None else describe_error(error)
