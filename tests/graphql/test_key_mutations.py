"""API keys over GraphQL: the secret is shown once, lists have none, and no key exceeds its issuer's limits."""

from datetime import timedelta
from typing import Any

import pytest
from graphql_requests import fetch_data
from mutation_calls import MutationResponse, call

from benegraph.db.session import Database
from benegraph.domain.access import Action, Role, Viewer
from benegraph.domain.errors import Unauthenticated
from benegraph.domain.values import Clock
from benegraph.services.access import authenticate
from factories.access import administrator, employee_viewer, employer_viewer, service_viewer
from factories.office import Office, create_office

LIST = """query($filter: ApiKeyFilter) { keys(filter: $filter) { totalCount nodes {
  id prefix label role actions createdAt lastUsedAt expiresAt revokedAt employer { id } employee { id } } } }"""
FEED: dict[str, Any] = {"role": "SERVICE", "label": "Nightly feed", "actions": ["elect", "reissue"]}
UNKNOWN = "empl_01h455vb4pex5vsknk084sn02q"


async def issue(office: Office, input: dict[str, Any] = FEED, viewer: Viewer | None = None) -> MutationResponse:
    return await call(office, "issueKey", input, viewer=viewer)


async def issued_key(office: Office, **changes: Any) -> tuple[str, str]:
    """Issue a key; return its ID and its secret."""
    response = await issue(office, FEED | changes)
    assert response.payload is not None
    return response.payload["key"]["id"], response.payload["secret"]


async def list_keys(office: Office, viewer: Viewer | None = None, **filter: Any) -> dict[str, Any]:
    data = await fetch_data(office.database, office.clock(), viewer or office.viewer, LIST, filter=filter)
    return dict(data["keys"])


async def test_issued_key_authenticates_with_its_limits_and_expires(database: Database) -> None:
    office = await create_office(database)
    id, secret = await issued_key(office, employerId=office.employer, expiresInDays=2)
    clock = office.clock()
    limits = frozenset({Action.ELECT, Action.REISSUE})
    viewer = Viewer("acme", id, Role.SERVICE, office.employer, actions=limits)
    assert await authenticate(database, clock, secret, None) == viewer
    late = Clock(clock.now + timedelta(days=2))
    with pytest.raises(Unauthenticated):
        await authenticate(database, late, secret, None)
    events = await office.history(id)
    assert [(event["action"], event["actor"], event["employer_id"]) for event in events] == [
        ("ISSUED", office.viewer.actor, office.employer)
    ]


