"""Rights: what row-level security reads of a viewer, and the statement by which a connection takes it on."""

from benegraph.domain.access import Viewer

#: The tenant, and the employer and employee that the viewer is limited to, empty where it is to none.
Rights = tuple[str, str, str]

_NAMES = ("app.tenant", "app.employer", "app.employee")


def rights_of(viewer: Viewer) -> Rights:
    """Give what a viewer may see. Raises ValueError for one who is limited to what has no name: that is no limit."""
    if "" in (viewer.employer_id, viewer.employee_id):
        raise ValueError("no id is empty")
    return viewer.tenant_id, viewer.employer_id or "", viewer.employee_id or ""


def set_rights_sql(rights: Rights, *, in_session: bool = False) -> str:
    """Write the statement that takes on rights, to be sent together with a BEGIN, with whose end they end.

    With `in_session` they stay with the connection, which nobody else may then use. Raises ValueError for a text that
    PostgreSQL can't hold.
    """
    local = "false" if in_session else "true"
    return "SELECT " + ", ".join(
        f"set_config('{name}', {_quoted(right)}, {local})" for name, right in zip(_NAMES, rights, strict=True)
    )


def _quoted(text: str) -> str:
    # Nothing but a quote ends a literal: the engine's sessions are opened with `standard_conforming_strings`.
    if "\0" in text:
        raise ValueError("no id holds U+0000")
    text.encode()  # raises for half of a pair, on which the driver would break off the connection
    return "'" + text.replace("'", "''") + "'"
