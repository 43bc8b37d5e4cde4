"""Protected columns: every column of the tables about people is classified as protected or not."""

from benegraph.db.base import Base
from benegraph.db.models import Dependent, Employee
from benegraph.db.protected_columns import EMPLOYEE_ID_COLUMNS, PROTECTED_COLUMNS, summarize_columns
from benegraph.db.store.history import PERSONAL_COLUMNS

ADDRESS = {f"address_{part}" for part in ("line1", "line2", "city", "state", "postal_code", "country")}
#: Columns that leave no access record, listed independently of the code: names, keys, employment and bookkeeping.
UNPROTECTED = {
    "employees": {
        *("tenant_id", "id", "employer_id", "external_id", "previous_employment_id", "merged_into_id", "division_id"),
        *("first_name", "middle_name", "last_name", "name_suffix", "email"),
        *("employment_class", "hired_on", "class_changed_on", "terminated_on"),
        *("created_at", "updated_at", "version"),
    },
    "dependents": {
        *("tenant_id", "id", "employer_id", "employee_id"),
        *("first_name", "middle_name", "last_name", "name_suffix", "relationship", "active"),
        *("created_at", "updated_at", "version"),
    },
}
#: Personal columns of other tables: names and keys of people, and the addresses of employers.
ELSEWHERE = {
    "employers": ADDRESS,
    "subscribers": {"subscriber_id", "first_name", "last_name"},
    "subscriber_enrollments": {"subscriber_id"},
    "premium_invoices": {"subscriber_id"},
}


def test_every_column_of_a_person_is_protected_or_known_not_to_be() -> None:
    for model in (Employee, Dependent):
        table = model.__tablename__
        columns = set(model.__table__.c.keys())
        assert PROTECTED_COLUMNS[table] | UNPROTECTED[table] == columns, table
        assert not PROTECTED_COLUMNS[table] & UNPROTECTED[table]
        assert EMPLOYEE_ID_COLUMNS[table] in columns
    assert set(PROTECTED_COLUMNS) == set(EMPLOYEE_ID_COLUMNS) == {"employees", "dependents"}


def test_personal_columns_of_other_tables_are_names_and_keys() -> None:
    personal = PERSONAL_COLUMNS | set().union(*PROTECTED_COLUMNS.values())
    found = {
        name: personal.intersection(table.c.keys())
        for name, table in Base.metadata.tables.items()
        if name not in PROTECTED_COLUMNS and personal.intersection(table.c.keys())
    }
    assert found == ELSEWHERE


def test_parts_of_an_address_are_recorded_as_one_field() -> None:
    assert summarize_columns([*ADDRESS, "phone", "sex"]) == ["address", "phone", "sex"]
    assert summarize_columns([]) == []
