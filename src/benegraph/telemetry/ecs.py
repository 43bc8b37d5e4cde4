"""The field names of the Elastic Common Schema (ECS), for `BENEGRAPH_LOG_FORMAT=ecs`.

The library ecs-logging is not used: it writes arguments and the texts of exceptions, which may quote a row.
See https://www.elastic.co/docs/reference/ecs.
"""

from collections.abc import Mapping
from typing import Any

ECS_VERSION = "9.4.0"
ACCESS_LOGGER = "aiohttp.access"
#: The ECS field of each field of a log record. The others are written under `benegraph.`, as ECS advises.
_FIELDS = {
    "at": "@timestamp",
    "level": "log.level",
    "message": "message",
    "logger": "log.logger",
    "request_id": "http.request.id",
    "method": "http.request.method",
    "path": "url.path",
    "status": "http.response.status_code",
    "bytes": "http.response.bytes",
    "code": "error.code",
    "trace_id": "trace.id",
}
_MIN_ERROR_STATUS = 400


def rename_fields(fields: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    """Return a log record's fields with the names and units of ECS. `seconds` is the duration of a request."""
    renamed = {
        _FIELDS.get(name, f"benegraph.{name}"): value for name, value in fields.items() if name not in {"ms", "error"}
    }
    renamed["log.level"] = fields["level"].lower()
    is_access = fields["logger"] == ACCESS_LOGGER
    renamed |= {
        "ecs.version": ECS_VERSION,
        "service.name": "benegraph",
        "event.dataset": "benegraph.access" if is_access else "benegraph.log",
    }
    if is_access and "status" in fields:
        is_failure = "code" in fields or fields["status"] >= _MIN_ERROR_STATUS
        renamed["event.outcome"] = "failure" if is_failure else "success"
    if seconds is not None:
        renamed["event.duration"] = round(seconds * 1_000_000_000)
    if "error" in fields:
        renamed["error.type"], _, renamed["error.stack_trace"] = fields["error"].partition("; ")
    return renamed
