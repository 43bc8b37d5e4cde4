"""Rights: the settings that row-level security reads for a viewer, and the SQL that sets them on a connection."""

from benegraph.domain.access import Viewer

#: The tenant, employer and employee that a viewer is limited to; employer and employee are empty without such a limit.
Rights = tuple[str, str, str]

_SETTINGS = ("app.tenant", "app.employer", "app.employee")


def rights_of(viewer: Viewer) -> Rights:
    """Return a viewer's rights. Raises ValueError for an empty employer or employee ID, which would mean no limit."""
    if "" in (viewer.employer_id, viewer.employee_id):
        raise ValueError("employer and employee IDs must not be empty")
    return viewer.tenant_id, viewer.employer_id or "", viewer.employee_id or ""


def set_rights_sql(rights: Rights, *, in_session: bool = False) -> str:
    """Return the SELECT that sets rights, to be sent after a BEGIN in the same message; they end with the transaction.

    With `in_session` they last as long as the session, which then serves no other viewer. Raises ValueError for text
    that PostgreSQL can't store.
    """
    is_local = "false" if in_session else "true"
    return "SELECT " + ", ".join(
        f"set_config('{name}', {_literal(value)}, {is_local})" for name, value in zip(_SETTINGS, rights, strict=True)
    )


def _literal(text: str) -> str:
    # Only a quote ends a literal, because the engine opens its sessions with `standard_conforming_strings`.
    if "\0" in text:
        raise ValueError("an ID must not contain U+0000")
    text.encode()  # raises for an unpaired surrogate, for which the driver would close the connection
    return "'" + text.replace("'", "''") + "'"
