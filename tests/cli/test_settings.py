"""Settings: what each variable means, and what it can't be; `tests/house` holds the documents to them."""

from pathlib import Path
from typing import Any

import pytest

from benegraph.db.engine import PoolSettings
from benegraph.domain.access import Role
from benegraph.graphql.engine.limits import Limits
from benegraph.settings import GatewayConfig, Issuer, RateLimit, Settings, SettingsError


def settings(**given: str) -> Settings:
    return Settings.from_environment(given)


def test_without_an_environment_everything_has_a_default() -> None:
    made = settings()
    assert (made.database_url, made.host, made.port, made.workers) == (None, "127.0.0.1", 8000, 1)
    assert made.gateway == GatewayConfig()
    assert (made.log_level, made.log_format, made.traces, made.drain_seconds) == ("INFO", None, False, 0.0)


@pytest.mark.parametrize("name", Limits.__slots__)
def test_each_limit_is_set_by_its_variable(name: str) -> None:
    variable = f"BENEGRAPH_{name.upper()}" if name.endswith("seconds") else f"BENEGRAPH_MAX_{name.upper()}"
    changed = settings(**{variable: "7", "BENEGRAPH_STATEMENT_TIMEOUT": "1"})
    assert getattr(changed.gateway.limits, name) == 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"BENEGRAPH_RATE_BURST": "50000", "BENEGRAPH_RATE_PER_SECOND": "0.5"},
            GatewayConfig(rate_limit=RateLimit(50_000, 0.5)),
        ),
        ({"BENEGRAPH_RATE_BURST": "0"}, GatewayConfig(rate_limit=RateLimit(0))),
        ({"BENEGRAPH_DOCUMENTS": "trusted"}, GatewayConfig(trusted_documents_only=True)),
        ({"BENEGRAPH_DOCUMENTS": "any"}, GatewayConfig()),
        ({"BENEGRAPH_EXECUTOR": "Strawberry"}, GatewayConfig(executor="strawberry")),
        ({"BENEGRAPH_EXECUTOR": "compiled"}, GatewayConfig(executor="compiled")),
        (
            {"BENEGRAPH_CORS_ORIGINS": "https://app.example, HTTP://localhost:3000"},
            GatewayConfig(origins=frozenset({"https://app.example", "http://localhost:3000"})),
        ),
        ({"BENEGRAPH_INTROSPECTION": "none"}, GatewayConfig(introspection=frozenset())),
        ({"BENEGRAPH_KEY_CACHE_SECONDS": "0"}, GatewayConfig(key_cache_seconds=0)),
        ({"BENEGRAPH_KEY_CACHE_SECONDS": "60"}, GatewayConfig(key_cache_seconds=60)),
        (
            {"BENEGRAPH_INTROSPECTION": "administrator,EMPLOYEE"},
            GatewayConfig(introspection=frozenset({Role.ADMINISTRATOR, Role.EMPLOYEE})),
        ),
        (
            {"BENEGRAPH_JWT_ISSUER": "https://id.example", "BENEGRAPH_JWT_AUDIENCE": "benegraph"},
            GatewayConfig(issuer=Issuer("https://id.example", "benegraph")),
        ),
        (
            {
                "BENEGRAPH_JWT_ISSUER": "https://id.example",
                "BENEGRAPH_JWT_AUDIENCE": "benegraph",
                "BENEGRAPH_JWT_KEYS_URL": "https://id.example/keys",
                "BENEGRAPH_JWT_TENANT_CLAIM": "org",
            },
            GatewayConfig(
                issuer=Issuer("https://id.example", "benegraph", "https://id.example/keys", tenant_claim="org")
            ),
        ),
    ],
)
def test_the_door_is_set_up_by_variables(given: dict[str, str], expected: GatewayConfig) -> None:
    assert settings(**given).gateway == expected


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"BENEGRAPH_MAX_DEPTH": "0"}, "BENEGRAPH_MAX_DEPTH"),
        ({"BENEGRAPH_MAX_COST": "secret"}, "BENEGRAPH_MAX_COST"),
        ({"BENEGRAPH_MAX_COST": "200000"}, "BENEGRAPH_RATE_BURST"),
        ({"BENEGRAPH_RATE_BURST": "19999"}, "BENEGRAPH_RATE_BURST"),
        ({"BENEGRAPH_RATE_PER_SECOND": "0"}, "BENEGRAPH_RATE_PER_SECOND"),
        ({"BENEGRAPH_QUERY_SECONDS": "-1"}, "BENEGRAPH_QUERY_SECONDS"),
        ({"BENEGRAPH_STATEMENT_TIMEOUT": "10"}, "BENEGRAPH_STATEMENT_TIMEOUT"),
        ({"BENEGRAPH_STATEMENT_TIMEOUT": "0"}, "BENEGRAPH_STATEMENT_TIMEOUT"),
        ({"BENEGRAPH_DOCUMENTS": "secret"}, "BENEGRAPH_DOCUMENTS"),
        ({"BENEGRAPH_EXECUTOR": "secret"}, "BENEGRAPH_EXECUTOR"),
        ({"BENEGRAPH_INTROSPECTION": "secret"}, "BENEGRAPH_INTROSPECTION"),
        ({"BENEGRAPH_KEY_CACHE_SECONDS": "-0.001"}, "BENEGRAPH_KEY_CACHE_SECONDS"),
        ({"BENEGRAPH_KEY_CACHE_SECONDS": "60.001"}, "BENEGRAPH_KEY_CACHE_SECONDS"),
        ({"BENEGRAPH_KEY_CACHE_SECONDS": "nan"}, "BENEGRAPH_KEY_CACHE_SECONDS"),
        ({"BENEGRAPH_CORS_ORIGINS": "*"}, "BENEGRAPH_CORS_ORIGINS"),
        ({"BENEGRAPH_CORS_ORIGINS": "https://secret.example/path"}, "BENEGRAPH_CORS_ORIGINS"),
        ({"BENEGRAPH_CORS_ORIGINS": "null"}, "BENEGRAPH_CORS_ORIGINS"),
        ({"BENEGRAPH_JWT_ISSUER": "https://secret.example"}, "BENEGRAPH_JWT_AUDIENCE"),
        ({"BENEGRAPH_LOG_FORMAT": "secret"}, "BENEGRAPH_LOG_FORMAT"),
        ({"BENEGRAPH_WORKERS": "0"}, "BENEGRAPH_WORKERS"),
        ({"BENEGRAPH_PGBOUNCER": "secret"}, "BENEGRAPH_PGBOUNCER"),
    ],
)
def test_a_setting_that_can_not_be_is_named_and_not_shown(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as caught:
        settings(**given)
    assert "secret" not in str(caught.value)


def test_a_statement_has_less_time_than_its_request() -> None:
    for given, expected in (
        ({}, 8.0),
        ({"BENEGRAPH_QUERY_SECONDS": "5"}, 4.0),
        ({"BENEGRAPH_MUTATION_SECONDS": "2"}, 1.6),
        ({"BENEGRAPH_STATEMENT_TIMEOUT": "9.9"}, 9.9),
    ):
        assert settings(**given).pool.statement_timeout == expected
    assert PoolSettings().statement_timeout > 8  # commands of our own, such as `seed`, have more


def test_behind_pgbouncer_migrations_are_told_another_way_or_none() -> None:
    url, owner = "postgresql://gateway@pgbouncer.example/benefits", "postgresql://owner@db.example/benefits"
    for given, pgbouncer, migration in (
        ({}, False, url),
        ({"BENEGRAPH_PGBOUNCER": "false"}, False, url),
        ({"BENEGRAPH_PGBOUNCER": "true"}, True, None),
        ({"BENEGRAPH_PGBOUNCER": "True", "MIGRATION_DATABASE_URL": owner}, True, owner),
    ):
        made = settings(DATABASE_URL=url, **given)
        assert made.pool.pgbouncer is pgbouncer
        told = made.migration_database_url
        assert (told and told.replace("+asyncpg", "")) == migration


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
    ],
)
def test_traces_are_asked_for_by_open_telemetrys_own_variables(given: dict[str, str], *, expected: bool) -> None:
    assert settings(**given).traces is expected


def test_a_bundle_goes_to_the_users_cache() -> None:
    made: Any = settings(XDG_CACHE_HOME="/cache")
    assert made.cache_home == Path("/cache/benegraph")
