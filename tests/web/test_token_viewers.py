"""The viewer of a valid token: its tenant, role, scope and actions. Its subject is never stored or logged."""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from api_client import create_key, status_and_codes
from identity_provider import AUDIENCE, QUERY, SUBJECT, IdentityProvider, TokenClient, running_gateway, running_provider
from sqlalchemy import event

from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden, RequestError
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.values import Clock
from benegraph.services.access import TENANT_FORBIDDEN, ScopeExistenceCache, check_scope_exists
from benegraph.settings import Issuer
from benegraph.web.tokens import SCOPE_CACHE_SECONDS
from benegraph.web.tokens.claims import find_claim, viewer_of
from factories.access import make_tenant
from factories.employers import make_employer
from factories.office import TODAY, create_office
from factories.people import make_employee

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Claims = dict[str, Any]

ISSUER = Issuer("https://idp.example", AUDIENCE)
EMPLOYER, EMPLOYEE = (new_id(prefix, NOW, lambda _: 7) for prefix in (IdPrefix.EMPLOYER, IdPrefix.EMPLOYEE))
#: Letters outside ASCII that become ASCII letters in upper case.
LONG_S, DOTLESS_I = "\u017f", "\u0131"
VALID_CLAIMS: Claims = {"sub": SUBJECT, "tenant": "acme", "role": "ADMINISTRATOR"}
PSEUDONYM = re.compile(r"user_[0-9a-f]{32}")


def claims_with(name: str, *values: Any, **others: Any) -> list[Claims]:
    """Return one set of claims for each value, each with the same other claims."""
    return [{name: value} | others for value in values]


def read_viewer(claims: Claims, tenant: str | None = None, issuer: Issuer = ISSUER) -> Viewer | str:
    """Return the viewer of these claims, or the code of the error."""
    merged: Claims = {name: value for name, value in (VALID_CLAIMS | claims).items() if value is not ...}
    try:
        return viewer_of(merged, issuer, tenant)
    except RequestError as error:
        return error.code


@pytest.fixture
async def idp() -> AsyncIterator[IdentityProvider]:
    async with running_provider() as provider:
        yield provider


@pytest.fixture
async def client(idp: IdentityProvider, database: Database) -> AsyncIterator[TokenClient]:
    async with running_gateway(database, idp.issuer) as token_client:
        yield token_client


async def get_rejection(client: TokenClient, token: str, tenant: str | None = None) -> tuple[int, list[str], str]:
    """Return the status, the codes and the first message of the response."""
    response = await client.post(token, tenant=tenant)
    status, codes = await status_and_codes(response)
    return status, codes, (await response.json(content_type=None))["errors"][0]["message"]


# -------------------------------------------------------------------------------------------- claims


@pytest.mark.parametrize(
    ("claims", "role", "employer", "employee", "actions"),
    [
        ({}, "ADMINISTRATOR", None, None, set()),
        ({"role": "administrator", "employer_id": None}, "ADMINISTRATOR", None, None, set()),
        ({"employer_id": EMPLOYER}, "ADMINISTRATOR", EMPLOYER, None, set()),
        ({"role": ["Employer"], "employer_id": EMPLOYER}, "EMPLOYER", EMPLOYER, None, set()),
        (
            {
                "role": ["offline_access", "employee", "", LONG_S + "ervice"],
                "employer_id": EMPLOYER,
                "employee_id": EMPLOYEE,
            },
            *("EMPLOYEE", EMPLOYER, EMPLOYEE, set()),
        ),
        ({"role": "SERVICE"}, "SERVICE", None, None, set()),
        ({"role": "service", "actions": ["elect", "x", "reissue"]}, "SERVICE", None, None, {"elect", "reissue"}),
        ({"role": "service", "actions": "openid elect  reissue"}, "SERVICE", None, None, {"elect", "reissue"}),
        ({"role": "service", "actions": "ELECT Elect elect,reissue"}, "SERVICE", None, None, set()),
        *(
            (claims, "SERVICE", None, None, set())
            for claims in claims_with("actions", 1, None, {"elect": 1}, [1], role="service")
        ),
        ({"role": "service", "actions": ["elect", 1]}, "SERVICE", None, None, set()),
        ({"actions": "elect"}, "ADMINISTRATOR", None, None, set()),
    ],
)
def test_claims_give_the_described_viewer(
    claims: Claims, role: str, employer: str | None, employee: str | None, actions: set[str]
) -> None:
    viewer = read_viewer(claims)
    assert isinstance(viewer, Viewer)
    assert PSEUDONYM.fullmatch(viewer.key_id)
    assert viewer == Viewer("acme", viewer.key_id, Role(role), employer, employee, frozenset(map(Action, actions)))


