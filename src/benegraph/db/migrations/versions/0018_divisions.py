"""Add the divisions of employers, one for each division that an employer has a group contract of."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = "divisions"
ROLE = "benegraph_app"


def setting(name: str) -> str:
    return f"(SELECT nullif(current_setting('app.{name}', true), ''))"


def upgrade() -> None:
    text = sa.Text(collation="C")
    op.create_table(
        TABLE,
        sa.Column("tenant_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("employer_id", text, nullable=False),
        sa.Column("code", text, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^divn_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f(f"ck_{TABLE}_id")),
        sa.CheckConstraint("char_length(code) BETWEEN 1 AND 20", name=op.f(f"ck_{TABLE}_code")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name=f"fk_{TABLE}_employer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("tenant_id", "employer_id", "code", name=f"uq_{TABLE}_code"),
    )
    # The owner's statements are subject to row-level security too, and would read nothing. A division gets the ID of its
    # oldest contract, with its own prefix.
    op.execute("ALTER TABLE group_contracts NO FORCE ROW LEVEL SECURITY")
    op.execute(f"""
        INSERT INTO {TABLE} (tenant_id, id, employer_id, code, name, active, created_at, updated_at, version)
        SELECT tenant_id, 'divn_' || substr(min(id), 6), employer_id, division_id, division_id, true, now(), now(), 1
        FROM group_contracts WHERE employer_id IS NOT NULL GROUP BY tenant_id, employer_id, division_id
    """)  # noqa: S608 - a constant
    op.execute("ALTER TABLE group_contracts FORCE ROW LEVEL SECURITY")
    condition = (
        f"tenant_id = {setting('tenant')}"
        f" AND CASE WHEN {setting('employer')} IS NULL THEN true ELSE employer_id = {setting('employer')} END"
        f" AND {setting('employee')} IS NULL"
    )
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {TABLE}_of_viewer ON {TABLE} USING ({condition}) WITH CHECK ({condition})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {TABLE} TO {ROLE}")


def downgrade() -> None:
    op.drop_table(TABLE)
