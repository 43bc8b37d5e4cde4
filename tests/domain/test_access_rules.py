"""Who may do what: the whole table of roles and actions, compared with `access_matrix.txt`.

A permission changed on purpose is written down with `uv run python tests/domain/test_access_rules.py`,
and read in review.
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
    """Write the table: a row an action; `by key` is a service whose key names that action and no other."""
    rows = [f"{'action':<30}" + "".join(f"{role:<15}" for role in Role) + "SERVICE, by key"]
    for action in Action:
        answers = [viewer(role).is_allowed(action) for role in Role]
        answers.append(viewer(Role.SERVICE, action).is_allowed(action))
        rows.append(f"{action:<30}" + "".join(f"{'yes' if may else '-':<15}" for may in answers))
    return "".join(row.rstrip() + "\n" for row in rows)


def test_the_table_of_roles_and_actions_is_the_one_that_was_reviewed() -> None:
    assert render() == MATRIX.read_text(encoding="utf-8"), (
        "Permissions changed. If they were meant to: uv run python tests/domain/test_access_rules.py"
    )


def test_every_role_has_its_row() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_an_employee_acts_for_themselves_alone() -> None:
    assert PERMISSIONS[Role.EMPLOYEE] == {
        Action.ELECT,
        Action.REOPEN_ELECTION,
        Action.REISSUE,
        Action.ADD_DEPENDENT,
        Action.UPDATE_DEPENDENT,
        Action.REPORT_LIFE_EVENT,
    }


def test_an_employer_keeps_neither_employers_nor_products() -> None:
    assert not PERMISSIONS[Role.EMPLOYER] & {Action.CREATE_EMPLOYER, Action.CREATE_BENEFIT_PRODUCT}


def test_the_carriers_side_is_for_administrators_and_services() -> None:
    words = ("Subscriber", "GroupContract", "Premium", "PaidThrough", "TenantSettings")
    carriers = {action for action in Action if any(word in action for word in words)}
    assert len(carriers) == 12
    assert not carriers & (PERMISSIONS[Role.EMPLOYER] | PERMISSIONS[Role.EMPLOYEE])


# ---------------------------------------------------------------------------------------------------- keys


@given(st.frozensets(st.sampled_from(Action)))
def test_a_service_may_do_what_its_key_names_and_nothing_else(actions: frozenset[Action]) -> None:
    service = Viewer("acme", "akey_1", Role.SERVICE, actions=actions)
    assert {action for action in Action if service.is_allowed(action)} == actions


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.EMPLOYER, Role.EMPLOYEE])
def test_a_key_of_another_role_gains_nothing_by_naming_actions(role: Role) -> None:
    named = viewer(role, *EVERY_ACTION)
    assert {action for action in Action if named.is_allowed(action)} == PERMISSIONS[role]


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
def test_a_key_that_should_be_limited_and_is_not_is_none(
    role: Role, employer_id: str | None, employee_id: str | None
) -> None:
    with pytest.raises(ValueError, match="is limited to that employe"):
        Viewer("acme", "akey_1", role, employer_id, employee_id)


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
def test_a_key_is_limited_as_its_role_asks(role: Role, employer_id: str | None, employee_id: str | None) -> None:
    limited = Viewer("acme", "akey_1", role, employer_id, employee_id)
    assert (limited.employer_id, limited.employee_id) == (employer_id, employee_id)
    assert limited.actions == frozenset()


def test_history_names_the_role_and_the_key() -> None:
    assert viewer(Role.EMPLOYER).actor == "EMPLOYER akey_1"


# ---------------------------------------------------------------------------------------------------- require


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("role", list(Role))
def test_what_the_table_denies_is_forbidden_by_role_and_action_alone(role: Role, action: Action) -> None:
    # Nothing but the viewer and the action is handed in, so no row can be looked at.
    if action in PERMISSIONS[role]:
        require_permission(viewer(role), action)
        return
    with pytest.raises(Forbidden) as forbidden:
        require_permission(viewer(role), action)
    assert str(forbidden.value) == f"{role} may not {action}."
    assert forbidden.value.code == "FORBIDDEN"


def test_a_services_key_is_all_it_takes() -> None:
    service = viewer(Role.SERVICE, Action.ELECT)
    require_permission(service, Action.ELECT)
    with pytest.raises(Forbidden, match=r"SERVICE may not reissue\."):
        require_permission(service, Action.REISSUE)


if __name__ == "__main__":
    MATRIX.write_text(render(), encoding="utf-8")
