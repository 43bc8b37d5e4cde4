"""Several issuers: a token is checked only against the issuer it names. Tokens without a key ID, and nested claims."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import unused_port
from api_client import status_and_codes
from identity_provider import (
    AUDIENCE,
    SUBJECT,
    IdentityProvider,
    TokenClient,
    ed25519_key,
    encode_token,
    public_jwk,
    rsa_key,
    running_gateway,
    running_provider,
    signer,
)
from joserfc.jwk import RSAKey

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from benegraph.services.access import TENANT_FORBIDDEN
from benegraph.settings import Issuer
from factories.access import make_tenant

PARTNER_AUDIENCE = "https://partner.example/benefits"
#: An access token of Keycloak, as its documentation shows it.
KEYCLOAK_CLAIMS: dict[str, Any] = {
    "tenant": "acme",
    "role": ...,
    "azp": "portal",
    "realm_access": {"roles": ["offline_access", "uma_authorization", "service"]},
    "resource_access": {"benefits.portal": {"roles": ["administrator"]}, "account": {"roles": ["manage-account"]}},
    "scope": "profile email",
}


@pytest.fixture
def owner_url(shared_url: str) -> str:
    """Share one database: these tests only read tokens and write nothing."""
    return shared_url


@pytest.fixture
async def idp() -> AsyncIterator[IdentityProvider]:
    async with running_provider() as provider:
        yield provider


@pytest.fixture
async def partner() -> AsyncIterator[IdentityProvider]:
    """Run a second provider, with another key under the same key ID."""
    async with running_provider() as provider:
        provider.keys = [public_jwk(rsa_key("partner"), kid="rsa")]
        yield provider


@pytest.fixture(autouse=True)
async def _tenants(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    await make_tenant(database, clock, tenant="globex")


def issuer_of_partner(partner: IdentityProvider) -> Issuer:
    return replace(partner.issuer, audience=PARTNER_AUDIENCE, role_claim="groups")


def token_of_partner(partner: IdentityProvider, key: RSAKey | None = None, **claims: Any) -> str:
    claims = partner.claims(**{"aud": PARTNER_AUDIENCE, "role": ..., "groups": ["service"]} | claims)
    return encode_token(partner.header(), claims, signer(key or rsa_key("partner")))


async def role_of(client: TokenClient, token: str) -> str:
    return str((await client.data(token))["viewer"]["role"])


async def is_unauthenticated(client: TokenClient, token: str) -> bool:
    return await status_and_codes(await client.post(token)) == (401, ["UNAUTHENTICATED"])


# -------------------------------------------------------------------------------------------------- several issuers


async def test_each_issuer_has_its_own_audience_keys_and_claims(
    idp: IdentityProvider, partner: IdentityProvider, database: Database
) -> None:
    async with running_gateway(database, idp.issuer, issuer_of_partner(partner)) as client:
        assert await role_of(client, idp.token()) == "ADMINISTRATOR"
        assert await role_of(client, token_of_partner(partner)) == "SERVICE"
        # Neither claims nor audience of the other issuer count.
        assert await is_unauthenticated(client, idp.token(aud=PARTNER_AUDIENCE))
        assert await is_unauthenticated(client, token_of_partner(partner, aud=AUDIENCE))
        response = await client.post(token_of_partner(partner, role="ADMINISTRATOR", groups=...))
        assert await status_and_codes(response) == (403, ["FORBIDDEN"])
    assert idp.request_counts == partner.request_counts == {"/keys": 1}


@pytest.mark.parametrize("header", [{}, {"kid": ...}, {"kid": "other"}, {"jwk": "own"}])
async def test_key_of_one_issuer_cannot_sign_for_another(
    header: dict[str, Any], idp: IdentityProvider, partner: IdentityProvider, database: Database
) -> None:
    idp.keys = [public_jwk(rsa_key("own"), kid="other"), public_jwk(rsa_key())]
    async with running_gateway(database, idp.issuer, issuer_of_partner(partner)) as client:
        assert await role_of(client, token_of_partner(partner)) == "SERVICE"
        if header == {"jwk": "own"}:
            header = {"jwk": public_jwk(rsa_key("own"))}
        for victim, audience, claims, attackers_key in (
            (partner, PARTNER_AUDIENCE, {"groups": ["administrator"]}, rsa_key()),
            (partner, PARTNER_AUDIENCE, {"groups": ["administrator"]}, rsa_key("own")),
            (idp, AUDIENCE, {}, rsa_key("partner")),
        ):
            forged = encode_token(victim.header(**header), victim.claims(aud=audience, **claims), signer(attackers_key))
            assert await is_unauthenticated(client, forged)
        for several in ([idp.url, partner.url], f"{idp.url} {partner.url}", f"{partner.url}/", partner.url.upper()):
            assert await is_unauthenticated(client, token_of_partner(partner, iss=several))
        assert await role_of(client, token_of_partner(partner)) == "SERVICE"


async def test_token_of_an_unknown_issuer_causes_no_fetch(
    idp: IdentityProvider, partner: IdentityProvider, database: Database
) -> None:
    async with running_gateway(database, idp.issuer) as client:
        assert await is_unauthenticated(client, token_of_partner(partner))
        assert await is_unauthenticated(client, idp.token(iss=...))
    assert idp.request_counts == partner.request_counts == {}


async def test_outage_of_one_issuer_does_not_affect_another(idp: IdentityProvider, database: Database) -> None:
    unreachable = IdentityProvider(f"http://127.0.0.1:{unused_port()}")
    async with running_gateway(database, unreachable.issuer, idp.issuer) as client:
        response = await client.post(unreachable.token())
        assert await status_and_codes(response) == (503, ["UNAVAILABLE"])
        assert await role_of(client, idp.token()) == "ADMINISTRATOR"


async def test_issuer_gives_access_to_its_tenants_only(
    idp: IdentityProvider, partner: IdentityProvider, database: Database
) -> None:
    limited = replace(issuer_of_partner(partner), tenants=frozenset({"globex", "initech"}))
    async with running_gateway(database, idp.issuer, limited) as client:
        for claim, requested in (("acme", None), ("acme", "acme"), (["acme", "globex"], "acme"), ("initech", None)):
            response = await client.post(token_of_partner(partner, tenant=claim), tenant=requested)
            assert await status_and_codes(response) == (403, ["FORBIDDEN"])
            assert (await response.json())["errors"][0]["message"] == TENANT_FORBIDDEN
        for token in (token_of_partner(partner, tenant=claim) for claim in ("globex", ["acme", "globex"])):
            assert (await client.data(token))["viewer"]["tenant"] == "globex"
        assert (await client.data(idp.token(tenant="globex")))["viewer"]["tenant"] == "globex"


# ----------------------------------------------------------------------------------------- tokens without a key ID


@pytest.mark.parametrize(
    "others",
    [
        [],
        [public_jwk(rsa_key("odd"), use="enc")],
        [public_jwk(rsa_key("odd"), alg="RS512"), {"kty": "EC", "kid": "ec", "crv": "P-256"}, None],
    ],
)
@pytest.mark.parametrize("kid", ["rsa", ...])
async def test_token_without_key_id_is_verified_by_the_only_key(
    kid: Any, others: list[Any], idp: IdentityProvider, database: Database
) -> None:
    idp.keys = [*others, public_jwk(rsa_key(), kid=kid)]
    async with running_gateway(database, idp.issuer) as client:
        assert await role_of(client, idp.token_with_header(kid=...)) == "ADMINISTRATOR"
        for forged in (
            *(idp.token_with_header(kid=invalid) for invalid in ("", "unknown", None, 1, ["rsa"])),
            encode_token(idp.header(kid=...), idp.claims(), signer(rsa_key("attacker"))),
            encode_token(idp.header(kid=..., alg="EdDSA"), idp.claims(), signer(ed25519_key())),
        ):
            assert await is_unauthenticated(client, forged)


@pytest.mark.parametrize(
    "keys",
    [
        [public_jwk(rsa_key()), public_jwk(rsa_key("next"))],
        [public_jwk(rsa_key(), kid=...), public_jwk(rsa_key("next"), kid=...)],
        [public_jwk(rsa_key(), kid=...), public_jwk(rsa_key("next"))],
        [public_jwk(rsa_key()), public_jwk(rsa_key("next"), kid="rsa")],
        [public_jwk(rsa_key()), public_jwk(ed25519_key())],
        [],
    ],
)
async def test_token_without_key_id_is_rejected_unless_there_is_one_key(
    keys: list[Any], idp: IdentityProvider, database: Database
) -> None:
    idp.keys = keys
    async with running_gateway(database, idp.issuer) as client:
        for key in (rsa_key(), rsa_key("next")):
            assert await is_unauthenticated(client, encode_token(idp.header(kid=...), idp.claims(), signer(key)))


# ----------------------------------------------------------------------------------------------- nested claims


@pytest.mark.parametrize(
    ("path", "role"),
    [("realm_access.roles", "SERVICE"), ("resource_access.benefits.portal.roles", "ADMINISTRATOR")],
)
async def test_keycloak_roles_are_read_from_nested_claims(
    path: str, role: str, idp: IdentityProvider, database: Database
) -> None:
    async with running_gateway(database, replace(idp.issuer, role_claim=path)) as client:
        assert await role_of(client, idp.token(**KEYCLOAK_CLAIMS)) == role
        for changes in (
            {"realm_access": {"roles": ["offline_access"]}, "resource_access": {}},
            {"realm_access": ["service"], "resource_access": {"benefits.portal": ["administrator"]}},
            {"realm_access": ..., "resource_access": None},
        ):
            response = await client.post(idp.token(**KEYCLOAK_CLAIMS | changes))
            assert await status_and_codes(response) == (403, ["FORBIDDEN"])


async def test_claim_names_may_be_urls(idp: IdentityProvider, database: Database) -> None:
    issuer = replace(idp.issuer, role_claim="https://example.com/role", tenant_claim="https://example.com/app.tenant")
    claims = {"https://example.com/role": "service", "https://example.com/app.tenant": "globex", "tenant": ...}
    async with running_gateway(database, issuer) as client:
        viewer = (await client.data(idp.token(**claims)))["viewer"]
        assert (viewer["tenant"], viewer["role"]) == ("globex", "SERVICE")


async def test_claim_with_two_readings_is_forbidden(idp: IdentityProvider, database: Database) -> None:
    async with running_gateway(database, replace(idp.issuer, role_claim="realm_access.roles")) as client:
        token = idp.token(**KEYCLOAK_CLAIMS | {"realm_access.roles": ["administrator"]})
        response = await client.post(token)
        assert await status_and_codes(response) == (403, ["FORBIDDEN"])
        body = await response.json()
        assert body["errors"][0]["message"] == "The token has more than one claim at realm_access.roles."
        assert SUBJECT not in str(body)
