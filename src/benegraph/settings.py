"""Settings of a gateway process. No other module reads the environment."""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from benegraph.db.engine import PoolSettings
from benegraph.domain.access import Role
from benegraph.domain.encryption import KeyRing, parse_keys
from benegraph.domain.errors import BenegraphError
from benegraph.graphql.context import INTROSPECTION_ROLES
from benegraph.graphql.engine.limits import Limits

_URL_SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg"}
# asyncpg takes each of these as an argument of its own. It fails at the first connection on any other.
_URL_OPTIONS = {"host", "port", "ssl", "target_session_attrs", "prepared_statement_cache_size"}
_CLAIM_MEMBERS = ("tenant_claim", "role_claim", "employer_claim", "employee_claim", "actions_claim")
#: The members of an issuer in BENEGRAPH_JWT_ISSUERS, and the ends of the variables for a single issuer.
_ISSUER_MEMBERS = ("issuer", "audience", "keys_url", "tenants", *_CLAIM_MEMBERS)
_LOG_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR"}
_LOG_FORMATS = {"ecs", "json", "text"}
_PAGES = {"all", "graphiql", "none"}
_ACCESS_LOGS = {"all", "errors"}
Executor = Literal["compiled", "strawberry"]
#: Default timeout of a statement. The database cancels it before the request itself times out.
_STATEMENT_TIMEOUT_SECONDS = 8.0
_MAX_KEY_CACHE_SECONDS = 60
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?", re.ASCII)


class SettingsError(BenegraphError):
    """An environment variable has an invalid value. The message omits the value, because it may contain secrets."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The token bucket of a key: its size and its refill rate, in units of query cost. A burst of 0 means no limit."""

    burst: int = 100_000
    per_second: float = 10_000.0


