"""Let the application delete employees on whom nothing rests, and unanswered enrollments; events outlive them."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ROLE = "benegraph_app"
#: The tables whose rows are deleted with an employee, and what restricts the deletion of a row beyond foreign keys.
DELETABLE = {
    "employees": None,
    "dependents": None,
    "division_moves": None,
    "enrollments": "decision IS NULL",
    "api_keys": "revoked_at IS NOT NULL",
}


def upgrade() -> None:
    op.drop_constraint("fk_events_employee", "events", type_="foreignkey")
    for table, condition in DELETABLE.items():
        op.execute(f"GRANT DELETE ON {table} TO {ROLE}")
        if condition is not None:
            op.execute(f"CREATE POLICY {table}_deletable ON {table} AS RESTRICTIVE FOR DELETE USING ({condition})")


def downgrade() -> None:
    for table, condition in DELETABLE.items():
        if condition is not None:
            op.execute(f"DROP POLICY {table}_deletable ON {table}")
        op.execute(f"REVOKE DELETE ON {table} FROM {ROLE}")
    op.create_foreign_key(
        "fk_events_employee",
        "events",
        "employees",
        ["tenant_id", "employer_id", "employee_id"],
        ["tenant_id", "employer_id", "id"],
    )
