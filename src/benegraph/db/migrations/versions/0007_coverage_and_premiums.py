"""Create subscribers, group contracts, coverage of record, premium invoices and payments, and link enrollments."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLE = "benegraph_app"
TABLES = ("group_contracts", "subscribers", "subscriber_enrollments", "premium_invoices", "premium_payments")
CHECKS = (
    ("employees", "division_id", "char_length(division_id) BETWEEN 1 AND 20"),
    ("plan_years", "contract", "(group_id IS NULL) = (group_coverage_start IS NULL)"),
)


def setting(name: str) -> str:
    return f"(SELECT nullif(current_setting('app.{name}', true), ''))"


def limit(name: str, column: str) -> str:
    return f"({setting(name)} IS NULL OR {column} = {setting(name)})"


# An employer sees the subscribers that are its employees or have coverage under its contracts. An employee sees only
# the subscriber that they are.
SUBSCRIBERS = f"""
    ({setting("employer")} IS NULL OR employer_id = {setting("employer")}
        OR ({setting("employee")} IS NULL AND EXISTS (
            SELECT FROM subscriber_enrollments c
            WHERE c.tenant_id = subscribers.tenant_id AND c.subscriber_id = subscribers.subscriber_id
              AND c.employer_id = {setting("employer")})))
    AND {limit("employee", "employee_id")}