@dataclass(frozen=True, slots=True)
class Issuer:
    """An identity provider whose tokens are accepted, and the claims that carry a token's rights.

    A claim is the name of a member, or a path of names with dots between them, such as `realm_access.roles`.
    """

    name: str
    audience: str
    #: URL of the issuer's key set. Without it, the URL comes from the issuer's OpenID configuration.
    keys_url: str | None = None
    #: The tenants that the issuer's tokens may give access to; None for all of them.
    tenants: frozenset[str] | None = None
    tenant_claim: str = "tenant"
    role_claim: str = "role"
    employer_claim: str = "employer_id"
    employee_claim: str = "employee_id"
    actions_claim: str = "actions"


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """How the gateway checks and executes requests."""

    limits: Limits = field(default_factory=Limits)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    trusted_documents_only: bool = False
    #: Web origins from which browsers may call the API.
    origins: frozenset[str] = frozenset()
    #: The roles that may read the schema.
    introspection: frozenset[Role] = INTROSPECTION_ROLES
    issuers: tuple[Issuer, ...] = ()
    #: `compiled` runs compiled plans and leaves other operations to Strawberry; `strawberry` runs Strawberry alone.
    executor: Executor = "compiled"
    #: How long a process caches a key. A revoked key may stay valid for as long.
    key_cache_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of a process, read from its environment."""

    #: The gateway's connection, as a role that is subject to row-level security.
    database_url: str | None
    #: The connection of migrations, as the owner of the tables. It defaults to `database_url`, except behind
    #: PgBouncer, because migrations take session-level locks.
    migration_database_url: str | None
    host: str
    port: int
    pool: PoolSettings
    gateway: GatewayConfig
    workers: int
    log_level: str
    #: `json`, `ecs` or `text`. None means text on a terminal and JSON elsewhere.
    log_format: str | None
    #: Whether OpenTelemetry's own variables request traces. Its SDK reads the rest of them.
    traces: bool
    #: The OTLP protocol of traces: `grpc` or `http/protobuf`. Traces report any other value, and use `http/protobuf`.
    trace_protocol: str
    #: How long a draining process still accepts requests while /readyz reports that it is not ready.
    drain_seconds: float
    #: The data directory of embedded servers.
    data_home: Path
    #: The cache directory of the bundle of the pages.
    cache_home: Path
    #: The pages that browsers get: `all`, `graphiql` (no home page), or `none`.
    pages: str
    #: The keys that encrypt values; None without any.
    key_ring: KeyRing | None
    #: The requests in the access log: `all` or `errors`. None means `errors` on a terminal and `all` elsewhere.
    access_log: str | None
    #: The directories of programs, and whether uv started the process: they decide how printed commands begin.
    search_path: str
    is_run_by_uv: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings from environment variables. Raises SettingsError, naming the invalid variable."""
        variables = os.environ if environment is None else environment  # noqa: TID251 - the only place that reads it
        database_url = _database_url(variables, "DATABASE_URL")
        pool, gateway = PoolSettings(), _gateway_config(variables)
        pgbouncer = _choice(variables, "BENEGRAPH_PGBOUNCER", {"true", "false"}, str.lower) == "true"
        return cls(
            database_url=database_url,
            migration_database_url=_database_url(variables, "MIGRATION_DATABASE_URL")
            or (None if pgbouncer else database_url),
            host=variables.get("BENEGRAPH_HOST") or "127.0.0.1",
            port=_number(variables, "BENEGRAPH_PORT", int, 8000, maximum=65535),
            pool=PoolSettings(
                size=_number(variables, "BENEGRAPH_POOL_SIZE", int, pool.size, minimum=1),
                overflow=_number(variables, "BENEGRAPH_POOL_OVERFLOW", int, pool.overflow),
                statement_timeout=_statement_timeout(variables, gateway.limits),
                pgbouncer=pgbouncer,
            ),
            gateway=gateway,
            workers=_number(variables, "BENEGRAPH_WORKERS", int, 1, minimum=1),
            log_level=_choice(variables, "BENEGRAPH_LOG_LEVEL", _LOG_LEVELS, str.upper) or "INFO",
            log_format=_choice(variables, "BENEGRAPH_LOG_FORMAT", _LOG_FORMATS, str.lower),
            traces=_is_tracing_requested(variables),
            trace_protocol=variables.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
            or variables.get("OTEL_EXPORTER_OTLP_PROTOCOL")
            or "http/protobuf",
            drain_seconds=_number(variables, "BENEGRAPH_DRAIN_SECONDS", float, 0.0),
            data_home=_home(variables, "XDG_DATA_HOME", "/var/lib" if _is_root() else ".local/share") / "benegraph",
            cache_home=_home(variables, "XDG_CACHE_HOME", ".cache") / "benegraph",
            pages=_choice(variables, "BENEGRAPH_PAGES", _PAGES, str.lower) or "all",
            key_ring=_key_ring(variables),
            access_log=_choice(variables, "BENEGRAPH_ACCESS_LOG", _ACCESS_LOGS, str.lower),
            search_path=variables.get("PATH", ""),
            is_run_by_uv=bool(variables.get("UV")),
        )


def _statement_timeout(variables: Mapping[str, str], limits: Limits) -> float:
    maximum = min(limits.query_seconds, limits.mutation_seconds)
    default = min(_STATEMENT_TIMEOUT_SECONDS, maximum * 0.8)
    seconds: float = _number(variables, "BENEGRAPH_STATEMENT_TIMEOUT", float, default)
    if not 0 < seconds < maximum:
        raise SettingsError(
            f"BENEGRAPH_STATEMENT_TIMEOUT must be more than 0 and less than {maximum:g} seconds: the smaller of"
            " BENEGRAPH_QUERY_SECONDS and BENEGRAPH_MUTATION_SECONDS."
        )
    return seconds


def _key_ring(variables: Mapping[str, str]) -> KeyRing | None:
    """Read the encryption keys, separated by spaces, commas or line breaks, from a variable or from a file."""
    name, file_name = "BENEGRAPH_ENCRYPTION_KEY", "BENEGRAPH_ENCRYPTION_KEY_FILE"
    text, path = variables.get(name) or "", variables.get(file_name)
    if path:
        if text:
            raise SettingsError(f"{name} and {file_name} exclude each other; set one of them.")
        name = file_name
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise SettingsError(f"{name} names a file that can't be read.") from None
    keys = text.replace(",", " ").split()
    if not keys:
        if path:
            raise SettingsError(
                f"{name} names a file without a key; create one with `benegraph encryption-keys generate`."
            )
        return None
    try:
        return parse_keys(keys)
    except ValueError:
        raise SettingsError(
            f"{name} must be different keys of 32 bytes in base64url, separated by commas; create one with"
            " `benegraph encryption-keys generate`."
        ) from None


