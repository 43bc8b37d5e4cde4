"""Settings: the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from benegraph.db.engine import Pool
from benegraph.domain.errors import BenegraphError

_SPELLINGS = {"postgres", "postgresql", "postgresql+asyncpg"}
# asyncpg takes each of these as an argument of its own, and fails at the first connection on any other.
_OPTIONS = {"host", "port", "ssl", "target_session_attrs", "prepared_statement_cache_size"}
_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR"}


class SettingsError(BenegraphError):
    """A variable of the environment holds something that can't be; the message never shows what, it may be a secret."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process is set up, as its environment says."""

    #: Where the gateway reads and writes, as a role that row-level security binds.
    database_url: str | None
    #: Where migrations run, as the owner of the tables; without it the same.
    migration_database_url: str | None
    host: str
    port: int
    pool: Pool
    log_level: str
    #: How long a process that is to end still takes requests, while /readyz already sends them elsewhere.
    drain_seconds: float
    #: Where embedded servers keep their data.
    data_home: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings. Raises SettingsError, naming the variable."""
        given = os.environ if environment is None else environment  # noqa: TID251 - here, and nowhere else
        database_url = _url(given, "DATABASE_URL")
        pool = Pool()
        return cls(
            database_url=database_url,
            migration_database_url=_url(given, "MIGRATION_DATABASE_URL") or database_url,
            host=given.get("BENEGRAPH_HOST") or "127.0.0.1",
            port=_number(given, "BENEGRAPH_PORT", int, 8000),
            pool=Pool(
                size=_number(given, "BENEGRAPH_POOL_SIZE", int, pool.size, least=1),
                overflow=_number(given, "BENEGRAPH_POOL_OVERFLOW", int, pool.overflow),
                statement_timeout=_number(given, "BENEGRAPH_STATEMENT_TIMEOUT", float, pool.statement_timeout),
            ),
            log_level=_level(given, "BENEGRAPH_LOG_LEVEL"),
            drain_seconds=_number(given, "BENEGRAPH_DRAIN_SECONDS", float, 0.0),
            data_home=_data_home(given) / "benegraph",
        )


def _url(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    if not text:
        return None
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in _SPELLINGS:
        raise SettingsError(f"{name} is no PostgreSQL URL, such as postgresql://user:password@host:5432/database.")
    return _as_asyncpg_takes_it(name, url).render_as_string(hide_password=False)


def _as_asyncpg_takes_it(name: str, url: URL) -> URL:
    query = dict(url.query)
    if "sslmode" in query:  # libpq's word, which hosting services write into their URLs
        query["ssl"] = query.pop("sslmode")
    if unknown := query.keys() - _OPTIONS:
        raise SettingsError(f"{name} holds an option that is not known here: {min(unknown)}.")
    return url.set(drivername="postgresql+asyncpg", query=query)


def _number(
    given: Mapping[str, str], name: str, kind: Callable[[str], Any], default: float, *, least: float = 0
) -> Any:
    text = given.get(name)
    if not text:
        return default
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not least <= number < 2**31:
        raise SettingsError(f"{name} is a number, {least} or more.")
    return number


def _level(given: Mapping[str, str], name: str) -> str:
    level = (given.get(name) or "INFO").upper()
    if level not in _LEVELS:
        raise SettingsError(f"{name} is one of {', '.join(sorted(_LEVELS))}.")
    return level


def _data_home(given: Mapping[str, str]) -> Path:
    home = Path(given.get("XDG_DATA_HOME") or "")
    if home.is_absolute():  # the specification says to ignore any other
        return home
    try:
        return Path.home() / ".local/share" if os.geteuid() else Path("/var/lib")
    except RuntimeError:  # a container may run as a number without a name, and then has no need of a home
        return Path("/var/lib")
