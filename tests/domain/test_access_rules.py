"""Permissions: the whole table of roles and actions, compared with `access_matrix.txt`.

After an intended change, rewrite the file with `uv run python tests/domain/test_access_rules.py` and review the diff.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benegraph.domain.access import PERMISSIONS, Action, Role, Viewer, require_permission
from benegraph.domain.errors import Forbidden

MATRIX = Path(__file__).with_name("access_matrix.txt")
EVERY_ACTION = frozenset(Action)


def viewer(role: Role, *actions: Action) -> Viewer:
    return Viewer("acme", "akey_1", role, employer_id="empr_1", employee_id="empl_1", actions=frozenset(actions))


def render() -> str:
    """Render the table, one row per action. "SERVICE, by key" is a service whose key names only that action."""
    rows = [f"{'action':<30}" + "".join(f"{role:<15}" for role in Role) + "SERVICE, by key"]
    for action in Action:
        allowed = [viewer(role).is_allowed(action) for role in Role]
        allowed.append(viewer(Role.SERVICE, action).is_allowed(action))
        rows.append(f"{action:<30}" + "".join(f"{'yes' if is_allowed else '-':<15}" for is_allowed in allowed))
    return "".join(row.rstrip() + "\n" for row in rows)


def test_permissions_equal_the_reviewed_table() -> None:
    assert render() == MATRIX.read_text(encoding="utf-8"), (
        "Permissions have changed. If this is intended, run: uv run python tests/domain/test_access_rules.py"
    )


def test_every_role_has_permissions() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_employee_actions_concern_only_themselves() -> None:
    assert PERMISSIONS[Role.EMPLOYEE] == {
        Action.ELECT,
        Action.REOPEN_ELECTION,
        Action.REISSUE,
        Action.ADD_DEPENDENT,
        Action.UPDATE_DEPENDENT,
        Action.REPORT_LIFE_EVENT,
        Action.WITHDRAW_LIFE_EVENT,
        Action.WITHDRAW_REISSUE,
    }


def test_employer_may_not_create_employers_or_products() -> None:
    assert not PERMISSIONS[Role.EMPLOYER] & {Action.CREATE_EMPLOYER, Action.CREATE_BENEFIT_PRODUCT}


def test_carrier_actions_are_for_administrators_and_services() -> None:
    terms = ("Subscriber", "GroupContract", "Premium", "PaidThrough", "TenantSettings")
    carrier_actions = {action for action in Action if any(term in action for term in terms)}
    assert len(carrier_actions) == 15
    assert not carrier_actions & (PERMISSIONS[Role.EMPLOYER] | PERMISSIONS[Role.EMPLOYEE])


# ---------------------------------------------------------------------------------------------------- keys


@given(st.frozensets(st.sampled_from(Action)))
def test_service_may_perform_only_the_actions_of_its_key(actions: frozenset[Action]) -> None:
    service = Viewer("acme", "akey_1", Role.SERVICE, actions=actions)
    assert {action for action in Action if service.is_allowed(action)} == actions


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.EMPLOYER, Role.EMPLOYEE])
def test_actions_of_a_key_add_nothing_to_other_roles(role: Role) -> None:
    with_actions = viewer(role, *EVERY_ACTION)
    assert {action for action in Action if with_actions.is_allowed(action)} == PERMISSIONS[role]


@pytest.mark.parametrize(
    ("role", "employer_id", "employee_id"),
    [
        (Role.EMPLOYER, None, None),
        (Role.EMPLOYER, None, "empl_1"),
        (Role.EMPLOYEE, None, None),
        (Role.EMPLOYEE, "empr_1", None),
        (Role.EMPLOYEE, None, "empl_1"),
    ],
)
def test_viewer_without_the_limit_of_its_role_is_refused(
    role: Role, employer_id: str | None, employee_id: str | None
) -> None:
    with pytest.raises(ValueError, match=f"^the role {role} needs an employer_id"):
        Viewer("acme", "akey_1", role, employer_id, employee_id)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.SERVICE])
def test_viewer_limited_to_an_employee_without_the_employer_is_refused(role: Role) -> None:
    with pytest.raises(ValueError, match=r"^an employee_id needs the employer_id"):
        Viewer("acme", "akey_1", role, None, "empl_1")
    assert Viewer("acme", "akey_1", role, "empr_1", "empl_1").employee_id == "empl_1"
    assert Viewer("acme", "akey_1", role, "empr_1").employee_id is None


@pytest.mark.parametrize(
    ("role", "employer_id", "employee_id"),
    [
        (Role.ADMINISTRATOR, None, None),
        (Role.SERVICE, None, None),
        (Role.SERVICE, "empr_1", None),
        (Role.EMPLOYER, "empr_1", None),
        (Role.EMPLOYEE, "empr_1", "empl_1"),
    ],
)
def test_viewer_with_the_limit_of_its_role_is_accepted(
    role: Role, employer_id: str | None, employee_id: str | None
) -> None:
    limited = Viewer("acme", "akey_1", role, employer_id, employee_id)
    assert (limited.employer_id, limited.employee_id) == (employer_id, employee_id)
    assert limited.actions == frozenset()


def test_actor_is_role_and_key() -> None:
    assert viewer(Role.EMPLOYER).actor == "EMPLOYER akey_1"


# ----------------------------------------------------------------------------------------- require_permission


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("role", list(Role))
def test_denied_action_is_forbidden(role: Role, action: Action) -> None:
    if action in PERMISSIONS[role]:
        require_permission(viewer(role), action)
        return
    with pytest.raises(Forbidden) as forbidden:
        require_permission(viewer(role), action)
    assert str(forbidden.value) == f"This caller may not call the mutation {action}."
    assert forbidden.value.code == "FORBIDDEN"


def test_service_is_forbidden_an_action_its_key_does_not_name() -> None:
    service = viewer(Role.SERVICE, Action.ELECT)
    require_permission(service, Action.ELECT)
    with pytest.raises(Forbidden, match=r"^This caller may not call the mutation reissue\.$"):
        require_permission(service, Action.REISSUE)


if __name__ == "__main__":
    MATRIX.write_text(render(), encoding="utf-8")