def _gateway_config(variables: Mapping[str, str]) -> GatewayConfig:
    default_limits, rate_limit = Limits(), RateLimit()
    limits = Limits(**{name: _limit(variables, name, getattr(default_limits, name)) for name in Limits.__slots__})
    rate_limit = RateLimit(
        _number(variables, "BENEGRAPH_RATE_BURST", int, rate_limit.burst),
        _number(variables, "BENEGRAPH_RATE_PER_SECOND", float, rate_limit.per_second, minimum=0.001),
    )
    if 0 < rate_limit.burst < limits.cost:
        raise SettingsError(
            f"BENEGRAPH_RATE_BURST must be 0 or at least BENEGRAPH_MAX_COST ({limits.cost}):"
            " a smaller bucket could never pay for the most expensive operation."
        )
    roles = _list(variables, "BENEGRAPH_INTROSPECTION", str.upper)
    if roles is not None and roles - {"NONE", *Role}:
        raise SettingsError(
            f"BENEGRAPH_INTROSPECTION must be none, or a comma-separated list of {', '.join(Role).lower()}."
        )
    origins = _list(variables, "BENEGRAPH_CORS_ORIGINS", str.lower) or frozenset()
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise SettingsError(
            "BENEGRAPH_CORS_ORIGINS must be a comma-separated list of origins, such as https://app.example:8443."
        )
    return GatewayConfig(
        limits,
        rate_limit,
        _choice(variables, "BENEGRAPH_DOCUMENTS", {"any", "trusted"}, str.lower) == "trusted",
        origins,
        INTROSPECTION_ROLES if roles is None else frozenset(Role(role) for role in roles - {"NONE"}),
        _issuers(variables),
        executor="strawberry"
        if _choice(variables, "BENEGRAPH_EXECUTOR", {"compiled", "strawberry"}, str.lower) == "strawberry"
        else "compiled",
        key_cache_seconds=_key_cache_seconds(variables),
    )


def _key_cache_seconds(variables: Mapping[str, str]) -> float:
    default = GatewayConfig().key_cache_seconds
    seconds: float = _number(variables, "BENEGRAPH_KEY_CACHE_SECONDS", float, default)
    if seconds > _MAX_KEY_CACHE_SECONDS:
        raise SettingsError(
            f"BENEGRAPH_KEY_CACHE_SECONDS must be at most {_MAX_KEY_CACHE_SECONDS}: a revoked key works for that long."
        )
    return seconds


def _limit(variables: Mapping[str, str], name: str, default: float) -> Any:
    if name.endswith("seconds"):
        return _number(variables, f"BENEGRAPH_{name.upper()}", float, default, minimum=0.001)
    return _number(variables, f"BENEGRAPH_MAX_{name.upper()}", int, default, minimum=1)


def _issuers(variables: Mapping[str, str]) -> tuple[Issuer, ...]:
    """Read the issuers from BENEGRAPH_JWT_ISSUERS, or the only one from a variable for each of its members."""
    values = {name: variables.get(f"BENEGRAPH_JWT_{name.upper()}") or "" for name in _ISSUER_MEMBERS}
    text = variables.get("BENEGRAPH_JWT_ISSUERS")
    if (name := next((name for name, value in values.items() if value), None)) is None:
        return _parse_issuers(text) if text else ()
    if text:
        raise SettingsError(
            f"BENEGRAPH_JWT_{name.upper()} and BENEGRAPH_JWT_ISSUERS exclude each other;"
            f' set "{name}" of each issuer in BENEGRAPH_JWT_ISSUERS.'
        )
    if not values["issuer"]:
        raise SettingsError(
            f"BENEGRAPH_JWT_{name.upper()} requires BENEGRAPH_JWT_ISSUER: it concerns that issuer's tokens."
        )
    if not values["audience"]:
        raise SettingsError(
            "BENEGRAPH_JWT_ISSUER requires BENEGRAPH_JWT_AUDIENCE: tokens issued for other audiences are rejected."
        )
    tenants = _list(variables, "BENEGRAPH_JWT_TENANTS", str)
    return (_issuer({name: value for name, value in values.items() if value}, tenants),)


