"""Settings: the effect and the limits of each variable. `tests/house` compares the documents with them."""

from pathlib import Path

import pytest

from benegraph.db.engine import PoolSettings
from benegraph.domain.access import Role
from benegraph.graphql.engine.limits import Limits
from benegraph.settings import GatewayConfig, Issuer, RateLimit, Settings, SettingsError


def read_settings(**variables: str) -> Settings:
    return Settings.from_environment(variables)


def test_empty_environment_gives_defaults() -> None:
    settings = read_settings()
    assert (settings.database_url, settings.host, settings.port, settings.workers) == (None, "127.0.0.1", 8000, 1)
    assert settings.gateway == GatewayConfig()
    assert (settings.log_level, settings.log_format, settings.traces, settings.drain_seconds) == (
        "INFO",
        None,
        False,
        0.0,
    )


@pytest.mark.parametrize("name", Limits.__slots__)
def test_each_limit_is_set_by_its_variable(name: str) -> None:
    variable = f"BENEGRAPH_{name.upper()}" if name.endswith("seconds") else f"BENEGRAPH_MAX_{name.upper()}"
    settings = read_settings(**{variable: "7", "BENEGRAPH_STATEMENT_TIMEOUT": "1"})
    assert getattr(settings.gateway.limits, name) == 7


@pytest.mark.parametrize(
    ("variables", "expected"),
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
            GatewayConfig(issuers=(Issuer("https://id.example", "benegraph"),)),
        ),
        (
            {
                "BENEGRAPH_JWT_ISSUER": "https://id.example",
                "BENEGRAPH_JWT_AUDIENCE": "benegraph",
                "BENEGRAPH_JWT_KEYS_URL": "https://id.example/keys",
                "BENEGRAPH_JWT_TENANT_CLAIM": "org",
            },
            GatewayConfig(
                issuers=(Issuer("https://id.example", "benegraph", "https://id.example/keys", tenant_claim="org"),)
            ),
        ),
        (
            {
                "BENEGRAPH_JWT_ISSUER": "https://id.example",
                "BENEGRAPH_JWT_AUDIENCE": "benegraph",
                "BENEGRAPH_JWT_TENANTS": "acme, globex",
                "BENEGRAPH_JWT_ROLE_CLAIM": "realm_access.roles",
            },
            GatewayConfig(
                issuers=(
                    Issuer(
                        "https://id.example",
                        "benegraph",
                        tenants=frozenset({"acme", "globex"}),
                        role_claim="realm_access.roles",
                    ),
                )
            ),
        ),
        (
            {
                "BENEGRAPH_JWT_ISSUERS": """[
                    {"issuer": "https://id.example", "audience": "benegraph"},
                    {"issuer": "https://partner.example", "audience": "b", "keys_url": "https://partner.example/keys",
                     "tenants": ["globex"], "tenant_claim": "t", "role_claim": "r", "employer_claim": "e",
                     "employee_claim": "m", "actions_claim": "a"}
                ]"""
            },
            GatewayConfig(
                issuers=(
                    Issuer("https://id.example", "benegraph"),
                    Issuer(
                        *("https://partner.example", "b", "https://partner.example/keys", frozenset({"globex"})),
                        *("t", "r", "e", "m", "a"),
                    ),
                )
            ),
        ),
        ({"BENEGRAPH_JWT_ISSUERS": "", "BENEGRAPH_JWT_AUDIENCE": ""}, GatewayConfig()),
    ],
)
def test_gateway_config_is_read_from_variables(variables: dict[str, str], expected: GatewayConfig) -> None:
    assert read_settings(**variables).gateway == expected


