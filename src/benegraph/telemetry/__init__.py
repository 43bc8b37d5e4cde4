"""Logs, metrics and traces of a gateway. None of them contains personal data."""

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
    """The environment requests traces, but the OpenTelemetry packages are not installed."""


def create_metrics(directory: Path | None = None, *, executor: str = "compiled") -> "Metrics":
    """Create the metrics of an application. With a directory, they cover all worker processes that share it."""
    from benegraph.telemetry.metrics import Metrics  # noqa: PLC0415 - not before a worker knows its directory

    return Metrics(directory=directory, executor=executor)


def remove_worker(directory: Path, pid: int) -> None:
    """Remove the gauges of a worker that has ended from the metrics in a directory."""
    from benegraph.telemetry import metrics  # noqa: PLC0415 - as above

    metrics.remove_worker(directory, pid)


def create_traces(protocol: str = "http/protobuf") -> "Traces":
    """Create the trace exporter that OpenTelemetry's environment variables configure. Raises TracingNotInstalled."""
    try:
        from benegraph.telemetry.traces import create_traces as create  # noqa: PLC0415 - an extra, and slow to import

        return create(protocol)
    except ImportError as error:
        protocol, extra = ("gRPC", "otel-grpc") if protocol == "grpc" else ("HTTP", "otel")
        raise TracingNotInstalled(
            f"OTEL_… variables request traces over {protocol}, but the exporter is not installed:"
            f" install benegraph[{extra}]. The gateway runs without traces."
        ) from error