@pytest.mark.parametrize(
    "claims",
    [
        *claims_with("role", ..., None, "", "root", "ADMIN", "ADMINISTRATOR ", f"ADM{DOTLESS_I}NISTRATOR", 1, True, {}),
        *claims_with("role", [], ["root"], ["SERVICE", "ADMINISTRATOR"], ["SERVICE", 1], [["SERVICE"]]),
        {"role": "ADMINISTRATOR EMPLOYER"},
        {"role": "EMPLOYER"},
        {"role": "EMPLOYER", "employee_id": EMPLOYEE},
        {"role": "EMPLOYEE"},
        {"role": "EMPLOYEE", "employer_id": EMPLOYER},
        {"role": "EMPLOYEE", "employee_id": EMPLOYEE},
        {"employee_id": EMPLOYEE},
        *claims_with("employer_id", EMPLOYEE, "", "acme", 1, True, [EMPLOYER], EMPLOYER + "\n", EMPLOYER.upper()),
        *claims_with("employee_id", EMPLOYER, "", "*", 0, False, {}, f" {EMPLOYEE}", employer_id=EMPLOYER),
        *claims_with("tenant", ..., None, 1, True, {}, {"acme": 1}, [], [1], ["acme", 1], [["acme"]]),
    ],
)
def test_claims_without_usable_rights_are_forbidden(claims: Claims) -> None:
    assert read_viewer(claims, "acme") == read_viewer(claims) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("claim", "requested", "expected"),
    [
        ("acme", None, "acme"),
        ("acme", "acme", "acme"),
        *(("acme", requested, "FORBIDDEN") for requested in ("globex", "", "ACME", "acme ", "acm", "acme,globex", "*")),
        (["acme"], None, "acme"),
        (["acme", "acme"], None, "acme"),
        (["acme", "globex"], None, "BAD_USER_INPUT"),
        (["acme", "globex"], "globex", "globex"),
        (["acme", "globex"], "initech", "FORBIDDEN"),
        (["acme", "globex"], "", "FORBIDDEN"),
        ("acme globex", "acme", "FORBIDDEN"),
    ],
)
def test_token_gives_access_to_its_own_tenants(claim: Any, requested: str | None, expected: str) -> None:
    viewer = read_viewer({"tenant": claim}, requested)
    assert (viewer.tenant_id if isinstance(viewer, Viewer) else viewer) == expected


def test_claim_names_are_configurable() -> None:
    issuer = replace(
        ISSUER,
        tenant_claim="https://benefits.example/tenant",
        role_claim="roles",
        employer_claim="org",
        employee_claim="staff",
        actions_claim="scope",
    )
    claims = {"https://benefits.example/tenant": "globex", "roles": ["service"], "org": EMPLOYER, "staff": EMPLOYEE}
    viewer = read_viewer(claims | {"scope": "openid elect"}, issuer=issuer)
    assert isinstance(viewer, Viewer)
    assert (viewer.tenant_id, viewer.role, viewer.employer_id) == ("globex", Role.SERVICE, EMPLOYER)
    assert (viewer.employee_id, viewer.actions) == (EMPLOYEE, frozenset({Action.ELECT}))
    assert read_viewer({}, issuer=issuer) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("claims", "path", "expected"),
    [
        ({"role": 1}, "role", 1),
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a": {"b": {"c": 1}}}, "a.b", {"c": 1}),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a.b": {"c": 1}}, "a.b.c", 1),
        ({"a.b.c": 1}, "a.b.c", 1),
        ({"https://id.example/role": 1}, "https://id.example/role", 1),
        ({"https://id.example/": {"role": 1}}, "https://id.example/.role", 1),
        ({"a": {"": 1}}, "a.", 1),
        ({"a": 1}, "a.b", None),
        ({"a": {"b": 1}}, "b", None),
        ({"a": [{"b": 1}]}, "a.b", None),
        ({"a": "text"}, "a.0", None),
        ({"a": None}, "a.b", None),
        ({"a": {"b": None}}, "a.b", None),
        ({}, "a", None),
    ],
)
def test_claim_is_found_by_name_or_path(claims: Claims, path: str, expected: Any) -> None:
    assert find_claim(claims, path) == expected


