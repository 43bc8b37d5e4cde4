"""The image, the pinned versions and the CI script. The tests read the files, because Docker is not available."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from benegraph.cli import app

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / ".ci/constraints.txt"


def instructions() -> Iterator[tuple[str, str]]:
    """Yield each instruction of the Dockerfile with its arguments, continuation lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, arguments = line.partition(" ")
            yield keyword, arguments.strip()


def pins() -> dict[str, str]:
    lines = CONSTRAINTS.read_text().splitlines()
    return dict(line.split("==") for line in lines)


def test_image_copies_existing_files_that_are_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    included = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    sources = [
        source
        for keyword, arguments in instructions()
        if keyword == "COPY" and not arguments.startswith("--from")
        for source in shlex.split(arguments)[:-1]
    ]
    assert sources
    assert included == set(sources)
    assert all((ROOT / source).exists() for source in sources)


def test_image_runs_existing_commands() -> None:
    by_keyword = dict(instructions())
    assert json.loads(by_keyword["ENTRYPOINT"]) == ["benegraph"]
    (command,) = json.loads(by_keyword["CMD"])
    in_comments = re.findall(r"^#.* benegraph (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    commands = set(typer.main.get_group(app).commands)
    assert {command, *in_comments} <= commands


def test_image_runs_unprivileged_and_without_the_embedded_server() -> None:
    lines = list(instructions())
    keywords = [keyword for keyword, _ in lines]
    assert [arguments for keyword, arguments in lines if keyword == "USER"] == ["10001"]
    assert keywords.index("USER") < keywords.index("ENTRYPOINT")
    assert not any("embedded" in arguments for _, arguments in lines)
    (install,) = (arguments for keyword, arguments in lines if keyword == "RUN" and "uv pip install" in arguments)
    assert "--constraint .ci/constraints.txt --build-constraint .ci/constraints.txt '.[otel]'" in " ".join(
        install.split()
    )


def test_health_check_of_the_image_compiles() -> None:
    (health,) = (arguments for keyword, arguments in instructions() if keyword == "HEALTHCHECK")
    python, flag, source = json.loads(health[health.index("[") :])
    assert (python, flag) == ("python", "-c")
    compile(source, "HEALTHCHECK", "exec")
    assert "/livez" in source
    (environment,) = (
        dict(pair.split("=", 1) for pair in arguments.split())
        for keyword, arguments in instructions()
        if keyword == "ENV"
    )
    assert set(re.findall(r'environ\["(\w+)"\]', source)) <= set(environment)


def test_every_pin_is_a_name_and_a_version() -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in CONSTRAINTS.read_text().splitlines())


def test_pins_match_the_installed_versions_and_the_declared_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = (
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *project["dependency-groups"]["dev"],
    )
    pinned = pins()
    for line in (*installed, *project["dependency-groups"]["conformance"]):
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name != "benegraph":
            assert pinned[name] in requirement.specifier, name
            assert line not in installed or version(name) == pinned[name], name


def test_build_requirements_are_pinned_and_node_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    backend = (ROOT / ".ci/build_backend.py").read_text()
    (node,) = re.findall(r'^NODE = "(.*)"$', backend, re.MULTILINE)
    assert node in project["dependency-groups"]["dev"]
    pinned = pins()
    for line in (*project["build-system"]["requires"], node):
        requirement = Requirement(line)
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


def test_version_changelog_and_tags_agree() -> None:
    project_version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version("benegraph") == project_version
    headings = re.findall(r"^## (.*)$", (ROOT / ".github/docs/changelog.md").read_text(), re.MULTILINE)
    releases = [heading for heading in headings if heading != "Unreleased"]
    assert "Unreleased" not in headings[1:]
    assert releases[0] == project_version
    assert releases == sorted(releases, key=Version, reverse=True)
    tags = git_tags()
    assert {tag.removeprefix("v") for tag in tags} <= set(releases)
    if "Unreleased" in headings:
        assert f"v{project_version}" not in git_tags("--points-at", "HEAD")


def git_tags(*options: str) -> list[str]:
    """Return the release tags; none outside a git repository, or without git."""
    git = shutil.which("git")
    if git is None:
        return []
    command = [git, "tag", "--list", "v*", *options]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    return result.stdout.split()


def test_ci_script_is_executable_and_names_no_machine() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    text = "".join(
        path.read_text() for path in (script, CONSTRAINTS, ROOT / ".ci/build_backend.py", ROOT / "Dockerfile")
    )
    assert "set -euo pipefail" in text
    assert "://" not in text.replace("http://127.0.0.1", "")
    assert not re.search(r"/(home|root|work|Users)\b", text)
