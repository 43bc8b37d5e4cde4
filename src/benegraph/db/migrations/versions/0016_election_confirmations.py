"""Add the confirmations of answers, which are never changed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CONFIRMATIONS, DEPENDENTS = "election_confirmations", "confirmed_dependents"
ROLE = "benegraph_app"
ENUMS = {
    "source": ("answer_source", ("ELECTION", "RENEWAL", "OVERRIDE")),
    "actor_role": ("role", ("ADMINISTRATOR", "EMPLOYER", "EMPLOYEE", "SERVICE")),
    "decision": ("election_decision", ("ENROLLED", "WAIVED")),
    "waiver_reason": (
        "waiver_reason",
        (
            "SPOUSE_EMPLOYER_PLAN",
            "PARENT_EMPLOYER_PLAN",
            "OTHER_EMPLOYER_PLAN",
            "INDIVIDUAL_PLAN",
            "MEDICARE",
            "TRICARE",
            "MEDICAID",
        ),
    ),
    "coverage_tier": ("coverage_tier", ("UNSPECIFIED", "EE", "ES", "EC", "EF")),
}


def id_column(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def enum_column(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    type_name, members = ENUMS[name]
    enum = sa.Enum(*members, name=type_name, native_enum=False, create_constraint=True, length=40)
    return sa.Column(name, enum, nullable=nullable)


def employee_foreign_key(table: str, name: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """Return a foreign key to a row of the same employee."""
    parents = ("tenant_id", "employer_id", "employee_id")
    return sa.ForeignKeyConstraint(
        [*parents, column], [f"{target}.{parent}" for parent in (*parents, "id")], name=f"fk_{table}_{name}"
    )


def setting(name: str) -> str:
    return f"(SELECT nullif(current_setting('app.{name}', true), ''))"


def upgrade() -> None:
    op.create_table(
        CONFIRMATIONS,
        *(id_column(name) for name in ("tenant_id", "id", "employer_id", "employee_id", "enrollment_id")),
        sa.Column("enrollment_version", sa.Integer(), nullable=False),
        enum_column("source"),
        enum_column("actor_role"),
        sa.Column("benefit_product_name", sa.String(), nullable=False),
        enum_column("decision"),
        enum_column("waiver_reason", nullable=True),
        id_column("selected_plan_id", nullable=True),
        sa.Column("plan_name", sa.String()),
        enum_column("coverage_tier", nullable=True),
        sa.Column("employee_contribution_cents", sa.BigInteger()),
        sa.Column("employer_contribution_cents", sa.BigInteger()),
        sa.Column("effective_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Date()) for name in ("coverage_starts_on", "coverage_ends_on", "changeable_through")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^ecnf_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f(f"ck_{CONFIRMATIONS}_id")),
        employee_foreign_key(CONFIRMATIONS, "enrollment", "enrollment_id", "enrollments"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "selected_plan_id"], ["plans.tenant_id", "plans.id"], name=f"fk_{CONFIRMATIONS}_plan"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{CONFIRMATIONS}")),
        sa.UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name=f"uq_{CONFIRMATIONS}_of_employee"),
        sa.UniqueConstraint(
            "tenant_id", "enrollment_id", "enrollment_version", name=f"uq_{CONFIRMATIONS}_enrollment_version"
        ),
    )
    op.create_table(
        DEPENDENTS,
        *(id_column(name) for name in ("tenant_id", "confirmation_id", "dependent_id", "employer_id", "employee_id")),
        sa.Column("through", sa.Date()),
        employee_foreign_key(DEPENDENTS, "confirmation", "confirmation_id", CONFIRMATIONS),
        employee_foreign_key(DEPENDENTS, "dependent", "dependent_id", "dependents"),
        sa.PrimaryKeyConstraint("tenant_id", "confirmation_id", "dependent_id", name=op.f(f"pk_{DEPENDENTS}")),
    )
    owner = ["tenant_id", "employer_id", "employee_id"]
    op.create_index(f"ix_{CONFIRMATIONS}_enrollment", CONFIRMATIONS, [*owner, "enrollment_id"])
    op.create_index(f"ix_{CONFIRMATIONS}_plan", CONFIRMATIONS, ["tenant_id", "selected_plan_id"])
    for name in ("confirmation", "dependent"):
        op.create_index(f"ix_{DEPENDENTS}_{name}", DEPENDENTS, [*owner, f"{name}_id"])
    condition = " AND ".join(
        [
            f"tenant_id = {setting('tenant')}",
            *(
                f"CASE WHEN {setting(name)} IS NULL THEN true ELSE {name}_id = {setting(name)} END"
                for name in ("employer", "employee")
            ),
        ]
    )
    for table in (CONFIRMATIONS, DEPENDENTS):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_of_viewer ON {table} USING ({condition}) WITH CHECK ({condition})")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {ROLE}")


def downgrade() -> None:
    op.drop_table(DEPENDENTS)
    op.drop_table(CONFIRMATIONS)
