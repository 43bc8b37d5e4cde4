"""Protected columns: personal data that leaves an access record when anyone but the person reads it.

Names, e-mail addresses and the keys that employer and carrier use for a person are not protected: they identify the
person in every list.
"""

from collections.abc import Iterable, Mapping

from benegraph.db.models.addresses import ADDRESS_COLUMNS

_PERSONAL = frozenset({"date_of_birth", "sex", "phone", "ssn", "ssn_index", "ssn_last_four", *ADDRESS_COLUMNS})

#: The protected columns of each table that has any.
PROTECTED_COLUMNS: Mapping[str, frozenset[str]] = {
    "employees": _PERSONAL | {"marital_status"},
    "dependents": _PERSONAL | {"disabled"},
}
#: The column with the ID of the employee to whom a row of these tables belongs.
EMPLOYEE_ID_COLUMNS: Mapping[str, str] = {"employees": "id", "dependents": "employee_id"}

_ADDRESS = frozenset(ADDRESS_COLUMNS)


def summarize_columns(columns: Iterable[str]) -> list[str]:
    """Return the names of columns in order, with `address` in place of the parts of an address."""
    return sorted({"address" if name in _ADDRESS else name for name in columns})