@pytest.mark.parametrize(
    "claims",
    [
        {"a.b.c": 1, "a": {"b": {"c": 2}}},
        {"a.b": {"c": 1}, "a": {"b.c": 1}},
        {"a": {"b.c": None, "b": {"c": 1}}},
    ],
)
def test_claim_at_an_ambiguous_path_is_forbidden(claims: Claims) -> None:
    with pytest.raises(Forbidden, match=r"^The token has more than one claim at a\.b\.c\.$"):
        find_claim(claims, "a.b.c")


def test_subject_has_a_stable_pseudonym() -> None:
    def pseudonym(sub: str, issuer: str = ISSUER.name, **claims: Any) -> str:
        viewer = read_viewer({"sub": sub} | claims, issuer=Issuer(issuer, AUDIENCE))
        assert isinstance(viewer, Viewer)
        return viewer.key_id

    assert pseudonym(SUBJECT) == pseudonym(SUBJECT, jti="1", exp=1, tenant="globex")
    others = [
        pseudonym("maya"),
        pseudonym(SUBJECT.upper()),
        pseudonym(SUBJECT + "\0"),
        pseudonym(SUBJECT, "https://other.example"),
    ]
    assert len({pseudonym(SUBJECT), *others}) == 5
    assert all(PSEUDONYM.fullmatch(other) for other in others)
    assert pseudonym("b", "https://idp.examplea") != pseudonym("ab")


# ------------------------------------------------------------------------------------------ scopes over HTTP


