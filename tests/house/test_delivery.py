"""What is shipped: the image, the pins, and the machine that checks both. There is no Docker here, so they are read."""

import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benegraph.cli import app

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / ".ci/constraints.txt"


def instructions() -> Iterator[tuple[str, str]]:
    """Read the Dockerfile: each instruction and what it says, its lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def pins() -> dict[str, str]:
    lines = CONSTRAINTS.read_text().splitlines()
    return dict(line.split("==") for line in lines)


def test_the_image_copies_what_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    sources = [
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    ]
    assert sources
    assert let_in == set(sources)
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_runs_commands_that_exist() -> None:
    said = dict(instructions())
    assert json.loads(said["ENTRYPOINT"]) == ["benegraph"]
    (command,) = json.loads(said["CMD"])
    remarked = re.findall(r"^#.* benegraph (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    commands = set(typer.main.get_group(app).commands)
    assert {command, *remarked} <= commands


def test_the_image_runs_as_nobody_special_and_without_the_embedded_server() -> None:
    said = list(instructions())
    assert [rest for word, rest in said if word == "USER"] == ["10001"]
    assert [word for word, _ in said].index("USER") < [word for word, _ in said].index("ENTRYPOINT")
    assert not any("embedded" in rest for _, rest in said)
    (install,) = (rest for word, rest in said if word == "RUN" and "uv pip install" in rest)
    assert "--constraint constraints.txt ." in install


def test_the_images_health_is_asked_for_in_python_that_compiles() -> None:
    (health,) = (rest for word, rest in instructions() if word == "HEALTHCHECK")
    python, flag, source = json.loads(health[health.index("[") :])
    assert (python, flag) == ("python", "-c")
    compile(source, "HEALTHCHECK", "exec")
    assert "/livez" in source
    (environment,) = (
        dict(pair.split("=", 1) for pair in rest.split()) for word, rest in instructions() if word == "ENV"
    )
    assert set(re.findall(r'environ\["(\w+)"\]', source)) <= set(environment)


def test_every_pin_is_a_name_and_a_version() -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in CONSTRAINTS.read_text().splitlines())


def test_the_pins_are_what_is_tested_here_and_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    always = (
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *project["dependency-groups"]["dev"],
    )
    pinned = pins()
    for line in (*always, *project["dependency-groups"]["conformance"]):
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name != "benegraph":
            assert pinned[name] in requirement.specifier, name
            assert line not in always or version(name) == pinned[name], name


def test_the_check_can_be_run_and_names_no_machine() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    text = script.read_text() + CONSTRAINTS.read_text() + (ROOT / "Dockerfile").read_text()
    assert "set -euo pipefail" in text
    assert "://" not in text.replace("http://127.0.0.1", "")
    assert not re.search(r"/(home|root|work|Users)\b", text)
