"""Generate the types of the demo app's operations: `python tests/conformance/demo_types.py`."""

import shutil
import subprocess
import sys
from pathlib import Path

from nodejs import HERE, ROOT, SCHEMA, node_with_packages

DEMO_APP = ROOT / "src/benegraph/web/pages/npm/demo"


def copy_demo_app(directory: Path) -> Path:
    """Copy the app to a directory where it finds the packages of this one, and return the copy."""
    (directory / "node_modules").symlink_to(HERE / "node_modules", target_is_directory=True)
    return shutil.copytree(DEMO_APP, directory / "demo")


def generate_types(application: Path) -> subprocess.CompletedProcess[str]:
    """Generate the types in the directory `generated` of an application; the caller checks the exit code."""
    return node_with_packages().run(
        "graphql-codegen", "--config", "demo_types.js", SCHEMA=str(SCHEMA), APPLICATION=str(application)
    )


def check_types(application: Path) -> subprocess.CompletedProcess[str]:
    """Check the types of a copy with the TypeScript compiler; the caller checks the exit code."""
    return node_with_packages().run("tsc", "--noEmit", "--strict", "--project", str(application))


if __name__ == "__main__":
    result = generate_types(DEMO_APP)
    sys.stdout.write(result.stdout + result.stderr)
    sys.exit(result.returncode)