async def test_each_role_gets_its_viewer(
    client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    employer = await make_employer(database, clock)
    employee = await make_employee(database, clock, employer=employer)
    employer_claim = {"employer_id": employer}
    expectations: list[tuple[Claims, tuple[Any, ...]]] = [
        ({"role": "administrator"}, ("ADMINISTRATOR", None, None)),
        ({"role": "employer"} | employer_claim, ("EMPLOYER", {"id": employer}, None)),
        (
            {"role": "employee", "employee_id": employee} | employer_claim,
            ("EMPLOYEE", {"id": employer}, {"id": employee}),
        ),
        ({"role": "service", "actions": "elect"}, ("SERVICE", None, None)),
        ({"role": "service", "actions": []} | employer_claim, ("SERVICE", {"id": employer}, None)),
    ]
    for claims, expected in expectations:
        viewer = (await client.data(idp.token(**claims), tenant="acme"))["viewer"]
        assert viewer == dict(zip(("tenant", "role", "employer", "employee"), ("acme", *expected), strict=True))


async def test_unknown_and_foreign_tenants_get_the_same_response(
    client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    await make_tenant(database, clock, tenant="globex")
    attempts = [
        *((idp.token(), tenant) for tenant in ("globex", "nobody", "", "NO TENANT")),
        *(
            (idp.token(tenant=tenant), None)
            for tenant in ("nobody", "", "ACME", "acme\0", "acme'--", "\ud800", "a" * 64)
        ),
        (idp.token(tenant=["nobody", "acme"]), "nobody"),
        (idp.token(tenant=...), None),
        (idp.token(tenant=...), "acme"),
    ]
    for token, tenant in attempts:
        assert await get_rejection(client, token, tenant) == (403, ["FORBIDDEN"], TENANT_FORBIDDEN)


async def test_employer_and_employee_must_exist_and_belong_together(
    client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    acme, beta = [await make_employer(database, clock, name=name) for name in ("Acme", "Beta")]
    ada, bob = [await make_employee(database, clock, employer=employer) for employer in (acme, beta)]
    foreign = await make_employer(database, clock, tenant="globex")
    eve = await make_employee(database, clock, employer=foreign, tenant="globex")
    for employer, employee in [
        *((acme, bob), (beta, ada), (acme, eve), (foreign, eve), (acme, EMPLOYEE), (EMPLOYER, ada)),
        *((foreign, None), (EMPLOYER, None)),
    ]:
        for role in ("EMPLOYER", "SERVICE", "ADMINISTRATOR", *(["EMPLOYEE"] if employee else [])):
            token = idp.token(role=role, employer_id=employer, employee_id=employee)
            assert await get_rejection(client, token) == (403, ["FORBIDDEN"], TENANT_FORBIDDEN), role
    for employer, employee in ((acme, ada), (beta, bob)):
        token = idp.token(role="EMPLOYEE", employer_id=employer, employee_id=employee)
        assert (await client.data(token))["viewer"]["employee"] == {"id": employee}


async def test_token_of_several_tenants_requires_the_tenant_header(
    client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    await make_tenant(database, clock, tenant="globex")
    token = idp.token(tenant=["acme", "globex", "nobody"])
    assert (await get_rejection(client, token))[:2] == (400, ["BAD_USER_INPUT"])
    for tenant in ("acme", "globex"):
        assert (await client.data(token, tenant=tenant))["viewer"]["tenant"] == tenant


async def test_service_token_may_call_its_actions_only(
    client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    query = 'mutation { createEmployer(input: {name: "New", timeZone: "America/New_York"}) { employer { name } } }'
    actions = idp.token(role="service", actions="openid createEmployer")
    assert (await client.data(actions, query))["createEmployer"] == {"employer": {"name": "New"}}
    for other in ("elect", "", ["createEmployee"], ...):
        response = await client.post(idp.token(role="service", actions=other), query)
        assert (await status_and_codes(response))[1] == ["FORBIDDEN"]


async def test_employee_token_may_elect_for_itself_and_history_contains_no_subject(
    idp: IdentityProvider, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office = await create_office(database)
    ada, bob = await office.hire("Ada"), await office.hire("Bob")
    await office.open_plan_year()
    pending, other = await office.pending_enrollment(ada), await office.pending_enrollment(bob)
    times = {"iat": ..., "nbf": ..., "exp": Clock.at(datetime.now(UTC), TODAY).now.timestamp() + 200_000}
    identity = {"role": "employee", "employer_id": office.employer, "employee_id": ada}
    tokens = [idp.token(**identity, **times, jti=str(number)) for number in range(2)]
    elect = "mutation($input: ElectInput!) { elect(input: $input) { enrollments { status } userErrors { code } } }"

    def waiver(employee: str, enrollment: str) -> dict[str, Any]:
        waiver_input = {"enrollmentId": enrollment, "decision": "WAIVED"}
        return {"employeeId": employee, "elections": [waiver_input], "idempotencyKey": "once"}

    async with running_gateway(database, idp.issuer, fixed_on=TODAY) as client:
        data = await client.data(
            tokens[0], "query($a: ID!, $b: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }", a=ada, b=bob
        )
        assert data == {"a": {"id": ada}, "b": None}
        data = await client.data(tokens[0], elect, input=waiver(bob, other.id) | {"idempotencyKey": "other"})
        assert [error["code"] for error in data["elect"]["userErrors"]] == ["NOT_FOUND"]
        data = await client.data(tokens[0], elect, input=waiver(ada, pending.id))
        assert data["elect"] == {"enrollments": [{"status": "WAIVED"}], "userErrors": []}
        replay = await (await client.post(tokens[1], elect, input=waiver(ada, pending.id))).json(content_type=None)
        assert replay["extensions"]["idempotentReplay"] is True  # another token of the same subject
    actors = {line["actor"] for line in await office.history(pending.id) if line["actor_role"] == "EMPLOYEE"}
    (actor,) = actors
    assert PSEUDONYM.fullmatch(actor.removeprefix("EMPLOYEE "))
    rows = json.dumps(await office.read_all_rows())
    for secret in (SUBJECT, *(part for token in tokens for part in token.split("."))):
        assert secret not in rows
        assert secret not in caplog.text


# ---------------------------------------------------------------------------------------- API keys and tokens


async def test_api_keys_work_with_and_without_token_authentication(
    client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    key = await create_key(database, clock)
    async with running_gateway(database) as without_tokens:
        for either in (client, without_tokens):
            assert (await either.data(key))["viewer"]["role"] == "ADMINISTRATOR"
            for invalid_key in ("bgk_" + "A" * 43, "bgk_e30.e30.AAAA"):
                rejection = await get_rejection(either, invalid_key)
                assert rejection == (401, ["UNAUTHENTICATED"], "The API key is unknown, revoked or expired.")
        assert (await client.data(idp.token()))["viewer"]["role"] == "ADMINISTRATOR"
        assert (await get_rejection(without_tokens, idp.token()))[:2] == (401, ["UNAUTHENTICATED"])


@pytest.mark.parametrize("form", ["{}", "Token {}", "Bearer{}", "Bearer {} x", "JWT {}", "Bearer Bearer {}", "Bearer"])
async def test_token_is_accepted_as_a_bearer_only(
    form: str, client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    for headers in ({"Authorization": form.format(idp.token())}, {"X-API-Key": form.format(idp.token())}):
        response = await client.http.post("/graphql", json={"query": QUERY}, headers=headers)
        assert await status_and_codes(response) == (401, ["UNAUTHENTICATED"])
    for scheme in ("Bearer", "bearer", "BEARER "):
        headers = {"Authorization": f"{scheme} {idp.token()}"}
        response = await client.http.post("/graphql", json={"query": QUERY}, headers=headers)
        assert await status_and_codes(response) == (200, [])


async def test_token_with_a_second_credential_is_rejected(
    client: TokenClient, idp: IdentityProvider, database: Database, clock: Clock
) -> None:
    key = await create_key(database, clock)
    valid = ("Authorization", f"Bearer {idp.token()}")
    for other in (valid, ("Authorization", "Bearer x"), ("Authorization", f"Bearer {key}"), ("X-API-Key", key)):
        for headers in ([valid, other], [other, valid]):
            response = await client.http.post("/graphql", json={"query": QUERY}, headers=headers)
            assert await status_and_codes(response) == (400, ["BAD_USER_INPUT"])
    response = await client.http.post("/graphql", json={"query": QUERY}, headers=[valid, *[("X-Tenant", "acme")] * 2])
    assert await status_and_codes(response) == (400, ["BAD_USER_INPUT"])


# -------------------------------------------------------------------------------- cache of scopes


@contextmanager
def recorded_statements(database: Database) -> Iterator[list[str]]:
    sent: list[str] = []

    def record(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(database.engine.sync_engine, "before_cursor_execute", record)
    yield sent
    event.remove(database.engine.sync_engine, "before_cursor_execute", record)


def service_viewer(tenant: str = "acme", employer: str | None = None) -> Viewer:
    return Viewer(tenant, "user_x", Role.SERVICE, employer)


async def test_existing_scope_is_cached_for_a_minute(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    now = 0.0
    cache = ScopeExistenceCache(SCOPE_CACHE_SECONDS, monotonic=lambda: now)
    lookups = []
    with recorded_statements(database) as sent:
        for seconds in (0, 1, 59.999, 60, 61, 120):
            now = 1000.0 + seconds
            await check_scope_exists(database, Clock(NOW), service_viewer(), cache)
            lookups.append(len([statement for statement in sent if "EXISTS" in statement]))
    assert lookups == [1, 1, 1, 2, 2, 3]


async def test_missing_scope_is_not_cached(database: Database, clock: Clock) -> None:
    cache = ScopeExistenceCache(SCOPE_CACHE_SECONDS)
    for _ in range(2):
        with pytest.raises(Forbidden):
            await check_scope_exists(database, Clock(NOW), service_viewer(), cache)
    employer = await make_employer(database, clock)
    await check_scope_exists(database, Clock(NOW), service_viewer(), cache)
    await check_scope_exists(database, Clock(NOW), service_viewer(employer=employer), cache)
    for viewer in (service_viewer("globex"), service_viewer(employer=EMPLOYER), service_viewer("globex", employer)):
        with pytest.raises(Forbidden, match="does not grant access"):
            await check_scope_exists(database, Clock(NOW), viewer, cache)


async def test_scope_cache_is_limited(database: Database, clock: Clock) -> None:
    cache = ScopeExistenceCache(SCOPE_CACHE_SECONDS, max_entries=2)
    tenants = ["one", "two", "three"]
    for tenant in tenants:
        await make_tenant(database, clock, tenant=tenant)
        await check_scope_exists(database, Clock(NOW), service_viewer(tenant), cache)
    with recorded_statements(database) as sent:
        for tenant in ("two", "three"):
            await check_scope_exists(database, Clock(NOW), service_viewer(tenant), cache)
        assert sent == []
        await check_scope_exists(database, Clock(NOW), service_viewer("one"), cache)
        assert sent


def test_token_of_several_tenants_is_asked_for_the_header() -> None:
    with pytest.raises(BadInput, match="X-Tenant"):
        viewer_of(VALID_CLAIMS | {"tenant": ["acme", "globex"]}, ISSUER, None)
