"""Metrics of the gateway's build and of its processes.

They are read when they are rendered. A worker cannot measure the others, so the worker that renders them reads all
workers from /proc. Systems without /proc export none.
"""

import platform
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector


class GatewayCollector(Collector):
    """Collects `benegraph_build_info`, and the standard metrics `process_*`.

    With several workers, the samples of each process have the label `pid`. A sum over the workers would decrease when
    one of them ends, and Prometheus would take that for a restart of all.
    """

    def __init__(self, directory: Path | None, executor: str) -> None:
        self._directory = directory
        self._build = {"version": version("benegraph"), "python": platform.python_version(), "executor": executor}

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("benegraph_build", "Version, Python's version, and the executor.", self._build)
        if self._directory is None:
            yield from ProcessCollector(registry=None).collect()
        else:
            yield from self._collect_workers(self._directory)

    def _collect_workers(self, directory: Path) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for pid in sorted(_live_workers(directory)):
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                family = families.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                for sample in metric.samples:
                    family.add_sample(sample.name, {"pid": str(pid)}, sample.value)
        yield from families.values()


def _live_workers(directory: Path) -> set[int]:
    # Each worker has a file with its gauges, which the supervisor deletes when the worker has ended.
    return {int(path.stem.rpartition("_")[2]) for path in directory.glob("gauge_livesum_*.db")}
