"""Telemetry: what engineers see of a gateway. Logs, metrics and traces, none of which tells of people or their data."""

from pathlib import Path
from typing import TYPE_CHECKING

from benegraph.domain.errors import BenegraphError
from benegraph.telemetry.logs import configure_logging, create_log_handler, log_task_errors

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics
    from benegraph.telemetry.traces import Traces

__all__ = [
    "TracingNotInstalled",
    "configure_logging",
    "create_log_handler",
    "create_metrics",
    "create_traces",
    "log_task_errors",
    "remove_worker",
]


class TracingNotInstalled(BenegraphError):
    """Traces are asked for, and what makes them is not installed."""


def create_metrics(directory: Path | None = None) -> "Metrics":
    """Make the numbers of an app; with a directory, for all processes that were started with it as theirs."""
    from benegraph.telemetry.metrics import Metrics  # noqa: PLC0415 - not before a worker knows its directory

    return Metrics(directory=directory)


def remove_worker(directory: Path, pid: int) -> None:
    """Take the present state of a worker that has ended out of the numbers in a directory."""
    from benegraph.telemetry import metrics  # noqa: PLC0415 - as above

    metrics.remove_worker(directory, pid)


def create_traces() -> "Traces":
    """Make what exports traces, as OpenTelemetry's own variables say. Raises TracingNotInstalled."""
    try:
        from benegraph.telemetry.traces import make  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise TracingNotInstalled(
            "Traces are asked for by OTEL_… variables, and need more than is installed: benegraph[otel]."
        ) from error
    return make()