def _parse_issuers(text: str) -> tuple[Issuer, ...]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise SettingsError(
            "BENEGRAPH_JWT_ISSUERS must be a JSON list of objects, such as"
            ' [{"issuer": "https://id.example", "audience": "benegraph"}].'
        )
    issuers = tuple(
        _parse_issuer(item, f"BENEGRAPH_JWT_ISSUERS, issuer {place}") for place, item in enumerate(items, 1)
    )
    if len({issuer.name for issuer in issuers}) != len(issuers):
        raise SettingsError("BENEGRAPH_JWT_ISSUERS names an issuer twice; list each one once.")
    return issuers


def _parse_issuer(item: Mapping[str, Any], place: str) -> Issuer:
    if unknown := item.keys() - set(_ISSUER_MEMBERS):
        raise SettingsError(f'{place}: unknown member "{min(unknown)}". The members are {", ".join(_ISSUER_MEMBERS)}.')
    if missing := [name for name in ("issuer", "audience") if name not in item]:
        raise SettingsError(f'{place}: "{missing[0]}" is missing.')
    tenants = item.get("tenants")
    if tenants is not None and (not isinstance(tenants, list) or not tenants or not all(map(_is_text, tenants))):
        raise SettingsError(f'{place}: "tenants" must be a list of strings.')
    if invalid := [name for name, value in item.items() if name != "tenants" and not _is_text(value)]:
        raise SettingsError(f'{place}: "{invalid[0]}" must be a string that is not empty.')
    return _issuer(item, None if tenants is None else frozenset(tenants))


def _issuer(values: Mapping[str, Any], tenants: frozenset[str] | None) -> Issuer:
    claims = {name: values[name] for name in _CLAIM_MEMBERS if name in values}
    return Issuer(values["issuer"], values["audience"], values.get("keys_url"), tenants, **claims)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_tracing_requested(variables: Mapping[str, str]) -> bool:
    exporter = variables.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return bool(exporter) or any(variables.get(name) for name in endpoints)


def _database_url(variables: Mapping[str, str], name: str) -> str | None:
    text = variables.get(name)
    if not text:
        return None
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in _URL_SCHEMES:
        raise SettingsError(f"{name} must be a PostgreSQL URL, such as postgresql://user:password@host:5432/database.")
    return _asyncpg_url(name, url).render_as_string(hide_password=False)


def _asyncpg_url(name: str, url: URL) -> URL:
    query = dict(url.query)
    if "sslmode" in query:  # libpq's name for it, which hosting services put into their URLs
        query["ssl"] = query.pop("sslmode")
    if unknown := query.keys() - _URL_OPTIONS:
        raise SettingsError(
            f"{name} has an unknown option: {min(unknown)}. The options are {', '.join(sorted(_URL_OPTIONS))}."
        )
    return url.set(drivername="postgresql+asyncpg", query=query)


def _number(
    variables: Mapping[str, str],
    name: str,
    number_type: type[int | float],
    default: float,
    *,
    minimum: float = 0,
    maximum: int = 2**31 - 1,
) -> Any:
    text = variables.get(name)
    if not text:
        return default
    try:
        number = number_type(text)
    except ValueError:
        number = None
    if number is None or not minimum <= number <= maximum:
        description = "a whole number" if number_type is int else "a number"
        raise SettingsError(f"{name} must be {description} from {minimum:g} to {maximum}.")
    return number


def _choice(variables: Mapping[str, str], name: str, choices: set[str], normalize: Callable[[str], str]) -> str | None:
    value = normalize(variables.get(name) or "")
    if value and value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(sorted(choices))}.")
    return value or None


def _list(variables: Mapping[str, str], name: str, normalize: Callable[[str], str]) -> frozenset[str] | None:
    values = frozenset(normalize(value.strip()) for value in (variables.get(name) or "").split(",") if value.strip())
    return values or None


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _home(variables: Mapping[str, str], name: str, default: str) -> Path:
    home = Path(variables.get(name) or "")
    if home.is_absolute():  # the XDG specification says to ignore a relative path
        return home
    try:
        return Path.home() / default
    except RuntimeError:  # a container may run as a user ID without an account, which has no home directory
        return Path("/var/lib")
