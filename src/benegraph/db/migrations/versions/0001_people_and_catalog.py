"""Create tenants, API keys, employers, employees, dependents, benefit products and carrier plans."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tenant_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("ck_tenants_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "benefit_products",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "MEDICAL",
                "DENTAL",
                "VISION",
                "HOSPITAL",
                name="product_category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("carrier_name", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^bprd_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_benefit_products_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="fk_benefit_products_tenant"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_benefit_products")),
    )
    op.create_table(
        "employers",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^empr_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_employers_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="fk_employers_tenant"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_employers")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("caller", sa.Text(collation="C"), nullable=False),
        sa.Column("mutation", sa.String(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="fk_idempotency_keys_tenant"),
        sa.PrimaryKeyConstraint("tenant_id", "caller", "mutation", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "carrier_plans",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("benefit_product_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("carrier_plan_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "tier",
            sa.Enum(
                "BRONZE",
                "SILVER",
                "GOLD",
                "PLATINUM",
                name="plan_tier",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("monthly_premium_cents", sa.BigInteger(), nullable=False),
        sa.Column("deductible_cents", sa.BigInteger(), nullable=True),
        sa.Column("out_of_pocket_max_cents", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^cpln_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_carrier_plans_id")),
        sa.CheckConstraint(
            "monthly_premium_cents >= 0 AND deductible_cents >= 0 AND out_of_pocket_max_cents >= 0",
            name=op.f("ck_carrier_plans_cents"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "benefit_product_id"],
            ["benefit_products.tenant_id", "benefit_products.id"],
            name="fk_carrier_plans_benefit_product",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_carrier_plans")),
        sa.UniqueConstraint(
            "tenant_id", "benefit_product_id", "carrier_plan_id", name="uq_carrier_plans_carrier_plan_id"
        ),
        sa.UniqueConstraint("tenant_id", "benefit_product_id", "position", name="uq_carrier_plans_position"),
    )
    op.create_table(
        "employees",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column(
            "employment_class",
            sa.Enum(
                "FULL_TIME",
                "PART_TIME",
                "TEMPORARY",
                "INTERN",
                "SEASONAL",
                "INDIVIDUAL_CONTRACTOR",
                name="employment_class",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("hired_on", sa.Date(), nullable=False),
        sa.Column("class_changed_on", sa.Date(), nullable=True),
        sa.Column("terminated_on", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^empl_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_employees_id")),
        sa.CheckConstraint("terminated_on >= hired_on", name=op.f("ck_employees_terminated_after_hire")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name="fk_employees_employer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_employees")),
        sa.UniqueConstraint("tenant_id", "employer_id", "id", name="uq_employees_of_employer"),
    )
    op.create_index(
        "uq_employees_external_id",
        "employees",
        ["tenant_id", "employer_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index("ix_employees_created_at", "employees", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_employees_employer_created_at", "employees", ["tenant_id", "employer_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_employees_employer_hired_on", "employees", ["tenant_id", "employer_id", "hired_on", "id"], unique=False
    )
    op.create_index(
        "ix_employees_employer_last_name", "employees", ["tenant_id", "employer_id", "last_name", "id"], unique=False
    )
    op.create_index("ix_employees_hired_on", "employees", ["tenant_id", "hired_on", "id"], unique=False)
    op.create_index("ix_employees_last_name", "employees", ["tenant_id", "last_name", "id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column(
            "role",
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
        sa.Column("employer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=True),
        sa.Column("actions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^akey_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_api_keys_id")),
        sa.CheckConstraint(
            "role <> 'EMPLOYEE' OR (employer_id IS NOT NULL AND employee_id IS NOT NULL)",
            name=op.f("ck_api_keys_employee_scope"),
        ),
        sa.CheckConstraint("role <> 'EMPLOYER' OR employer_id IS NOT NULL", name=op.f("ck_api_keys_employer_scope")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id"],
            ["employees.tenant_id", "employees.employer_id", "employees.id"],
            name="fk_api_keys_employee",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name="fk_api_keys_employer"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="fk_api_keys_tenant"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("tenant_id", "secret_hash", name="uq_api_keys_secret_hash"),
    )
    op.create_index("ix_api_keys_employee", "api_keys", ["tenant_id", "employer_id", "employee_id"], unique=False)
    op.create_index("ix_api_keys_secret_hash", "api_keys", ["secret_hash"], unique=False)
    op.create_table(
        "carrier_plan_rates",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("carrier_plan_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "coverage_tier",
            sa.Enum(
                "UNSPECIFIED",
                "EE",
                "ES",
                "EC",
                "EF",
                name="coverage_tier",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("monthly_premium_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "monthly_premium_cents >= 0 AND coverage_tier <> 'UNSPECIFIED'", name=op.f("ck_carrier_plan_rates_rate")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "carrier_plan_id"],
            ["carrier_plans.tenant_id", "carrier_plans.id"],
            name="fk_carrier_plan_rates_plan",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "carrier_plan_id", "coverage_tier", name=op.f("pk_carrier_plan_rates")),
    )
    op.create_table(
        "dependents",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=False),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("date_of_birth", sa.Date(), nullable=False),
        sa.Column(
            "relationship",
            sa.Enum("SPOUSE", "CHILD", name="relationship", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^dpnd_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_dependents_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id"],
            ["employees.tenant_id", "employees.employer_id", "employees.id"],
            name="fk_dependents_employee",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_dependents")),
        sa.UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_dependents_of_employee"),
    )
    op.create_index("ix_dependents_employee", "dependents", ["tenant_id", "employee_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("dependents")
    op.drop_table("carrier_plan_rates")
    op.drop_table("api_keys")
    op.drop_table("employees")
    op.drop_table("carrier_plans")
    op.drop_table("idempotency_keys")
    op.drop_table("employers")
    op.drop_table("benefit_products")
    op.drop_table("tenants")
