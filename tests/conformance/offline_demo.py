"""A script for a clean environment: it serves the demo, uses its pages and its API, and prints the results.

It runs with the Python of that environment and imports the standard library only. Its argument is the data directory.
"""

import http.client
import json
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 120.0
ELIGIBLE_PLANS = """
query($id: ID!) {
  enrollment(id: $id) { status eligiblePlans { plan { id } costs { coverageTier } } }
}
"""
ELECT = """
mutation($input: ElectInput!) {
  elect(input: $input) { enrollments { status coverageTier } userErrors { code } }
}
"""


def enable_loopback() -> None:
    """Set the loopback interface up: in a new network namespace it is down."""
    if sys.platform != "linux":
        return
    import fcntl  # noqa: PLC0415 - exists on POSIX only

    get_flags, set_flags, is_up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as interface:
        request = bytearray(struct.pack("16sh14x", b"lo", 0))
        fcntl.ioctl(interface, get_flags, request)
        _, flags = struct.unpack("16sh14x", request)
        if not flags & is_up:
            fcntl.ioctl(interface, set_flags, struct.pack("16sh14x", b"lo", flags | is_up))


def is_network_reachable() -> bool:
    """Return whether there is a route to another machine. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect(("192.0.2.1", 9))
        except OSError:
            return False
        return True


def wait_for_demo(process: subprocess.Popen[bytes], directory: Path) -> dict[str, Any]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (directory / "demo.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the demo did not start; exit code {process.returncode}")
        time.sleep(0.1)
    demo: dict[str, Any] = json.loads((directory / "demo.json").read_bytes())
    while True:
        try:
            urllib.request.urlopen(demo["url"].replace("/graphql", "/livez")).close()  # noqa: S310 - the demo's own URL
        except OSError:
            time.sleep(0.1)
        else:
            return demo


class Visitor:
    """A visitor of the demo, with the keys that it printed."""

    def __init__(self, demo: dict[str, Any]) -> None:
        self._keys = demo["keys"]
        self._port = int(demo["url"].rpartition(":")[2].partition("/")[0])

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        connection.request("GET", path, headers={"Accept": "text/html"})
        response = connection.getresponse()
        return response.status, response.read().decode()

    def post(self, query: str, variables: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {self._keys['employee']}", "Content-Type": "application/json"}
        connection.request("POST", "/graphql", json.dumps({"query": query, "variables": variables}), headers)
        return json.loads(connection.getresponse().read())


def visit(visitor: Visitor, samples: dict[str, Any]) -> dict[str, Any]:
    """Open GraphiQL and fetch the files of every page; then query an enrollment, and elect a plan for it."""
    status, page = visitor.get("/graphiql")
    files = page.partition('src="')[2].partition("/load.js")[0]
    pages = json.loads(visitor.get(f"{files}/pages.json")[1])
    names = {"load.js", "licences.txt"} | {name for content in pages.values() for name in content["bytes"]}
    enrollment_id = samples["pendingEnrollmentIds"][0]
    queried = visitor.post(ELIGIBLE_PLANS, {"id": enrollment_id})
    plan_id, tier = next(
        (offer["plan"]["id"], cost["coverageTier"])
        for offer in queried["data"]["enrollment"]["eligiblePlans"]
        for cost in offer["costs"]
        if cost["coverageTier"] == "EE"
    )
    election = {
        "enrollmentId": enrollment_id,
        "decision": "ENROLLED",
        "selectedPlanId": plan_id,
        "coverageTier": tier,
    }
    elected = visitor.post(ELECT, {"input": {"employeeId": samples["employeeId"], "elections": [election]}})
    return {
        "page": status,
        "pages": sorted(pages),
        "files": {name: visitor.get(f"{files}/{name}")[0] for name in names},
        "queried": queried["data"]["enrollment"]["status"],
        "elected": elected["data"]["elect"],
    }


def main() -> None:
    enable_loopback()
    directory = Path(sys.argv[1])
    command = [str(Path(sys.executable).with_name("benegraph")), "serve", "--demo", "--port", "0"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--data-dir", str(directory)], stdout=log, stderr=log)  # noqa: S603 - a fixed command
        try:
            demo = wait_for_demo(process, directory)
            results = visit(Visitor(demo), demo["samples"])
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)
    sys.stdout.write(json.dumps(results | {"network": is_network_reachable(), "exit": process.returncode}))


if __name__ == "__main__":
    main()
