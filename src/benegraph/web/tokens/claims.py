"""The rights of a token: its tenant, role, employer, employee and actions, read from its claims."""

import hashlib
from collections.abc import Iterator
from typing import Any

from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.services.access import TENANT_FORBIDDEN
from benegraph.settings import Issuer
from benegraph.web.tokens.jwt import Claims, InvalidToken

_MAX_SUBJECT_LENGTH = 255  # the limit of OpenID Connect


def viewer_of(claims: Claims, issuer: Issuer, tenant_id: str | None) -> Viewer:
    """Return the viewer that a token's claims describe, in the requested tenant or in the token's only tenant.

    Whether the tenant, employer and employee exist is not checked. Raises InvalidToken for a token without a subject,
    Forbidden for a token without a usable role or scope, and BadInput if the token names several tenants and none is
    requested.
    """
    key_id = _key_id(issuer, claims.get("sub"))
    tenant = _tenant(find_claim(claims, issuer.tenant_claim), issuer, tenant_id)
    role = _role(find_claim(claims, issuer.role_claim))
    employer = _id(find_claim(claims, issuer.employer_claim), IdPrefix.EMPLOYER)
    employee = _id(find_claim(claims, issuer.employee_claim), IdPrefix.EMPLOYEE)
    if employee is not None and employer is None:
        raise Forbidden("The token has an employee claim, but no employer claim.")
    actions = _actions(find_claim(claims, issuer.actions_claim)) if role is Role.SERVICE else frozenset[Action]()
    try:
        return Viewer(tenant, key_id, role, employer, employee, actions)
    except ValueError:
        missing = "an employer claim" if role is Role.EMPLOYER else "an employer claim and an employee claim"
        raise Forbidden(f"The token's role {role} requires {missing}.") from None


def find_claim(claims: Claims, path: str) -> Any:
    """Return the claim of this name, or at this path of names with dots between them; None if there is none.

    A name may itself contain dots: the path may lead to a claim in several ways. Raises Forbidden if more than one of
    them leads to a claim, because the issuer could mean one while the gateway reads the other.
    """
    values = list(_values_at(claims, path))
    if len(values) > 1:
        raise Forbidden(f"The token has more than one claim at {path}.")
    return values[0] if values else None


def _values_at(members: Any, path: str) -> Iterator[Any]:
    if isinstance(members, dict):
        if path in members:
            yield members[path]
        for dot in (index for index, character in enumerate(path) if character == "."):
            yield from _values_at(members.get(path[:dot]), path[dot + 1 :])


def _key_id(issuer: Issuer, subject: Any) -> str:
    # A subject may be a name or an e-mail address. History and logs contain this hash in its place.
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT_LENGTH:
        raise InvalidToken("subject")
    try:
        identity = f"{issuer.name}\0{subject}".encode()
    except UnicodeEncodeError:  # JSON can contain half of a surrogate pair
        raise InvalidToken("subject") from None
    return f"user_{hashlib.sha256(identity).hexdigest()[:32]}"


def _tenant(claim: Any, issuer: Issuer, requested: str | None) -> str:
    tenants = [tenant for tenant in dict.fromkeys(_texts(claim)) if requested in (None, tenant)]
    if issuer.tenants is not None:
        tenants = [tenant for tenant in tenants if tenant in issuer.tenants]
    if not tenants:
        raise Forbidden(TENANT_FORBIDDEN)
    if len(tenants) > 1:
        raise BadInput("The token is valid for several tenants; choose one with the header X-Tenant.")
    return tenants[0]


def _role(claim: Any) -> Role:
    # ASCII only: some other letters become ASCII letters in upper case.
    names = (name.upper() for name in _texts(claim) if name.isascii())
    roles = [Role(name) for name in names if name in list(Role)]
    if len(roles) != 1:
        raise Forbidden(f"The token's role claim must name exactly one of {', '.join(Role)}.")
    return roles[0]


def _id(claim: Any, prefix: IdPrefix) -> str | None:
    if claim is None:
        return None
    if not isinstance(claim, str) or prefix_of(claim) is not prefix:
        object_type = prefix.name.lower()
        raise Forbidden(f"The token's {object_type} claim is not an {object_type} ID.")
    return claim


def _actions(claim: Any) -> frozenset[Action]:
    names = claim.split() if isinstance(claim, str) else _texts(claim)
    return frozenset(Action(name) for name in names if name in list(Action))


def _texts(claim: Any) -> list[str]:
    """Return the strings of a claim that is a string or a list of strings; an empty list for any other claim."""
    texts = claim if isinstance(claim, list) else [claim]
    return texts if all(isinstance(text, str) for text in texts) else []