async def test_keys_are_listed_without_their_secret(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    feed, secret = await issued_key(office)
    own, _ = await issued_key(office, role="EMPLOYEE", employerId=office.employer, employeeId=ada, actions=None)
    keys = await list_keys(office)
    assert keys["totalCount"] == 2
    first, second = keys["nodes"]
    assert first.pop("createdAt").startswith("2026-11-20T12:00:00")
    assert first == {
        "id": feed,
        "prefix": secret[:12],
        "label": "Nightly feed",
        "role": "SERVICE",
        "actions": ["elect", "reissue"],
        "lastUsedAt": None,
        "expiresAt": None,
        "revokedAt": None,
        "employer": None,
        "employee": None,
    }
    assert (second["id"], second["role"], second["employee"]) == (own, "EMPLOYEE", {"id": ada})
    assert [key["id"] for key in (await list_keys(office, employerId=office.employer))["nodes"]] == [own]


async def test_secret_is_neither_stored_nor_returned_to_a_repeated_call(database: Database) -> None:
    office = await create_office(database)
    input = FEED | {"idempotencyKey": "once"}
    first, again = await issue(office, input), await issue(office, input)
    assert first.payload is not None
    secret = first.payload["secret"]
    assert again.payload == {"key": first.payload["key"], "secret": None}
    assert (first.replayed, again.replayed) == (False, True)
    rows = await office.read_all_rows()
    assert secret not in str(rows)
    (record,) = rows["idempotency_keys"].values()
    assert record["result"] == {"key_id": first.payload["key"]["id"]}
    assert len(rows["api_keys"]) == 1


async def test_only_who_may_issue_or_revoke_keys_sees_them(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    own, _ = await issued_key(office, role="EMPLOYEE", employerId=office.employer, employeeId=ada, actions=None)
    wide, _ = await issued_key(office)
    other_office = await create_office(database, tenant="globex")
    for viewer in (
        employer_viewer(office.employer),
        employee_viewer(office.employer, ada),
        service_viewer(),
        service_viewer(actions=[Action.ELECT]),
        administrator(other_office.viewer.tenant_id),
    ):
        assert await list_keys(office, viewer) == {"totalCount": 0, "nodes": []}
    for viewer, ids in (
        (Viewer("acme", "akey_1", Role.ADMINISTRATOR, office.employer), [own]),
        (service_viewer(actions=[Action.REVOKE_KEY]), [own, wide]),
        (service_viewer(employer=office.employer, actions=[Action.ISSUE_KEY]), [own]),
    ):
        assert [key["id"] for key in (await list_keys(office, viewer))["nodes"]] == ids


async def test_revoked_key_is_refused_and_no_longer_active(database: Database) -> None:
    office = await create_office(database)
    id, secret = await issued_key(office)
    expiring, _ = await issued_key(office, expiresInDays=1)
    assert (await call(office, "revokeKey", {"keyId": id})).payload == {"key": {"id": id}}
    with pytest.raises(Unauthenticated):
        await authenticate(database, office.clock(), secret, None)
    assert [key["id"] for key in (await list_keys(office, active=True))["nodes"]] == [expiring]
    assert [key["id"] for key in (await list_keys(office, active=False))["nodes"]] == [id]
    tomorrow = office.on_day(office.today + timedelta(days=2))
    assert [key["id"] for key in (await list_keys(tomorrow, active=False))["nodes"]] == [id, expiring]
    before = await office.read_all_rows()
    again = await call(office, "revokeKey", {"keyId": id})
    assert again.refusals == ["INVALID_STATUS_TRANSITION keyId"]
    assert await office.read_all_rows() == before
    assert [event["action"] for event in await office.history(id)] == ["ISSUED", "REVOKED"]


async def test_key_with_inconsistent_limits_is_refused(database: Database) -> None:
    office, other = await create_office(database), await create_office(database)
    stranger = await other.hire()
    employer: dict[str, Any] = {"employerId": office.employer}
    plain: dict[str, Any] = {"label": "A key", "actions": None}
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"role": "EMPLOYER"}, ["INVALID_INPUT employerId"]),
        ({"role": "EMPLOYEE"}, ["INVALID_INPUT employerId", "INVALID_INPUT employeeId"]),
        ({"role": "EMPLOYEE", **employer}, ["INVALID_INPUT employeeId"]),
        ({"role": "SERVICE", "employeeId": stranger}, ["INVALID_INPUT employerId"]),
        ({"role": "EMPLOYEE", "employeeId": stranger, **employer}, ["NOT_FOUND employeeId"]),
        ({"role": "EMPLOYEE", "employeeId": UNKNOWN, **employer}, ["NOT_FOUND employeeId"]),
        ({"role": "ADMINISTRATOR", "actions": ["elect"]}, ["INVALID_INPUT actions"]),
        (
            {"role": "SERVICE", "actions": ["elect", "dance"], "label": " "},
            ["INVALID_INPUT label", "INVALID_INPUT actions.1"],
        ),
        ({"role": "SERVICE", "expiresInDays": 0}, ["INVALID_INPUT expiresInDays"]),
        ({"role": "SERVICE", "expiresInDays": 3651}, ["INVALID_INPUT expiresInDays"]),
    ]
    before = await office.read_all_rows()
    for input, refusals in cases:
        assert (await issue(office, plain | input)).refusals == refusals, input
    assert await office.read_all_rows() == before
    for days in (1, 3650):
        assert (await issue(office, {"role": "SERVICE", "label": "A key", "expiresInDays": days})).is_applied


async def test_key_beyond_the_own_limits_is_forbidden(database: Database) -> None:
    office, other = await create_office(database), await create_office(database)
    limited = Viewer("acme", "akey_1", Role.ADMINISTRATOR, office.employer)
    service = service_viewer(actions=[Action.ISSUE_KEY, Action.ELECT])
    own = {"role": "EMPLOYER", "label": "HR", "employerId": office.employer}
    before = await office.read_all_rows()
    for viewer, input in (
        (limited, {"role": "ADMINISTRATOR", "label": "All"}),
        (limited, FEED),
        (service, own),
        (service, {"role": "ADMINISTRATOR", "label": "All"}),
        (service, FEED),
        (employer_viewer(office.employer), own),
    ):
        assert (await issue(office, input, viewer)).errors == ["FORBIDDEN"], (viewer, input)
    assert (await issue(office, own | {"employerId": other.employer}, limited)).refusals == ["NOT_FOUND employerId"]
    assert await office.read_all_rows() == before
    assert (await issue(office, own, limited)).is_applied
    assert (await issue(office, FEED | {"actions": ["elect"]}, service)).is_applied


async def test_key_outside_the_own_limits_is_not_revoked(database: Database) -> None:
    office, other = await create_office(database), await create_office(database)
    foreign = await create_office(database, tenant="globex")
    wide, _ = await issued_key(office)
    theirs, _ = await issued_key(other, employerId=other.employer)
    limited = Viewer("acme", "akey_1", Role.ADMINISTRATOR, office.employer)
    before = await office.read_all_rows()
    for viewer, id in ((limited, wide), (limited, theirs), (foreign.viewer, wide)):
        assert (await call(office, "revokeKey", {"keyId": id}, viewer=viewer)).refusals == ["NOT_FOUND keyId"]
    assert (await call(office, "revokeKey", {"keyId": wide}, viewer=service_viewer())).errors == ["FORBIDDEN"]
    assert await office.read_all_rows() == before
