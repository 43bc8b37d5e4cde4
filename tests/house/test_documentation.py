"""The documents name only commands, files, settings, metrics and fields that exist, and every setting is documented."""

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import orjson
import pytest
import typer
from documentation import ROOT, SOURCES, Document, blocks_of, documents
from graphql import GraphQLSchema, build_schema, get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values

from benegraph.cli import app
from benegraph.graphql.engine.limits import Limits
from benegraph.settings import Settings
from benegraph.telemetry import create_metrics

#: Commands of other programs, by their first words, each with the reason that it can be relied on.
OTHER_COMMANDS = {
    "export": "a builtin of the shell",
    "git": "contributors have it: the sources come by it",
    "pip install uv": "the one package that is installed by hand",
    ". .venv/bin/activate": "of the environment that python3 -m venv makes",
    "psql": "the client of every PostgreSQL",
    "docker": "runs the image of the Dockerfile",
    "curl": "sends requests",
    "cd": "a builtin of the shell",
    "cp": "a program of every Unix, as the next ones",
    "chmod": "as above",
    "install": "as above",
    "kubectl": "the client of every Kubernetes",
    "openssl rand": "generates passwords",
    "promtool": "a part of Prometheus",
    "python3 -m venv": "a module of Python",
    "/opt/benegraph/bin/pip install": "installs the wheel into that environment",
    "systemctl": "a part of systemd",
    ".ci/run": "the script of this repository",
    "uv run pytest": "of the group dev",
    "uv run ruff": "of the group dev",
    "uv run mypy": "of the group dev",
    "uv run lint-imports": "of the group dev",
    "uv run --group conformance pytest": "of the groups dev and conformance",
    "uv run python -m tests.benchmarks": "the package tests/benchmarks",
    "uv run python tests/conformance/demo_types.py": "a script of this repository",
}
#: Names in code font that stand for something outside this repository.
FOREIGN_NAMES = {
    "CREATEROLE",  # an attribute of a role in PostgreSQL
    "wrk",  # Debian's package with the load generator
    # The example of CONTRIBUTING.md.
    "archiveEmployer",
    # The endings of names, and an ID.
    *("_on", "_at", "empl_00vhnczb00e00bvqp4gpxfpjzk"),
}
FILE = re.compile(r"\.?[\w-]+(/[\w.*-]+)*(/|\.(py|md|toml|graphql|sql|txt|json|yml))|Dockerfile|\.ci/run")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?")


def ids_of(items: list[Document]) -> list[str]:
    return [document.name for document in items]


every_document = pytest.mark.parametrize("document", documents(), ids=ids_of(documents()))


# -------------------------------------------------------------------------------------------------------- commands


