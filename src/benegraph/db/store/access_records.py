"""Access records: who read the protected columns of an employee. They are inserted and read, never changed."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ARRAY, Select, Text, and_, bindparam, func, insert, literal_column, select

from benegraph.db.cached_statements import fetch
from benegraph.db.models import AccessRecord, Employee
from benegraph.db.protected_columns import summarize_columns
from benegraph.db.query_scope import QueryScope
from benegraph.db.session import Transaction
from benegraph.db.store.conditions import visibility_conditions
from benegraph.db.store.row_queries import OneByKey, PagedRows
from benegraph.domain.ids import IdPrefix

#: How many characters of an operation's name are recorded.
MAX_OPERATION_LENGTH = 200


def access_rows(scope: QueryScope) -> Select[Any]:
    """Select the access records that the viewer may see: an employee sees those about themself."""
    return select(*AccessRecord.__table__.c).where(
        *visibility_conditions(scope, AccessRecord, AccessRecord.employer_id, AccessRecord.employee_id)
    )


by_ids = OneByKey(access_rows, AccessRecord.id)
of_employees = PagedRows(access_rows, AccessRecord.employee_id, {"ID": (AccessRecord.id,)})


async def insert_accesses(
    tx: Transaction,
    columns_by_employee: Mapping[str, Collection[str]],
    operation: str | None,
    document: str | None = None,
) -> None:
    """Insert a record for each employee whose protected columns the viewer has read, with one statement."""
    parameters = {
        "ids": [tx.new_id(IdPrefix.ACCESS_RECORD) for _ in columns_by_employee],
        "employee_ids": list(columns_by_employee),
        "columns": [",".join(summarize_columns(columns)) for columns in columns_by_employee.values()],
        "actor": tx.viewer.actor,
        "actor_role": tx.viewer.role.value,
        "operation": None if operation is None else operation[:MAX_OPERATION_LENGTH],
        "document": document,
        "request_id": tx.request_id,
    }
    await fetch(tx, _insert_statement, parameters)


def _insert_statement(scope: QueryScope) -> Select[Any]:
    names = ("ids", "employee_ids", "columns")
    reads = (
        func.unnest(*(bindparam(name, type_=ARRAY(Text)) for name in names))
        .table_valued("id", "employee_id", "columns")
        .render_derived("reads")
    )
    texts = {name: bindparam(name, type_=Text) for name in ("actor", "operation", "document", "request_id")}
    values: dict[str, Any] = {
        "tenant_id": scope.tenant_id,
        "id": reads.c.id,
        "employer_id": Employee.employer_id,
        "employee_id": Employee.id,
        **texts,
        "actor_role": bindparam("actor_role", type_=Text),
        "columns": func.string_to_array(reads.c.columns, literal_column("','")),
        "created_at": scope.now,
    }
    rows = select(*values.values()).join_from(
        reads, Employee, and_(Employee.tenant_id == scope.tenant_id, Employee.id == reads.c.employee_id)
    )
    inserted = insert(AccessRecord).from_select([*values], rows).returning(AccessRecord.id).cte("inserted")
    return select(func.count().label("count")).select_from(inserted)
