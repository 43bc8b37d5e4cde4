"""Add the records of who read the protected columns of an employee."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLE = "access_records"
ROLE = "benegraph_app"


def setting(name: str) -> str:
    return f"(SELECT nullif(current_setting('app.{name}', true), ''))"


def limit(name: str) -> str:
    return f"CASE WHEN {setting(name)} IS NULL THEN true ELSE {name}_id = {setting(name)} END"


def upgrade() -> None:
    text = sa.Text(collation="C")
    roles = sa.Enum(
        "ADMINISTRATOR",
        "EMPLOYER",
        "EMPLOYEE",
        "SERVICE",
        name="role",
        native_enum=False,
        create_constraint=True,
        length=40,
    )
    op.create_table(
        TABLE,
        sa.Column("tenant_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("employer_id", text, nullable=False),
        sa.Column("employee_id", text, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_role", roles, nullable=False),
        sa.Column("operation", sa.String()),
        sa.Column("document", sa.String()),
        sa.Column("request_id", sa.String()),
        sa.Column("columns", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^accr_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f(f"ck_{TABLE}_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(f"ix_{TABLE}_employee", TABLE, ["tenant_id", "employee_id", "id"])
    op.create_index(f"ix_{TABLE}_created_at", TABLE, ["tenant_id", "created_at"])
    condition = f"tenant_id = {setting('tenant')} AND {limit('employer')} AND {limit('employee')}"
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {TABLE}_of_viewer ON {TABLE} USING ({condition}) WITH CHECK ({condition})")
    op.execute(f"GRANT SELECT, INSERT ON {TABLE} TO {ROLE}")


def downgrade() -> None:
    op.drop_table(TABLE)
