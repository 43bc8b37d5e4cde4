"""Whom a good token lets in: in which tenant, in what role, to see and do what; and that it is never told who it is."""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from calling import make_key, told
from issuing import AUDIENCE, QUERY, SUBJECT, Gateway, Provider, gateway, providing
from sqlalchemy import event

from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden, RequestError
from benegraph.domain.ids import IdPrefix, new_id
from benegraph.domain.values import Clock
from benegraph.services.access import TENANT_FORBIDDEN, ScopeExistenceCache, check_scope_exists
from benegraph.settings import Issuer
from benegraph.web.tokens import SCOPE_CACHE_SECONDS
from benegraph.web.tokens.claims import viewer_of
from factories.access import make_tenant
from factories.employers import make_employer
from factories.office import TODAY, create_office
from factories.people import make_employee

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Claims = dict[str, Any]

ISSUER = Issuer("https://idp.example", AUDIENCE)
EMPLOYER, EMPLOYEE = (new_id(kind, NOW, lambda _: 7) for kind in (IdPrefix.EMPLOYER, IdPrefix.EMPLOYEE))
#: Letters beyond ASCII whose capitals are within it.
LONG_S, DOTLESS_I = "\u017f", "\u0131"
GOOD: Claims = {"sub": SUBJECT, "tenant": "acme", "role": "ADMINISTRATOR"}
USER = re.compile(r"user_[0-9a-f]{32}")


def each(name: str, *values: Any, **others: Any) -> list[Claims]:
    """Make claims of each of these values, beside others."""
    return [{name: value} | others for value in values]


def reading(claims: Claims, tenant: str | None = None, issuer: Issuer = ISSUER) -> Viewer | str:
    """Read a viewer from claims, or the code of why there is none."""
    given: Claims = {name: value for name, value in (GOOD | claims).items() if value is not ...}
    try:
        return viewer_of(given, issuer, tenant)
    except RequestError as error:
        return error.code


@pytest.fixture
async def idp() -> AsyncIterator[Provider]:
    async with providing() as provider:
        yield provider


@pytest.fixture
async def here(idp: Provider, database: Database) -> AsyncIterator[Gateway]:
    async with gateway(database, idp.issuer) as gate:
        yield gate


async def refused(gate: Gateway, token: str, tenant: str | None = None) -> tuple[int, list[str], str]:
    response = await gate.ask(token, tenant=tenant)
    status, codes = await told(response)
    return status, codes, (await response.json(content_type=None))["errors"][0]["message"]


# -------------------------------------------------------------------------------------------- what claims say


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
            for claims in each("actions", 1, None, {"elect": 1}, [1], role="service")
        ),
        ({"role": "service", "actions": ["elect", 1]}, "SERVICE", None, None, set()),
        ({"actions": "elect"}, "ADMINISTRATOR", None, None, set()),
    ],
)
def test_claims_make_the_viewer_they_describe(
    claims: Claims, role: str, employer: str | None, employee: str | None, actions: set[str]
) -> None:
    viewer = reading(claims)
    assert isinstance(viewer, Viewer)
    assert USER.fullmatch(viewer.key_id)
    assert viewer == Viewer("acme", viewer.key_id, Role(role), employer, employee, frozenset(map(Action, actions)))


@pytest.mark.parametrize(
    "claims",
    [
        *each("role", ..., None, "", "root", "ADMIN", "ADMINISTRATOR ", f"ADM{DOTLESS_I}NISTRATOR", 1, True, {}),
        *each("role", [], ["root"], ["SERVICE", "ADMINISTRATOR"], ["SERVICE", 1], [["SERVICE"]]),
        {"role": "ADMINISTRATOR EMPLOYER"},
        {"role": "EMPLOYER"},
        {"role": "EMPLOYER", "employee_id": EMPLOYEE},
        {"role": "EMPLOYEE"},
        {"role": "EMPLOYEE", "employer_id": EMPLOYER},
        {"role": "EMPLOYEE", "employee_id": EMPLOYEE},
        {"employee_id": EMPLOYEE},
        *each("employer_id", EMPLOYEE, "", "acme", 1, True, [EMPLOYER], EMPLOYER + "\n", EMPLOYER.upper()),
        *each("employee_id", EMPLOYER, "", "*", 0, False, {}, f" {EMPLOYEE}", employer_id=EMPLOYER),
        *each("tenant", ..., None, 1, True, {}, {"acme": 1}, [], [1], ["acme", 1], [["acme"]]),
    ],
)
def test_claims_that_give_no_right_are_forbidden(claims: Claims) -> None:
    assert reading(claims, "acme") == reading(claims) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("claim", "asked", "chosen"),
    [
        ("acme", None, "acme"),
        ("acme", "acme", "acme"),
        *(("acme", asked, "FORBIDDEN") for asked in ("globex", "", "ACME", "acme ", "acm", "acme,globex", "*")),
        (["acme"], None, "acme"),
        (["acme", "acme"], None, "acme"),
        (["acme", "globex"], None, "BAD_USER_INPUT"),
        (["acme", "globex"], "globex", "globex"),
        (["acme", "globex"], "initech", "FORBIDDEN"),
        (["acme", "globex"], "", "FORBIDDEN"),
        ("acme globex", "acme", "FORBIDDEN"),
    ],
)
def test_a_token_opens_its_own_tenants(claim: Any, asked: str | None, chosen: str) -> None:
    found = reading({"tenant": claim}, asked)
    assert (found.tenant_id if isinstance(found, Viewer) else found) == chosen


