"""What a token's claims make of its bearer: in which tenant, in what role, limited to whom."""

import hashlib
from typing import Any

from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import BadInput, Forbidden
from benegraph.domain.ids import IdPrefix, prefix_of
from benegraph.services.access import TENANT_FORBIDDEN
from benegraph.settings import Issuer
from benegraph.web.tokens.jwt import Claims, InvalidToken

_LONGEST_SUBJECT = 255  # OpenID Connect's own bound


def viewer_of(claims: Claims, issuer: Issuer, tenant_id: str | None) -> Viewer:
    """Read who a token's bearer is, in the tenant asked for, or in its only one; whether there is such is not asked.

    Raises InvalidToken for a token without a subject, Forbidden for one that gives its bearer no right here, BadInput
    where it names several tenants and the request none.
    """
    key_id = _key_id(issuer, claims.get("sub"))
    tenant = _tenant(claims.get(issuer.tenant_claim), tenant_id)
    role = _role(claims.get(issuer.role_claim))
    employer = _id(claims.get(issuer.employer_claim), IdPrefix.EMPLOYER)
    employee = _id(claims.get(issuer.employee_claim), IdPrefix.EMPLOYEE)
    if employee is not None and employer is None:
        raise Forbidden("This token names an employee, but not whose.")
    actions = _actions(claims.get(issuer.actions_claim)) if role is Role.SERVICE else frozenset[Action]()
    try:
        return Viewer(tenant, key_id, role, employer, employee, actions)
    except ValueError:
        raise Forbidden("This token's role needs the employer, or the employee, whom it acts for.") from None


def _key_id(issuer: Issuer, subject: Any) -> str:
    # A subject may be a name or an address, and this stands in history and in logs.
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise InvalidToken("subject")
    try:
        named = f"{issuer.name}\0{subject}".encode()
    except UnicodeEncodeError:  # half of a pair, which JSON can spell
        raise InvalidToken("subject") from None
    return f"user_{hashlib.sha256(named).hexdigest()[:32]}"


def _tenant(claim: Any, asked: str | None) -> str:
    tenants = [tenant for tenant in dict.fromkeys(_texts(claim)) if asked in (None, tenant)]
    if not tenants:
        raise Forbidden(TENANT_FORBIDDEN)
    if len(tenants) > 1:
        raise BadInput("This token is good for several tenants: name one in X-Tenant.")
    return tenants[0]


def _role(claim: Any) -> Role:
    # Beyond ASCII there are letters whose capitals are within it.
    words = (word.upper() for word in _texts(claim) if word.isascii())
    roles = [Role(word) for word in words if word in list(Role)]
    if len(roles) != 1:
        raise Forbidden("This token names no role that there is here, or several.")
    return roles[0]


def _id(claim: Any, kind: IdPrefix) -> str | None:
    if claim is None:
        return None
    if not isinstance(claim, str) or prefix_of(claim) is not kind:
        raise Forbidden(f"This token names an {kind.name.lower()} by what is no id of one.")
    return claim


def _actions(claim: Any) -> frozenset[Action]:
    words = claim.split() if isinstance(claim, str) else _texts(claim)
    return frozenset(Action(word) for word in words if word in list(Action))


def _texts(claim: Any) -> list[str]:
    """Give a claim's one text, or each of several; none where it is anything else."""
    texts = claim if isinstance(claim, list) else [claim]
    return texts if all(isinstance(text, str) for text in texts) else []
