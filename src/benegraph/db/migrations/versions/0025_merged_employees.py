"""Add the record that a merged employee was merged into, and let a merge move the rows that otherwise never change."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ROLE = "benegraph_app"
MOVED_COLUMNS = {
    "division_moves": "employee_id",
    "election_confirmations": "employee_id",
    "confirmed_dependents": "employee_id, dependent_id",
}


def upgrade() -> None:
    op.add_column("employees", sa.Column("merged_into_id", sa.Text(collation="C")))
    op.create_foreign_key(
        "fk_employees_merged_into",
        "employees",
        "employees",
        ["tenant_id", "employer_id", "merged_into_id"],
        ["tenant_id", "employer_id", "id"],
    )
    op.create_index(
        "ix_employees_merged_into",
        "employees",
        ["tenant_id", "employer_id", "merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    for table, columns in MOVED_COLUMNS.items():
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO {ROLE}")


def downgrade() -> None:
    for table, columns in MOVED_COLUMNS.items():
        op.execute(f"REVOKE UPDATE ({columns}) ON {table} FROM {ROLE}")
    op.drop_column("employees", "merged_into_id")