def test_the_claims_may_have_other_names() -> None:
    issuer = replace(
        ISSUER,
        tenant_claim="https://benefits.example/tenant",
        role_claim="roles",
        employer_claim="org",
        employee_claim="staff",
        actions_claim="scope",
    )
    claims = {"https://benefits.example/tenant": "globex", "roles": ["service"], "org": EMPLOYER, "staff": EMPLOYEE}
    viewer = reading(claims | {"scope": "openid elect"}, issuer=issuer)
    assert isinstance(viewer, Viewer)
    assert (viewer.tenant_id, viewer.role, viewer.employer_id) == ("globex", Role.SERVICE, EMPLOYER)
    assert (viewer.employee_id, viewer.actions) == (EMPLOYEE, frozenset({Action.ELECT}))
    assert reading({}, issuer=issuer) == "FORBIDDEN"


def test_one_subject_has_one_name_which_does_not_tell_it() -> None:
    def name(sub: str, issuer: str = ISSUER.name, **claims: Any) -> str:
        viewer = reading({"sub": sub} | claims, issuer=Issuer(issuer, AUDIENCE))
        assert isinstance(viewer, Viewer)
        return viewer.key_id

    assert name(SUBJECT) == name(SUBJECT, jti="1", exp=1, tenant="globex")
    others = [name("maya"), name(SUBJECT.upper()), name(SUBJECT + "\0"), name(SUBJECT, "https://other.example")]
    assert len({name(SUBJECT), *others}) == 5
    assert all(USER.fullmatch(other) for other in others)
    assert name("b", "https://idp.examplea") != name("ab")


# ------------------------------------------------------------------------------------------ who is let in, where


async def test_each_role_is_let_in_as_what_it_is(
    here: Gateway, idp: Provider, database: Database, clock: Clock
) -> None:
    employer = await make_employer(database, clock)
    employee = await make_employee(database, clock, employer=employer)
    firm = {"employer_id": employer}
    expectations: list[tuple[Claims, tuple[Any, ...]]] = [
        ({"role": "administrator"}, ("ADMINISTRATOR", None, None)),
        ({"role": "employer"} | firm, ("EMPLOYER", {"id": employer}, None)),
        ({"role": "employee", "employee_id": employee} | firm, ("EMPLOYEE", {"id": employer}, {"id": employee})),
        ({"role": "service", "actions": "elect"}, ("SERVICE", None, None)),
        ({"role": "service", "actions": []} | firm, ("SERVICE", {"id": employer}, None)),
    ]
    for claims, expected in expectations:
        viewer = (await here.data(idp.token(**claims), tenant="acme"))["viewer"]
        assert viewer == dict(zip(("tenant", "role", "employer", "employee"), ("acme", *expected), strict=True))


