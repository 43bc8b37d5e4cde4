"""A Prometheus of the machine that scrapes a gateway with the operations kit's configuration."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONFIGURATION = Path(__file__).parents[2] / ".github/ops/prometheus"
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus, by the URL of its API."""

    url: str

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of a response of the API. Raises HTTPError."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}") as response:  # noqa: S310 - a local URL
            return json.load(response)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples of an expression, at this time."""
        samples: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return samples

    def wait_for_samples(self, count: int) -> None:
        """Wait until each target was scraped this often, without a failure."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self.query(f'sum_over_time(up{{job="benegraph"}}[1m]) >= {count}'):
            assert time.monotonic() < deadline, self.get("targets")
            time.sleep(0.2)


@contextmanager
def run_prometheus(target: str) -> Iterator[Prometheus]:
    """Scrape and evaluate once a second, with the rules of the kit, until the block ends. `target` is host:port."""
    configuration = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text(encoding="utf-8"))
    configuration["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(CONFIGURATION / name) for name in configuration["rule_files"]]
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="prometheus-") as directory:
        file = Path(directory, "prometheus.yml")
        file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603 - a fixed command
            [
                shutil.which("prometheus") or "prometheus",
                f"--config.file={file}",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address={address}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(f"http://{address}", process)
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/-/ready"):  # noqa: S310 - a local URL
                return
        except urllib.error.URLError:
            assert process.poll() is None, "Prometheus exited"
            assert time.monotonic() < deadline, "Prometheus is not ready"
            time.sleep(0.05)
