"""Add moves between divisions, the chain of coverage of record that they leave, and the former employment of a rehire."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.Text(collation="C")


def setting(name: str) -> str:
    return f"(SELECT nullif(current_setting('app.{name}', true), ''))"


def case_condition(name: str, condition: str) -> str:
    return f"CASE WHEN {setting(name)} IS NULL THEN true ELSE {condition} END"


def upgrade() -> None:
    op.add_column("subscriber_enrollments", sa.Column("continues_id", ID))
    op.create_foreign_key(
        "fk_subscriber_enrollments_continues",
        "subscriber_enrollments",
        "subscriber_enrollments",
        ["tenant_id", "continues_id"],
        ["tenant_id", "id"],
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_index(
        "ix_subscriber_enrollments_continues",
        "subscriber_enrollments",
        ["tenant_id", "continues_id"],
        postgresql_where=sa.text("continues_id IS NOT NULL"),
    )
    op.add_column("employees", sa.Column("previous_employment_id", ID))
    op.create_foreign_key(
        "fk_employees_previous_employment",
        "employees",
        "employees",
        ["tenant_id", "employer_id", "previous_employment_id"],
        ["tenant_id", "employer_id", "id"],
    )
    op.create_index(
        "uq_employees_previous_employment",
        "employees",
        ["tenant_id", "employer_id", "previous_employment_id"],
        unique=True,
        postgresql_where=sa.text("previous_employment_id IS NOT NULL"),
    )
    op.create_table(
        "division_moves",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("employer_id", ID, nullable=False),
        sa.Column("employee_id", ID, nullable=False),
        sa.Column("effective_on", sa.Date, nullable=False),
        sa.Column("from_division_id", sa.String),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "employee_id", "effective_on", name="pk_division_moves"),
        sa.CheckConstraint(
            "char_length(from_division_id) BETWEEN 1 AND 20", name=op.f("ck_division_moves_from_division_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id"],
            ["employees.tenant_id", "employees.employer_id", "employees.id"],
            name="fk_division_moves_employee",
        ),
        sa.Index("ix_division_moves_employee", "tenant_id", "employer_id", "employee_id"),
    )
    rows = " AND ".join(
        [
            f"tenant_id = {setting('tenant')}",
            case_condition("employer", f"employer_id = {setting('employer')}"),
            case_condition("employee", f"employee_id = {setting('employee')}"),
        ]
    )
    op.execute("ALTER TABLE division_moves ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE division_moves FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY division_moves_of_viewer ON division_moves USING ({rows}) WITH CHECK ({rows})")
    op.execute("GRANT SELECT, INSERT ON division_moves TO benegraph_app")


def downgrade() -> None:
    op.drop_table("division_moves")
    op.drop_column("employees", "previous_employment_id")
    op.drop_column("subscriber_enrollments", "continues_id")
