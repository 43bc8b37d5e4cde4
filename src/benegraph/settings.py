"""Settings: the only reader of the environment."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from benegraph.db.engine import PoolSettings
from benegraph.domain.access import Role
from benegraph.domain.errors import BenegraphError
from benegraph.graphql.context import INTROSPECTION_ROLES
from benegraph.graphql.engine.limits import Limits

_SPELLINGS = {"postgres", "postgresql", "postgresql+asyncpg"}
# asyncpg takes each of these as an argument of its own, and fails at the first connection on any other.
_OPTIONS = {"host", "port", "ssl", "target_session_attrs", "prepared_statement_cache_size"}
_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR"}
_FORMATS = {"json", "text"}
Executor = Literal["compiled", "strawberry"]
#: The database gives a statement up before we give up its request.
_STATEMENT_SECONDS = 8.0
_LONGEST_KEY_CACHE = 60
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?", re.ASCII)


class SettingsError(BenegraphError):
    """A variable of the environment holds something that can't be; the message never shows what, it may be a secret."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much cost one key may spend: at once, and for each second after. Zero at once: as much as it likes."""

    burst: int = 100_000
    per_second: float = 10_000.0


@dataclass(frozen=True, slots=True)
class Issuer:
    """An identity provider whose tokens are taken, and the claims in which they say what their bearer may."""

    name: str
    audience: str
    #: Where its keys are published; without it, where its own configuration says.
    keys_url: str | None = None
    tenant_claim: str = "tenant"
    role_claim: str = "role"
    employer_claim: str = "employer_id"
    employee_claim: str = "employee_id"
    actions_claim: str = "actions"


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What a request meets before a resolver runs."""

    limits: Limits = field(default_factory=Limits)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    trusted_documents_only: bool = False
    #: Web origins that browsers may call from; none, unless they are named.
    origins: frozenset[str] = frozenset()
    #: The roles that may read the schema itself.
    introspection: frozenset[Role] = INTROSPECTION_ROLES
    issuer: Issuer | None = None
    #: Who executes: plans compiled of the documents, and Strawberry what they don't cover; or Strawberry alone.
    executor: Executor = "compiled"
    #: How long a process believes what it found of a key without asking again; so long a revoked one may still be good.
    key_cache_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process is set up, as its environment says."""

    #: Where the gateway reads and writes, as a role that row-level security binds.
    database_url: str | None
    #: Where migrations run, as the owner of the tables; without it the same, but not through PgBouncer: they lock
    #: for a whole session.
    migration_database_url: str | None
    host: str
    port: int
    pool: PoolSettings
    gateway: GatewayConfig
    workers: int
    log_level: str
    #: json or text; None for text on a terminal and JSON elsewhere.
    log_format: str | None
    #: Whether traces are exported, as OpenTelemetry's own variables ask for; its SDK reads the rest of them.
    traces: bool
    #: How long a process that is to end still takes requests, while /readyz already sends them elsewhere.
    drain_seconds: float
    #: Where embedded servers keep their data.
    data_home: Path
    #: Where GraphiQL's bundle is kept.
    cache_home: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings. Raises SettingsError, naming the variable."""
        given = os.environ if environment is None else environment  # noqa: TID251 - here, and nowhere else
        database_url = _url(given, "DATABASE_URL")
        pool, gateway = PoolSettings(), _gateway_config(given)
        pgbouncer = _word(given, "BENEGRAPH_PGBOUNCER", {"true", "false"}, str.lower) == "true"
        return cls(
            database_url=database_url,
            migration_database_url=_url(given, "MIGRATION_DATABASE_URL") or (None if pgbouncer else database_url),
            host=given.get("BENEGRAPH_HOST") or "127.0.0.1",
            port=_number(given, "BENEGRAPH_PORT", int, 8000),
            pool=PoolSettings(
                size=_number(given, "BENEGRAPH_POOL_SIZE", int, pool.size, least=1),
                overflow=_number(given, "BENEGRAPH_POOL_OVERFLOW", int, pool.overflow),
                statement_timeout=_statement_timeout(given, gateway.limits),
                pgbouncer=pgbouncer,
            ),
            gateway=gateway,
            workers=_number(given, "BENEGRAPH_WORKERS", int, 1, least=1),
            log_level=_word(given, "BENEGRAPH_LOG_LEVEL", _LEVELS, str.upper) or "INFO",
            log_format=_word(given, "BENEGRAPH_LOG_FORMAT", _FORMATS, str.lower),
            traces=_traces(given),
            drain_seconds=_number(given, "BENEGRAPH_DRAIN_SECONDS", float, 0.0),
            data_home=_home(given, "XDG_DATA_HOME", ".local/share" if os.geteuid() else "/var/lib") / "benegraph",
            cache_home=_home(given, "XDG_CACHE_HOME", ".cache") / "benegraph",
        )


def _statement_timeout(given: Mapping[str, str], limits: Limits) -> float:
    shortest = min(limits.query_seconds, limits.mutation_seconds)
    seconds: float = _number(given, "BENEGRAPH_STATEMENT_TIMEOUT", float, min(_STATEMENT_SECONDS, shortest * 0.8))
    if not 0 < seconds < shortest:
        raise SettingsError("BENEGRAPH_STATEMENT_TIMEOUT is shorter than what a request may take as a whole.")
    return seconds


def _gateway_config(given: Mapping[str, str]) -> GatewayConfig:
    usual, rate = Limits(), RateLimit()
    limits = Limits(**{name: _limit(given, name, getattr(usual, name)) for name in Limits.__slots__})
    rate = RateLimit(
        _number(given, "BENEGRAPH_RATE_BURST", int, rate.burst),
        _number(given, "BENEGRAPH_RATE_PER_SECOND", float, rate.per_second, least=0.001),
    )
    if 0 < rate.burst < limits.cost:
        raise SettingsError(
            "BENEGRAPH_RATE_BURST is 0, or at least BENEGRAPH_MAX_COST: the dearest query must be payable."
        )
    roles = _words(given, "BENEGRAPH_INTROSPECTION", str.upper)
    if roles is not None and roles - {"NONE", *Role}:
        raise SettingsError(f"BENEGRAPH_INTROSPECTION is none, or some of {', '.join(Role).lower()}.")
    origins = _words(given, "BENEGRAPH_CORS_ORIGINS", str.lower) or frozenset()
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise SettingsError("BENEGRAPH_CORS_ORIGINS is a list of origins, such as https://app.example:8443.")
    return GatewayConfig(
        limits,
        rate,
        _word(given, "BENEGRAPH_DOCUMENTS", {"any", "trusted"}, str.lower) == "trusted",
        origins,
        INTROSPECTION_ROLES if roles is None else frozenset(Role(role) for role in roles - {"NONE"}),
        _issuer(given),
        executor="strawberry"
        if _word(given, "BENEGRAPH_EXECUTOR", {"compiled", "strawberry"}, str.lower) == "strawberry"
        else "compiled",
        key_cache_seconds=_key_cache_seconds(given),
    )


def _key_cache_seconds(given: Mapping[str, str]) -> float:
    seconds: float = _number(given, "BENEGRAPH_KEY_CACHE_SECONDS", float, GatewayConfig().key_cache_seconds)
    if seconds > _LONGEST_KEY_CACHE:
        raise SettingsError(f"BENEGRAPH_KEY_CACHE_SECONDS is {_LONGEST_KEY_CACHE} at most: who revokes a key waits.")
    return seconds


def _limit(given: Mapping[str, str], name: str, usual: float) -> Any:
    if name.endswith("seconds"):
        return _number(given, f"BENEGRAPH_{name.upper()}", float, usual, least=0.001)
    return _number(given, f"BENEGRAPH_MAX_{name.upper()}", int, usual, least=1)


def _issuer(given: Mapping[str, str]) -> Issuer | None:
    name, audience = given.get("BENEGRAPH_JWT_ISSUER"), given.get("BENEGRAPH_JWT_AUDIENCE")
    if not name:
        return None
    if not audience:
        raise SettingsError("BENEGRAPH_JWT_ISSUER needs BENEGRAPH_JWT_AUDIENCE: a token for others is none for us.")
    named = {
        claim: given[variable]
        for claim in ("tenant_claim", "role_claim", "employer_claim", "employee_claim", "actions_claim")
        if given.get(variable := f"BENEGRAPH_JWT_{claim.upper()}")
    }
    return Issuer(name, audience, given.get("BENEGRAPH_JWT_KEYS_URL") or None, **named)


def _traces(given: Mapping[str, str]) -> bool:
    exporter = given.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if given.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return bool(exporter) or any(given.get(name) for name in endpoints)


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


def _word(given: Mapping[str, str], name: str, words: set[str], spell: Callable[[str], str]) -> str | None:
    word = spell(given.get(name) or "")
    if word and word not in words:
        raise SettingsError(f"{name} is one of {', '.join(sorted(words))}.")
    return word or None


def _words(given: Mapping[str, str], name: str, spell: Callable[[str], str]) -> frozenset[str] | None:
    words = frozenset(spell(word.strip()) for word in (given.get(name) or "").split(",") if word.strip())
    return words or None


def _home(given: Mapping[str, str], name: str, usual: str) -> Path:
    home = Path(given.get(name) or "")
    if home.is_absolute():  # the specification says to ignore any other
        return home
    try:
        return Path.home() / usual
    except RuntimeError:  # a container may run as a number without a name, and then has no need of a home
        return Path("/var/lib")