LARGEST_NUMBER = "2147483647"
STATEMENT_TIMEOUT = (
    "BENEGRAPH_STATEMENT_TIMEOUT must be more than 0 and less than 10 seconds: the smaller of BENEGRAPH_QUERY_SECONDS"
    " and BENEGRAPH_MUTATION_SECONDS."
)
RATE_BURST = (
    "BENEGRAPH_RATE_BURST must be 0 or at least BENEGRAPH_MAX_COST ({max_cost}): a smaller bucket could never pay for"
    " the most expensive operation."
)
INTROSPECTION = (
    "BENEGRAPH_INTROSPECTION must be none, or a comma-separated list of administrator, employer, employee, service."
)
ORIGINS = "BENEGRAPH_CORS_ORIGINS must be a comma-separated list of origins, such as https://app.example:8443."
ISSUERS = '[{"issuer": "https://id.example", "audience": "benegraph"}]'
ISSUERS_FORM = (
    'BENEGRAPH_JWT_ISSUERS must be a JSON list of objects, such as [{"issuer": "https://id.example", "audience":'
    ' "benegraph"}].'
)
ISSUERS_CONFLICT = (
    '{variable} and BENEGRAPH_JWT_ISSUERS exclude each other; set "{member}" of each issuer in BENEGRAPH_JWT_ISSUERS.'
)
UNKNOWN_MEMBER = (
    'BENEGRAPH_JWT_ISSUERS, issuer 1: unknown member "audiance". The members are issuer, audience, keys_url, tenants,'
    " tenant_claim, role_claim, employer_claim, employee_claim, actions_claim."
)
DATABASE_URL = "DATABASE_URL must be a PostgreSQL URL, such as postgresql://user:password@host:5432/database."
DATABASE_URL_OPTION = (
    "DATABASE_URL has an unknown option: fallback. The options are host, port, prepared_statement_cache_size, ssl,"
    " target_session_attrs."
)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BENEGRAPH_MAX_DEPTH": "0"}, f"BENEGRAPH_MAX_DEPTH must be a whole number from 1 to {LARGEST_NUMBER}."),
        ({"BENEGRAPH_MAX_COST": "secret"}, f"BENEGRAPH_MAX_COST must be a whole number from 1 to {LARGEST_NUMBER}."),
        (
            {"BENEGRAPH_MAX_COST": "200000"},
            RATE_BURST.format(max_cost=200000),
        ),
        (
            {"BENEGRAPH_RATE_BURST": "19999"},
            RATE_BURST.format(max_cost=20000),
        ),
        (
            {"BENEGRAPH_RATE_PER_SECOND": "0"},
            f"BENEGRAPH_RATE_PER_SECOND must be a number from 0.001 to {LARGEST_NUMBER}.",
        ),
        (
            {"BENEGRAPH_QUERY_SECONDS": "-1"},
            f"BENEGRAPH_QUERY_SECONDS must be a number from 0.001 to {LARGEST_NUMBER}.",
        ),
        ({"BENEGRAPH_STATEMENT_TIMEOUT": "10"}, STATEMENT_TIMEOUT),
        ({"BENEGRAPH_STATEMENT_TIMEOUT": "0"}, STATEMENT_TIMEOUT),
        ({"BENEGRAPH_DOCUMENTS": "secret"}, "BENEGRAPH_DOCUMENTS must be one of any, trusted."),
        ({"BENEGRAPH_EXECUTOR": "secret"}, "BENEGRAPH_EXECUTOR must be one of compiled, strawberry."),
        ({"BENEGRAPH_PAGES": "secret"}, "BENEGRAPH_PAGES must be one of all, graphiql, none."),
        (
            {"BENEGRAPH_INTROSPECTION": "secret"},
            INTROSPECTION,
        ),
        (
            {"BENEGRAPH_KEY_CACHE_SECONDS": "-0.001"},
            f"BENEGRAPH_KEY_CACHE_SECONDS must be a number from 0 to {LARGEST_NUMBER}.",
        ),
        (
            {"BENEGRAPH_KEY_CACHE_SECONDS": "60.001"},
            "BENEGRAPH_KEY_CACHE_SECONDS must be at most 60: a revoked key works for that long.",
        ),
        (
            {"BENEGRAPH_KEY_CACHE_SECONDS": "nan"},
            f"BENEGRAPH_KEY_CACHE_SECONDS must be a number from 0 to {LARGEST_NUMBER}.",
        ),
        ({"BENEGRAPH_CORS_ORIGINS": "*"}, ORIGINS),
        ({"BENEGRAPH_CORS_ORIGINS": "https://secret.example/path"}, ORIGINS),
        ({"BENEGRAPH_CORS_ORIGINS": "null"}, ORIGINS),
        (
            {"BENEGRAPH_JWT_ISSUER": "https://secret.example"},
            "BENEGRAPH_JWT_ISSUER requires BENEGRAPH_JWT_AUDIENCE: tokens issued for other audiences are rejected.",
        ),
        *(
            (
                {f"BENEGRAPH_JWT_{name}": "secret"},
                f"BENEGRAPH_JWT_{name} requires BENEGRAPH_JWT_ISSUER: it concerns that issuer's tokens.",
            )
            for name in ("AUDIENCE", "KEYS_URL", "TENANTS", "TENANT_CLAIM", "ROLE_CLAIM", "ACTIONS_CLAIM")
        ),
        (
            {"BENEGRAPH_JWT_ISSUERS": ISSUERS, "BENEGRAPH_JWT_ISSUER": "https://secret.example"},
            ISSUERS_CONFLICT.format(variable="BENEGRAPH_JWT_ISSUER", member="issuer"),
        ),
        (
            {"BENEGRAPH_JWT_ISSUERS": ISSUERS, "BENEGRAPH_JWT_ROLE_CLAIM": "secret"},
            ISSUERS_CONFLICT.format(variable="BENEGRAPH_JWT_ROLE_CLAIM", member="role_claim"),
        ),
        *(
            ({"BENEGRAPH_JWT_ISSUERS": text}, ISSUERS_FORM)
            for text in ("secret", "{}", "[]", '["secret"]', "[[]]", "null", f"{ISSUERS} secret", "[" * 100_000)
        ),
        (
            {"BENEGRAPH_JWT_ISSUERS": '[{"issuer": "https://secret.example"}]'},
            'BENEGRAPH_JWT_ISSUERS, issuer 1: "audience" is missing.',
        ),
        (
            {"BENEGRAPH_JWT_ISSUERS": ISSUERS.replace("}]", '}, {"audience": "secret"}]')},
            'BENEGRAPH_JWT_ISSUERS, issuer 2: "issuer" is missing.',
        ),
        (
            {"BENEGRAPH_JWT_ISSUERS": ISSUERS.replace("}]", ', "audiance": "secret"}]')},
            UNKNOWN_MEMBER,
        ),
        *(
            (
                {"BENEGRAPH_JWT_ISSUERS": ISSUERS.replace("}]", f', "role_claim": {value}}}]')},
                'BENEGRAPH_JWT_ISSUERS, issuer 1: "role_claim" must be a string that is not empty.',
            )
            for value in ('""', "null", "1", '["secret"]')
        ),
        *(
            (
                {"BENEGRAPH_JWT_ISSUERS": ISSUERS.replace("}]", f', "tenants": {value}}}]')},
                'BENEGRAPH_JWT_ISSUERS, issuer 1: "tenants" must be a list of strings.',
            )
            for value in ('"secret"', "[]", '[""]', "[1]", "{}")
        ),
        (
            {"BENEGRAPH_JWT_ISSUERS": ISSUERS.replace("}]", "}, " + ISSUERS[1:])},
            "BENEGRAPH_JWT_ISSUERS names an issuer twice; list each one once.",
        ),
        ({"BENEGRAPH_LOG_FORMAT": "secret"}, "BENEGRAPH_LOG_FORMAT must be one of ecs, json, text."),
        ({"BENEGRAPH_WORKERS": "0"}, f"BENEGRAPH_WORKERS must be a whole number from 1 to {LARGEST_NUMBER}."),
        ({"BENEGRAPH_PGBOUNCER": "secret"}, "BENEGRAPH_PGBOUNCER must be one of false, true."),
        ({"DATABASE_URL": "mysql://user:secret@host/db"}, DATABASE_URL),
        ({"DATABASE_URL": "secret"}, DATABASE_URL),
        (
            {"DATABASE_URL": "postgresql://user:secret@host/db?fallback=1"},
            DATABASE_URL_OPTION,
        ),
    ],
)
def test_error_names_the_invalid_variable_without_its_value(variables: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as error_info:
        read_settings(**variables)
    assert str(error_info.value) == message
    assert "secret" not in message


def test_default_statement_timeout_is_shorter_than_the_request_timeouts() -> None:
    for variables, expected in (
        ({}, 8.0),
        ({"BENEGRAPH_QUERY_SECONDS": "5"}, 4.0),
        ({"BENEGRAPH_MUTATION_SECONDS": "2"}, 1.6),
        ({"BENEGRAPH_STATEMENT_TIMEOUT": "9.9"}, 9.9),
    ):
        assert read_settings(**variables).pool.statement_timeout == expected
    assert PoolSettings().statement_timeout > 8  # the default of commands such as `seed`


def test_behind_pgbouncer_migrations_need_a_url_of_their_own() -> None:
    url, owner = "postgresql://gateway@pgbouncer.example/benefits", "postgresql://owner@db.example/benefits"
    for variables, pgbouncer, expected_url in (
        ({}, False, url),
        ({"BENEGRAPH_PGBOUNCER": "false"}, False, url),
        ({"BENEGRAPH_PGBOUNCER": "true"}, True, None),
        ({"BENEGRAPH_PGBOUNCER": "True", "MIGRATION_DATABASE_URL": owner}, True, owner),
    ):
        settings = read_settings(DATABASE_URL=url, **variables)
        assert settings.pool.pgbouncer is pgbouncer
        migration_url = settings.migration_database_url
        assert (migration_url and migration_url.replace("+asyncpg", "")) == expected_url


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
    ],
)
def test_opentelemetry_variables_enable_traces(variables: dict[str, str], *, expected: bool) -> None:
    assert read_settings(**variables).traces is expected


@pytest.mark.parametrize(
    ("variables", "protocol"),
    [
        ({}, "http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": ""}, "http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc"),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "grpc"),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "http/protobuf",
        ),
    ],
)
def test_protocol_of_traces_takes_precedence(variables: dict[str, str], protocol: str) -> None:
    assert read_settings(**variables).trace_protocol == protocol


@pytest.mark.parametrize(
    ("variables", "pages"),
    [({}, "all"), *(({"BENEGRAPH_PAGES": value}, value.lower()) for value in ("all", "GraphiQL", "none"))],
)
def test_pages_are_selected_by_their_variable(variables: dict[str, str], pages: str) -> None:
    assert read_settings(**variables).pages == pages


def test_cache_home_follows_the_xdg_variable() -> None:
    settings = read_settings(XDG_CACHE_HOME="/cache")
    assert settings.cache_home == Path("/cache/benegraph")
