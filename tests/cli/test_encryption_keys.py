"""Encryption keys: read from the environment or a file, generated, created for an embedded server, and rotated."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier

import pytest
from typer.testing import CliRunner, Result

from benegraph.cli import app
from benegraph.cli.databases import read_or_create_key
from benegraph.db.session import Database
from benegraph.domain.encryption import ValuePlace, parse_keys
from benegraph.domain.people import Relationship
from benegraph.services import people
from benegraph.settings import Settings, SettingsError
from factories.keys import FIRST_KEY, SECOND_KEY
from factories.office import create_office


def call(*arguments: str, **environment: str) -> Result:
    """Run a command in this process, with a separate environment."""
    return CliRunner().invoke(app, list(arguments), env=environment)


def key_ids(environment: dict[str, str]) -> list[str]:
    key_ring = Settings.from_environment(environment).key_ring
    return [] if key_ring is None else [key.id.hex() for key in key_ring.keys]


def test_keys_are_read_from_the_variable_or_from_the_file(tmp_path: Path) -> None:
    expected = [key.id.hex() for key in parse_keys([FIRST_KEY, SECOND_KEY]).keys]
    assert key_ids({}) == []
    assert key_ids({"BENEGRAPH_ENCRYPTION_KEY": f"{FIRST_KEY}, {SECOND_KEY}"}) == expected
    file = tmp_path / "keys"
    file.write_text(f"{FIRST_KEY}\n{SECOND_KEY}\n")
    assert key_ids({"BENEGRAPH_ENCRYPTION_KEY_FILE": str(file)}) == expected


@pytest.mark.parametrize("text", ["secret", FIRST_KEY[1:], f"{FIRST_KEY},{FIRST_KEY}"])
def test_invalid_key_is_named_but_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="BENEGRAPH_ENCRYPTION_KEY must be different keys of 32 bytes") as raised:
        Settings.from_environment({"BENEGRAPH_ENCRYPTION_KEY": text})
    assert text not in str(raised.value)


def test_unusable_key_file_is_reported(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for environment, message in (
        ({"BENEGRAPH_ENCRYPTION_KEY_FILE": str(tmp_path / "none")}, "names a file that can't be read"),
        ({"BENEGRAPH_ENCRYPTION_KEY_FILE": str(empty)}, "names a file without a key"),
        ({"BENEGRAPH_ENCRYPTION_KEY_FILE": str(empty), "BENEGRAPH_ENCRYPTION_KEY": FIRST_KEY}, "exclude each other"),
    ):
        with pytest.raises(SettingsError, match=message):
            Settings.from_environment(environment)


def test_embedded_server_keeps_the_key_that_it_created(tmp_path: Path) -> None:
    path = tmp_path / "encryption-key"
    first = read_or_create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_or_create_key(path).current.id == first.current.id
    assert [file.name for file in tmp_path.iterdir()] == ["encryption-key"]


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "encryption-key"
    both_started = Barrier(4)

    def read() -> bytes:
        both_started.wait()
        return read_or_create_key(path).current.id

    with ThreadPoolExecutor() as pool:
        ids = {future.result() for future in [pool.submit(read) for _ in range(4)]}
    assert ids == {read_or_create_key(path).current.id}


def test_generated_keys_are_valid_and_differ() -> None:
    first, second = call("encryption-keys", "generate"), call("encryption-keys", "generate")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert len(parse_keys([first.stdout.strip(), second.stdout.strip()]).keys) == 2


async def test_rotation_encrypts_every_value_with_the_first_key(database_url: str, database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire(ssn="219-09-9999")
    child = await office.run(
        people.add_dependent,
        ada,
        "Ben",
        "Adams",
        date(2015, 8, 30),
        Relationship.CHILD,
        disabled=False,
        ssn="219-09-9998",
    )
    environment = {"DATABASE_URL": database_url, "BENEGRAPH_ENCRYPTION_KEY": f"{SECOND_KEY},{FIRST_KEY}"}
    outputs = []
    for _ in range(2):
        result = await run_in_thread("encryption-keys", "rotate", "--tenant", "acme", **environment)
        assert result.exit_code == 0, result.output
        outputs.append(result.stdout)
    assert outputs == [
        "All values of the tenant acme are encrypted with the first key; 2 were changed.\n",
        "All values of the tenant acme are encrypted with the first key; 0 were changed.\n",
    ]
    rows = await office.read_all_rows()
    for table, id, digits in (("employees", ada, "219099999"), ("dependents", child, "219099998")):
        stored = bytes.fromhex(rows[table][id]["ssn"].removeprefix("\\x"))
        assert parse_keys([SECOND_KEY]).decrypt(stored, ValuePlace("acme", table, "ssn", id)) == digits


async def test_rotation_without_the_old_key_names_it_and_changes_nothing(database_url: str, database: Database) -> None:
    office = await create_office(database)
    await office.hire(ssn="219-09-9999")
    before = await office.read_all_rows()
    environment = {"DATABASE_URL": database_url, "BENEGRAPH_ENCRYPTION_KEY": SECOND_KEY}
    result = await run_in_thread("encryption-keys", "rotate", "--tenant", "acme", **environment)
    assert result.exit_code == 1
    assert f"The encryption key {parse_keys([FIRST_KEY]).current.id.hex()} is missing" in result.stderr
    assert await office.read_all_rows() == before


async def run_in_thread(*arguments: str, **environment: str) -> Result:
    """Run a command that starts an event loop of its own."""
    return await asyncio.to_thread(call, *arguments, **environment)
