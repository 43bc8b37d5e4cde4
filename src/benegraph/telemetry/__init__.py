"""Telemetry: what engineers see of a gateway. Logs, metrics and traces, none of which tells of people or their data."""

from pathlib import Path
from typing import TYPE_CHECKING

from benegraph.domain.errors import BenegraphError
from benegraph.telemetry.logs import configure, make_handler, watch

if TYPE_CHECKING:
    from benegraph.telemetry.metrics import Metrics
    from benegraph.telemetry.traces import Traces

__all__ = ["TracesMissing", "configure", "forget_worker", "make_handler", "make_metrics", "make_traces", "watch"]


class TracesMissing(BenegraphError):
    """Traces are asked for, and what makes them is not installed."""


def make_metrics(directory: Path | None = None) -> "Metrics":
    """Make the numbers of an app; with a directory, for all processes that were started with it as theirs."""
    from benegraph.telemetry.metrics import Metrics  # noqa: PLC0415 - not before a worker knows its directory

    return Metrics(directory=directory)


def forget_worker(directory: Path, pid: int) -> None:
    """Take the present state of a worker that has ended out of the numbers in a directory."""
    from benegraph.telemetry import metrics  # noqa: PLC0415 - as above

    metrics.forget_worker(directory, pid)


def make_traces() -> "Traces":
    """Make what exports traces, as OpenTelemetry's own variables say. Raises TracesMissing."""
    try:
        from benegraph.telemetry.traces import make  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise TracesMissing(
            "Traces are asked for by OTEL_… variables, and need more than is installed: benegraph[otel]."
        ) from error
    return make()