async def test_a_tenant_that_is_none_and_one_that_is_not_the_tokens_look_the_same(
    here: Gateway, idp: Provider, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    await make_tenant(database, clock, tenant="globex")
    tries = [
        *((idp.token(), tenant) for tenant in ("globex", "nobody", "", "NO TENANT")),
        *(
            (idp.token(tenant=tenant), None)
            for tenant in ("nobody", "", "ACME", "acme\0", "acme'--", "\ud800", "a" * 64)
        ),
        (idp.token(tenant=["nobody", "acme"]), "nobody"),
        (idp.token(tenant=...), None),
        (idp.token(tenant=...), "acme"),
    ]
    for token, tenant in tries:
        assert await refused(here, token, tenant) == (403, ["FORBIDDEN"], TENANT_FORBIDDEN)


async def test_an_employer_and_an_employee_are_there_and_belong_together(
    here: Gateway, idp: Provider, database: Database, clock: Clock
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
            assert await refused(here, token) == (403, ["FORBIDDEN"], TENANT_FORBIDDEN), role
    for employer, employee in ((acme, ada), (beta, bob)):
        token = idp.token(role="EMPLOYEE", employer_id=employer, employee_id=employee)
        assert (await here.data(token))["viewer"]["employee"] == {"id": employee}


async def test_a_token_of_several_tenants_says_which(
    here: Gateway, idp: Provider, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    await make_tenant(database, clock, tenant="globex")
    token = idp.token(tenant=["acme", "globex", "nobody"])
    assert (await refused(here, token))[:2] == (400, ["BAD_USER_INPUT"])
    for tenant in ("acme", "globex"):
        assert (await here.data(token, tenant=tenant))["viewer"]["tenant"] == tenant


async def test_a_service_may_do_what_its_token_names(
    here: Gateway, idp: Provider, database: Database, clock: Clock
) -> None:
    await make_tenant(database, clock)
    query = 'mutation { createEmployer(input: {name: "New", timeZone: "America/New_York"}) { employer { name } } }'
    actions = idp.token(role="service", actions="openid createEmployer")
    assert (await here.data(actions, query))["createEmployer"] == {"employer": {"name": "New"}}
    for other in ("elect", "", ["createEmployee"], ...):
        response = await here.ask(idp.token(role="service", actions=other), query)
        assert (await told(response))[1] == ["FORBIDDEN"]


async def test_an_employees_token_reaches_her_own_and_elects_and_history_holds_no_name(
    idp: Provider, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office = await create_office(database)
    ada, bob = await office.hire("Ada"), await office.hire("Bob")
    await office.open_plan_year()
    pending, other = await office.pending_enrollment(ada), await office.pending_enrollment(bob)
    times = {"iat": ..., "nbf": ..., "exp": Clock.at(datetime.now(UTC), TODAY).now.timestamp() + 200_000}
    who = {"role": "employee", "employer_id": office.employer, "employee_id": ada}
    tokens = [idp.token(**who, **times, jti=str(number)) for number in range(2)]
    elect = "mutation($input: ElectInput!) { elect(input: $input) { enrollments { status } userErrors { code } } }"

    def waiver(employee: str, enrollment: str) -> dict[str, Any]:
        answer = {"enrollmentId": enrollment, "decision": "WAIVED"}
        return {"employeeId": employee, "elections": [answer], "idempotencyKey": "once"}

    async with gateway(database, idp.issuer, fixed_on=TODAY) as here:
        seen = await here.data(
            tokens[0], "query($a: ID!, $b: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }", a=ada, b=bob
        )
        assert seen == {"a": {"id": ada}, "b": None}
        done = await here.data(tokens[0], elect, input=waiver(bob, other.id) | {"idempotencyKey": "other"})
        assert [error["code"] for error in done["elect"]["userErrors"]] == ["NOT_FOUND"]
        done = await here.data(tokens[0], elect, input=waiver(ada, pending.id))
        assert done["elect"] == {"enrollments": [{"status": "WAIVED"}], "userErrors": []}
        again = await (await here.ask(tokens[1], elect, input=waiver(ada, pending.id))).json(content_type=None)
        assert again["extensions"]["idempotentReplay"] is True  # a newer token of the same subject's
    actors = {line["actor"] for line in await office.history(pending.id) if line["actor_role"] == "EMPLOYEE"}
    (actor,) = actors
    assert USER.fullmatch(actor.removeprefix("EMPLOYEE "))
    written = json.dumps(await office.read_all_rows())
    for secret in (SUBJECT, *(part for token in tokens for part in token.split("."))):
        assert secret not in written
        assert secret not in caplog.text


# ---------------------------------------------------------------------------------------- keys beside tokens


async def test_a_key_is_a_key_whether_tokens_are_taken_or_not(
    here: Gateway, idp: Provider, database: Database, clock: Clock
) -> None:
    key = await make_key(database, clock)
    async with gateway(database, None) as without:
        for gate in (here, without):
            assert (await gate.data(key))["viewer"]["role"] == "ADMINISTRATOR"
            assert await refused(gate, "bgk_" + "A" * 43) == (
                401,
                ["UNAUTHENTICATED"],
                "The API key is unknown, revoked or expired.",
            )
            assert await refused(gate, "bgk_e30.e30.AAAA") == (
                401,
                ["UNAUTHENTICATED"],
                "The API key is unknown, revoked or expired.",
            )
        assert (await here.data(idp.token()))["viewer"]["role"] == "ADMINISTRATOR"
        assert (await refused(without, idp.token()))[:2] == (401, ["UNAUTHENTICATED"])


@pytest.mark.parametrize("form", ["{}", "Token {}", "Bearer{}", "Bearer {} x", "JWT {}", "Bearer Bearer {}", "Bearer"])
async def test_a_token_is_a_bearers(form: str, here: Gateway, idp: Provider, database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    for headers in ({"Authorization": form.format(idp.token())}, {"X-API-Key": form.format(idp.token())}):
        response = await here.client.post("/graphql", json={"query": QUERY}, headers=headers)
        assert await told(response) == (401, ["UNAUTHENTICATED"])
    for scheme in ("Bearer", "bearer", "BEARER "):
        headers = {"Authorization": f"{scheme} {idp.token()}"}
        response = await here.client.post("/graphql", json={"query": QUERY}, headers=headers)
        assert await told(response) == (200, [])


async def test_a_token_stands_in_one_header(here: Gateway, idp: Provider, database: Database, clock: Clock) -> None:
    key = await make_key(database, clock)
    good = ("Authorization", f"Bearer {idp.token()}")
    for other in (good, ("Authorization", "Bearer x"), ("Authorization", f"Bearer {key}"), ("X-API-Key", key)):
        for headers in ([good, other], [other, good]):
            response = await here.client.post("/graphql", json={"query": QUERY}, headers=headers)
            assert await told(response) == (400, ["BAD_USER_INPUT"])
    response = await here.client.post("/graphql", json={"query": QUERY}, headers=[good, *[("X-Tenant", "acme")] * 2])
    assert await told(response) == (400, ["BAD_USER_INPUT"])


# -------------------------------------------------------------------------------- what was found a moment ago


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


def someone(tenant: str = "acme", employer: str | None = None) -> Viewer:
    return Viewer(tenant, "user_x", Role.SERVICE, employer)


async def test_who_was_found_is_not_looked_for_again_for_a_minute(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    at = 0.0
    admitted = ScopeExistenceCache(SCOPE_CACHE_SECONDS, monotonic=lambda: at)
    looked = []
    with counting(database) as sent:
        for seconds in (0, 1, 59.999, 60, 61, 120):
            at = 1000.0 + seconds
            await check_scope_exists(database, Clock(NOW), someone(), admitted)
            looked.append(len([each for each in sent if "EXISTS" in each]))
    assert looked == [1, 1, 1, 2, 2, 3]


async def test_who_was_not_found_is_looked_for_each_time(database: Database, clock: Clock) -> None:
    admitted = ScopeExistenceCache(SCOPE_CACHE_SECONDS)
    for _ in range(2):
        with pytest.raises(Forbidden):
            await check_scope_exists(database, Clock(NOW), someone(), admitted)
    employer = await make_employer(database, clock)
    await check_scope_exists(database, Clock(NOW), someone(), admitted)
    await check_scope_exists(database, Clock(NOW), someone(employer=employer), admitted)
    for viewer in (someone("globex"), someone(employer=EMPLOYER), someone("globex", employer)):
        with pytest.raises(Forbidden, match="does not grant access"):
            await check_scope_exists(database, Clock(NOW), viewer, admitted)


async def test_what_is_remembered_is_bounded(database: Database, clock: Clock) -> None:
    admitted = ScopeExistenceCache(SCOPE_CACHE_SECONDS, max_entries=2)
    tenants = ["one", "two", "three"]
    for tenant in tenants:
        await make_tenant(database, clock, tenant=tenant)
        await check_scope_exists(database, Clock(NOW), someone(tenant), admitted)
    with counting(database) as sent:
        for tenant in ("two", "three"):
            await check_scope_exists(database, Clock(NOW), someone(tenant), admitted)
        assert sent == []
        await check_scope_exists(database, Clock(NOW), someone("one"), admitted)
        assert sent


def test_a_token_of_several_tenants_is_told_what_to_do() -> None:
    with pytest.raises(BadInput, match="X-Tenant"):
        viewer_of(GOOD | {"tenant": ["acme", "globex"]}, ISSUER, None)
