"""Add the encrypted social security numbers of employees and dependents."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = ("employees", "dependents")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("ssn", sa.LargeBinary()))
        op.add_column(table, sa.Column("ssn_index", sa.LargeBinary()))
        op.add_column(table, sa.Column("ssn_last_four", sa.String()))
        op.create_check_constraint(
            op.f(f"ck_{table}_ssn"),
            table,
            "num_nonnulls(ssn, ssn_index, ssn_last_four) IN (0, 3) AND ssn_last_four ~ '^[0-9]{4}$'",
        )
    op.create_index(
        "ix_employees_ssn",
        "employees",
        ["tenant_id", "employer_id", "ssn_index"],
        postgresql_where=sa.text("ssn_index IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_employees_ssn", "employees")
    for table in TABLES:
        for name in ("ssn", "ssn_index", "ssn_last_four"):
            op.drop_column(table, name)
