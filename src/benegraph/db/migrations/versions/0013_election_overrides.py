"""Add the answers that administrators give outside the election window."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLE = "election_overrides"
ROLE = "benegraph_app"
REASONS = ("OPEN_ENROLLMENT", "NEW_HIRE", "LIFE_EVENT")


def setting(name: str) -> str:
    return f"(SELECT nullif(current_setting('app.{name}', true), ''))"


def replace_check(name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_enrollments_{name}"), "enrollments")
    op.create_check_constraint(op.f(f"ck_enrollments_{name}"), "enrollments", condition)


def upgrade() -> None:
    replace_check("window_reason", f"reason IN {(*REASONS, 'OVERRIDE')}")
    replace_check(
        "life_event",
        "(reason = 'LIFE_EVENT') = (life_event_id IS NOT NULL)"
        " AND (reason IN ('LIFE_EVENT', 'OVERRIDE')) = (replaces_id IS NOT NULL)",
    )
    text = sa.Text(collation="C")
    op.create_table(
        TABLE,
        sa.Column("tenant_id", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("employer_id", text, nullable=False),
        sa.Column("employee_id", text, nullable=False),
        sa.Column("enrollment_id", text, nullable=False),
        sa.Column("replaced_id", text),
        sa.Column("previous_effective_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "actor_role",
            sa.Enum(
                "ADMINISTRATOR",
                "EMPLOYER",
                "EMPLOYEE",
                "SERVICE",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reviewed_at", sa.DateTime(timezone=True)),
        sa.Column("reviewer", sa.String()),
        sa.Column("review_notes", sa.String()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^eovr_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f(f"ck_{TABLE}_id")),
        sa.CheckConstraint("(reviewed_at IS NULL) = (reviewer IS NULL)", name=op.f(f"ck_{TABLE}_reviewed")),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", "employer_id", "employee_id", column],
                ["enrollments.tenant_id", "enrollments.employer_id", "enrollments.employee_id", "enrollments.id"],
                name=f"fk_{TABLE}_{column.removesuffix('_id')}",
            )
            for column in ("enrollment_id", "replaced_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(f"ix_{TABLE}_employer", TABLE, ["tenant_id", "employer_id", "id"])
    for name in ("enrollment", "replaced"):
        op.create_index(f"ix_{TABLE}_{name}", TABLE, ["tenant_id", "employer_id", "employee_id", f"{name}_id"])
    op.create_index(
        f"ix_{TABLE}_unreviewed",
        TABLE,
        ["tenant_id", "employer_id", "id"],
        postgresql_where=sa.text("reviewed_at IS NULL"),
    )
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
    replace_check(
        "life_event",
        "(reason = 'LIFE_EVENT') = (life_event_id IS NOT NULL) AND (reason = 'LIFE_EVENT') = (replaces_id IS NOT NULL)",
    )
    replace_check("window_reason", f"reason IN {REASONS}")