def commands_of(block: str) -> Iterator[list[str]]:
    """Split a block of shell into the words of its commands, without environment variables set in front of them."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        ends = [-1, *(place for place, word in enumerate(words) if word in {"&&", "|", ";"}), len(words)]
        for begin, end in pairwise(ends):
            command = words[begin + 1 : end]
            while command and re.fullmatch(r"[A-Z_]+=.*", command[0]):
                command = command[1:]
            if command:
                yield command


def fault_of(words: list[str]) -> str | None:
    """Return the word of a command that does not exist; None for a command that can be run."""
    if words[:2] == ["uv", "run"] and words[2:3] == ["benegraph"]:
        words = words[2:]
    if words[0] != "benegraph":
        line = " ".join(words)
        return None if any(f"{line} ".startswith(f"{known} ") for known in OTHER_COMMANDS) else words[0]
    command: Any = typer.main.get_command(app)
    words = words[1:]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return words[0]
        command, words = command.commands[words[0]], words[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.partition("=")[0] for word in words if re.match(r"-{1,2}[a-z]", word)}
    return min(given - options - {"--help"}, default=None)


@every_document
def test_commands_in_documents_exist(document: Document) -> None:
    in_blocks = [words for block in document.blocks if block.language == "sh" for words in commands_of(block.text)]
    in_text = [
        words for span in document.spans if re.match("(uv run )?benegraph ", span) for words in commands_of(span)
    ]
    assert [(words, fault) for words in [*in_blocks, *in_text] if (fault := fault_of(words))] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("benegraph serve --demo && benegraph keys issue --tenant=acme", None),
        ("PORT=1 uv run benegraph export coverage -o file.csv | psql", None),
        ("benegraph serve --dmeo", "--dmeo"),
        ("benegraph keys forget --tenant acme", "forget"),
        ("uv run benegraph elect", "elect"),
        ("npm install", "npm"),
    ],
)
def test_command_check_names_the_unknown_word(line: str, fault: str | None) -> None:
    assert next((found for words in commands_of(line) if (found := fault_of(words))), None) == fault


# ------------------------------------------------------------------------------------------------- links and names


@every_document
def test_links_between_documents_resolve(document: Document) -> None:
    anchors = {(ROOT / other.name): other.anchors for other in documents()}
    broken = []
    for link in document.links:
        target, _, anchor = link.partition("#")
        path = (ROOT / document.name).parent.joinpath(target).resolve() if target else ROOT / document.name
        is_external = re.match("(https?|mailto):", link)
        if not is_external and (not path.exists() or (anchor and anchor not in anchors[path])):
            broken.append(link)
    assert broken == []


def is_reached_from_readme() -> set[str]:
    by_name = {document.name: document for document in documents()}
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in reached:
            reached.add(name)
            folder = (ROOT / name).parent
            targets = [(folder / link.partition("#")[0]).resolve() for link in by_name[name].links if "://" not in link]
            waiting += [target.relative_to(ROOT).as_posix() for target in targets if target.is_relative_to(ROOT)]
    return reached


def test_every_document_is_reached_from_the_readme() -> None:
    assert {document.name for document in documents()} - is_reached_from_readme() == set()


@every_document
def test_files_in_documents_exist(document: Document) -> None:
    files = [span for span in document.spans if FILE.fullmatch(span)]
    bases = (ROOT, SOURCES, (ROOT / document.name).parent)
    missing = [file for file in files if not any((base / file).exists() or any(base.glob(file)) for base in bases)]
    assert missing == []


@cache
def corpus() -> frozenset[str]:
    """Return every word of the sources, the tests, the schema and the configuration."""
    paths = [ROOT / "schema.graphql", ROOT / "pyproject.toml", ROOT / "Dockerfile", ROOT / ".ci/run"]
    paths += [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "src").rglob("*.sql")]
    paths += (path for ending in ("ts", "tsx") for path in (ROOT / "src").rglob(f"*.{ending}"))
    own = {ROOT / "tests/house" / name for name in ("test_documentation.py", "documentation.py")}
    return frozenset(
        word for path in paths if path not in own for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
    )


@every_document
def test_names_in_documents_exist(document: Document) -> None:
    names = [span.removesuffix("()") for span in document.spans if NAME.fullmatch(span)]
    unknown = {name for name in names if not set(name.split(".")) <= corpus()}
    assert unknown - FOREIGN_NAMES - variables() == set()


def test_name_check_notices_an_unknown_name() -> None:
    spans = Document("a.md", "`run_mutation_twice()` and `Employee`").spans
    assert [name for name in spans if NAME.fullmatch(name)] == ["run_mutation_twice()", "Employee"]
    assert "run_mutation_twice" not in corpus()
    assert "Employee" in corpus()


# ---------------------------------------------------------------------------------------------- settings and metrics


class RecordingEnvironment(Mapping[str, str]):
    """An environment that records the variables that are read from it."""

    def __init__(self, **values: str) -> None:
        self.values_by_name = values
        self.read = set[str]()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def variables() -> set[str]:
    """Return all environment variables that the settings read."""
    environment = RecordingEnvironment(BENEGRAPH_JWT_ISSUER="https://id.example", BENEGRAPH_JWT_AUDIENCE="benegraph")
    Settings.from_environment(environment)
    return environment.read


def test_documented_issuers_are_a_valid_setting() -> None:
    (text,) = (text for _, text in blocks_of("json") if '"issuer"' in text)
    issuers = Settings.from_environment({"BENEGRAPH_JWT_ISSUERS": text}).gateway.issuers
    assert [(issuer.name, issuer.role_claim) for issuer in issuers] == [
        ("https://id.example/realms/benefits", "realm_access.roles"),
        ("https://partner.example/", "https://partner.example/role"),
    ]


def text_of_all_documents() -> str:
    return "\n".join(document.text for document in documents())


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    ours = {name for name in variables() if name.startswith("BENEGRAPH_") or name.endswith("DATABASE_URL")}
    assert len(ours) > 25
    documented = set(re.findall(r"\b(?:BENEGRAPH_[A-Z_]*[A-Z]|(?:[A-Z]+_)?DATABASE_URL)\b", text_of_all_documents()))
    assert documented - {"TEST_DATABASE_URL"} == ours  # the tests' own: tests/conftest.py reads it


@pytest.mark.parametrize("name", Limits.__slots__)
def test_limits_are_documented_with_their_defaults(name: str) -> None:
    variable = f"BENEGRAPH_{name.upper()}" if name.endswith("seconds") else f"BENEGRAPH_MAX_{name.upper()}"
    lines = text_of_all_documents().splitlines()
    (line,) = (line for line in lines if line.startswith("|") and f"| `{variable}` |" in line)
    default = getattr(Limits(), name)
    assert f"| {default:,g} " in line, line
    assert "TOO_COMPLEX" in line or "TIMEOUT" in line


def test_documented_metrics_are_the_exported_ones() -> None:
    page, _ = create_metrics().render()
    exported = set(re.findall(r"^# HELP ((?:benegraph|process)_\w+)", page.decode(), re.MULTILINE))
    documented = {
        name
        for document in documents()
        for span in document.spans
        for name in re.findall(r"^((?:benegraph|process)_\w+?)(?:\{[\w,]+\})?$", span)
    } - {"benegraph_app", "benegraph_owner"}  # roles of the database
    assert documented == exported


# --------------------------------------------------------------------------------------------------- GraphQL examples


@cache
def graph() -> GraphQLSchema:
    return build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))


def test_graphql_examples_are_valid() -> None:
    examples = list(blocks_of("graphql"))
    assert len(examples) > 2
    assert [(name, error.message) for name, text in examples for error in validate(graph(), parse(text))] == []


@every_document
def test_variables_of_examples_fit_their_operation(document: Document) -> None:
    """Each JSON block with variables belongs to the GraphQL block before it."""
    operation = None
    for block in document.blocks:
        if block.language == "graphql":
            operation = get_operation_ast(parse(block.text))
        elif block.language == "json" and "variables" in (body := orjson.loads(block.text)):
            assert operation is not None
            coerced = get_variable_values(graph(), operation.variable_definitions or (), body["variables"])
            assert not isinstance(coerced, list), coerced
