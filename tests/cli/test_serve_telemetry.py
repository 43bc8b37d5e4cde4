"""`serve` as a process: metrics of its processes, and OpenTelemetry variables without OpenTelemetry's packages."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gateways import Gateway, reachable_directory, run_gateway

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are measured in /proc")

PROCESS_SAMPLES = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
}


@pytest.fixture
def directory() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


def read_samples(gateway: Gateway) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return the labels and values of each sample of the page in OpenMetrics, by the sample's name."""
    request = urllib.request.Request(  # noqa: S310 - a URL of the tests
        gateway.url.replace("/graphql", "/metrics"), headers={"Accept": "application/openmetrics-text;version=1.0.0"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
        page = response.read().decode()
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(page):  # type: ignore[no-untyped-call] # no types
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def read_resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1]) * 1024


def test_one_process_exports_its_own_measurements_without_a_label(database_url: str, directory: Path) -> None:
    with run_gateway(directory, DATABASE_URL=database_url, BENEGRAPH_EXECUTOR="strawberry") as gateway:
        samples = read_samples(gateway)
        resident = read_resident_bytes(gateway.process.pid)
    assert {name for name in samples if name.startswith("process_")} == PROCESS_SAMPLES
    assert all([labels for labels, _ in samples[name]] == [{}] for name in PROCESS_SAMPLES)
    ((_, exported),) = samples["process_resident_memory_bytes"]
    assert exported == pytest.approx(resident, rel=0.2)
    ((build, value),) = samples["benegraph_build_info"]
    assert (sorted(build), build["executor"], value) == (["executor", "python", "version"], "strawberry", 1)


def test_each_worker_exports_the_measurements_of_all_workers(database_url: str, directory: Path) -> None:
    with run_gateway(directory, "--workers", "2", DATABASE_URL=database_url) as gateway:
        pages = [read_samples(gateway) for _ in range(6)]  # answered by either worker
        pid = gateway.process.pid
        children = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
        resident = {child: read_resident_bytes(child) for child in children}
    for samples in pages:
        for name in PROCESS_SAMPLES:
            pids = [int(labels["pid"]) for labels, _ in samples[name]]
            assert (len(pids), len(set(pids))) == (2, 2)
            assert set(pids) <= children
        for labels, value in samples["process_resident_memory_bytes"]:
            assert value == pytest.approx(resident[int(labels["pid"])], rel=0.2)
        assert [build["executor"] for build, _ in samples["benegraph_build_info"]] == ["compiled"]


@pytest.mark.parametrize(("workers", "warnings"), [("1", 1), ("2", 2)])
def test_gateway_without_the_exporter_warns_and_serves(
    database_url: str, directory: Path, workers: str, warnings: int
) -> None:
    # The workers are new processes, which read the packages anew. Python loads `sitecustomize` at its start.
    (directory / "sitecustomize.py").write_text("import sys; sys.modules['opentelemetry'] = None", encoding="utf-8")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(directory)}
    with run_gateway(directory, "--workers", workers, DATABASE_URL=database_url, **environment) as gateway:
        assert gateway.get_status("/readyz") == 200
        records = [json.loads(line) for line in gateway.log.splitlines() if "OTEL_" in line]
        assert gateway.stop() == 0
    message = "OTEL_… variables request traces over HTTP, but the exporter is not installed: install benegraph[otel]."
    assert [(record["level"], record["message"]) for record in records] == [
        ("WARNING", f"{message} The gateway runs without traces.")
    ] * warnings