"""
# Employees don't see what a group is billed.
PREMIUMS = f"{limit('employer', 'employer_id')} AND {setting('employee')} IS NULL"
CONDITIONS = {
    "group_contracts": limit("employer", "employer_id"),
    "subscribers": SUBSCRIBERS,
    "subscriber_enrollments": f"{limit('employer', 'employer_id')} AND {limit('employee', 'employee_id')}",
    "premium_invoices": PREMIUMS,
    "premium_payments": PREMIUMS,
}


def upgrade() -> None:
    op.create_table(
        "group_contracts",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("group_id", sa.Text(collation="C"), nullable=False),
        sa.Column("division_id", sa.Text(collation="C"), nullable=False),
        sa.Column("coverage_start", sa.Date(), nullable=False),
        sa.Column("coverage_end", sa.Date(), nullable=True),
        sa.Column("policy_number", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^grpc_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_group_contracts_id")),
        sa.CheckConstraint(
            "char_length(group_id) BETWEEN 1 AND 20 AND char_length(division_id) BETWEEN 1 AND 20 AND char_length(policy_number) <= 25",
            name=op.f("ck_group_contracts_lengths"),
        ),
        sa.CheckConstraint("coverage_start <= coverage_end", name=op.f("ck_group_contracts_coverage")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name="fk_group_contracts_employer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_group_contracts")),
        sa.UniqueConstraint("tenant_id", "group_id", "division_id", "coverage_start", name="uq_group_contracts_key"),
    )
    op.create_index(
        "ix_group_contracts_employer",
        "group_contracts",
        ["tenant_id", "employer_id", "id"],
        unique=False,
        postgresql_where=sa.text("employer_id IS NOT NULL"),
    )
    op.create_table(
        "subscribers",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("subscriber_id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=True),
        sa.Column("first_name", sa.String(), nullable=True),
        sa.Column("last_name", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^subr_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_subscribers_id")),
        sa.CheckConstraint("(employer_id IS NULL) = (employee_id IS NULL)", name=op.f("ck_subscribers_employee")),
        sa.CheckConstraint("char_length(subscriber_id) BETWEEN 1 AND 9", name=op.f("ck_subscribers_subscriber_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id"],
            ["employees.tenant_id", "employees.employer_id", "employees.id"],
            name="fk_subscribers_employee",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_subscribers")),
        sa.UniqueConstraint("tenant_id", "subscriber_id", name="uq_subscribers_subscriber_id"),
    )
    op.create_index(
        "ix_subscribers_employee",
        "subscribers",
        ["tenant_id", "employer_id", "employee_id"],
        unique=False,
        postgresql_where=sa.text("employee_id IS NOT NULL"),
    )
    op.create_index(
        "uq_subscribers_employee",
        "subscribers",
        ["tenant_id", "employee_id"],
        unique=True,
        postgresql_where=sa.text("employee_id IS NOT NULL"),
    )
    op.create_table(
        "premium_invoices",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("group_id", sa.Text(collation="C"), nullable=False),
        sa.Column("division_id", sa.Text(collation="C"), nullable=False),
        sa.Column("subscriber_id", sa.Text(collation="C"), nullable=True),
        sa.Column("bill_from", sa.Date(), nullable=False),
        sa.Column("bill_through", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^pinv_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_premium_invoices_id")),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_premium_invoices_cents")),
        sa.CheckConstraint("bill_from <= bill_through", name=op.f("ck_premium_invoices_billed")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name="fk_premium_invoices_employer"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscribers.tenant_id", "subscribers.subscriber_id"],
            name="fk_premium_invoices_subscriber",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_premium_invoices")),
    )
    op.create_index(
        "ix_premium_invoices_employer",
        "premium_invoices",
        ["tenant_id", "employer_id", "id"],
        unique=False,
        postgresql_where=sa.text("employer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_premium_invoices_group",
        "premium_invoices",
        ["tenant_id", "group_id", "division_id", "bill_from", "id"],
        unique=False,
    )
    op.create_index(
        "ix_premium_invoices_subscriber",
        "premium_invoices",
        ["tenant_id", "subscriber_id", "id"],
        unique=False,
        postgresql_where=sa.text("subscriber_id IS NOT NULL"),
    )
    op.create_table(
        "subscriber_enrollments",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=True),
        sa.Column("subscriber_id", sa.Text(collation="C"), nullable=False),
        sa.Column("group_id", sa.Text(collation="C"), nullable=False),
        sa.Column("division_id", sa.Text(collation="C"), nullable=False),
        sa.Column("group_coverage_start", sa.Date(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("annual_max_cents", sa.BigInteger(), nullable=True),
        sa.Column("lifetime_max_cents", sa.BigInteger(), nullable=True),
        sa.Column("date_employed", sa.Date(), nullable=True),
        sa.Column("eligibility_date", sa.Date(), nullable=True),
        sa.Column("original_enrollment_date", sa.Date(), nullable=True),
        sa.Column("paid_through", sa.Date(), nullable=True),
        sa.Column("policy_number", sa.String(), nullable=True),
        sa.Column("term_date", sa.Date(), nullable=True),
        sa.Column("entry_user", sa.String(), nullable=False),
        sa.Column("update_user", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^sube_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_subscriber_enrollments_id")),
        sa.CheckConstraint(
            "annual_max_cents >= 0 AND lifetime_max_cents >= 0", name=op.f("ck_subscriber_enrollments_cents")
        ),
        sa.CheckConstraint(
            "char_length(policy_number) <= 25 AND char_length(entry_user) <= 50 AND char_length(update_user) <= 50",
            name=op.f("ck_subscriber_enrollments_lengths"),
        ),
        sa.CheckConstraint("start_date <= end_date", name=op.f("ck_subscriber_enrollments_coverage")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"],
            ["employers.tenant_id", "employers.id"],
            name="fk_subscriber_enrollments_employer",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id", "division_id", "group_coverage_start"],
            [
                "group_contracts.tenant_id",
                "group_contracts.group_id",
                "group_contracts.division_id",
                "group_contracts.coverage_start",
            ],
            name="fk_subscriber_enrollments_contract",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscriber_id"],
            ["subscribers.tenant_id", "subscribers.subscriber_id"],
            name="fk_subscriber_enrollments_subscriber",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_subscriber_enrollments")),
        sa.UniqueConstraint(
            "tenant_id",
            "subscriber_id",
            "group_id",
            "division_id",
            "group_coverage_start",
            "start_date",
            name="uq_subscriber_enrollments_key",
        ),
    )
    op.create_index(
        "ix_subscriber_enrollments_contract",
        "subscriber_enrollments",
        ["tenant_id", "group_id", "division_id", "group_coverage_start", "id"],
        unique=False,
    )
    op.create_index(
        "ix_subscriber_enrollments_employer",
        "subscriber_enrollments",
        ["tenant_id", "employer_id", "id"],
        unique=False,
        postgresql_where=sa.text("employer_id IS NOT NULL"),
    )
    op.create_table(
        "premium_payments",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("invoice_id", sa.Text(collation="C"), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversal_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^ppmt_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_premium_payments_id")),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_premium_payments_cents")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name="fk_premium_payments_employer"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["premium_invoices.tenant_id", "premium_invoices.id"],
            name="fk_premium_payments_invoice",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_premium_payments")),
        sa.UniqueConstraint("tenant_id", "invoice_id", "id", name="uq_premium_payments_of_invoice"),
    )
    op.create_index(
        "ix_premium_payments_employer",
        "premium_payments",
        ["tenant_id", "employer_id", "id"],
        unique=False,
        postgresql_where=sa.text("employer_id IS NOT NULL"),
    )
    op.add_column("employees", sa.Column("division_id", sa.String(), nullable=True))
    op.add_column("enrollments", sa.Column("subscriber_enrollment_id", sa.Text(collation="C"), nullable=True))
    op.create_index(
        "ix_enrollments_subscriber_enrollment",
        "enrollments",
        ["tenant_id", "subscriber_enrollment_id"],
        unique=False,
        postgresql_where=sa.text("subscriber_enrollment_id IS NOT NULL"),
    )
    op.create_foreign_key(
        "fk_enrollments_subscriber_enrollment",
        "enrollments",
        "subscriber_enrollments",
        ["tenant_id", "subscriber_enrollment_id"],
        ["tenant_id", "id"],
    )
    op.alter_column("events", "employer_id", existing_type=sa.TEXT(collation="C"), nullable=True)
    op.add_column("plan_years", sa.Column("group_id", sa.Text(collation="C"), nullable=True))
    op.add_column("plan_years", sa.Column("group_coverage_start", sa.Date(), nullable=True))
    op.add_column(
        "tenants", sa.Column("auto_paid_through", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    for table in TABLES:
        condition = f"tenant_id = {setting('tenant')} AND {CONDITIONS[table]}"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_of_viewer ON {table} USING ({condition}) WITH CHECK ({condition})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {ROLE}")
    op.execute(f"GRANT DELETE ON subscriber_enrollments TO {ROLE}")
    op.execute(f"GRANT UPDATE (auto_paid_through) ON tenants TO {ROLE}")


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE (auto_paid_through) ON tenants FROM {ROLE}")
    op.execute(
        "DROP POLICY subscribers_of_viewer ON subscribers"
    )  # the policy reads a table that is dropped before this one
    for table, name, _ in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_column("tenants", "auto_paid_through")
    op.drop_column("plan_years", "group_coverage_start")
    op.drop_column("plan_years", "group_id")
    op.alter_column("events", "employer_id", existing_type=sa.TEXT(collation="C"), nullable=False)
    op.drop_constraint("fk_enrollments_subscriber_enrollment", "enrollments", type_="foreignkey")
    op.drop_index(
        "ix_enrollments_subscriber_enrollment",
        table_name="enrollments",
        postgresql_where=sa.text("subscriber_enrollment_id IS NOT NULL"),
    )
    op.drop_column("enrollments", "subscriber_enrollment_id")
    op.drop_column("employees", "division_id")
    op.drop_table("premium_payments")
    op.drop_table("subscriber_enrollments")
    op.drop_table("premium_invoices")
    op.drop_table("subscribers")
    op.drop_table("group_contracts")
