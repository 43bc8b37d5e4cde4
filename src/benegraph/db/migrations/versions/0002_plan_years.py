"""Create plan years with their contribution classes, plans and rates."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_years",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("benefit_product_id", sa.Text(collation="C"), nullable=False),
        sa.Column("coverage_starts_on", sa.Date(), nullable=False),
        sa.Column("coverage_ends_on", sa.Date(), nullable=False),
        sa.Column("open_enrollment_starts_on", sa.Date(), nullable=False),
        sa.Column("open_enrollment_ends_on", sa.Date(), nullable=False),
        sa.Column("waiting_period_days", sa.Integer(), nullable=False),
        sa.Column("starts_on_first_of_month", sa.Boolean(), nullable=False),
        sa.Column(
            "renewal",
            sa.Enum("ACTIVE", "PASSIVE", name="renewal_mode", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^plyr_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_plan_years_id")),
        sa.CheckConstraint("closed_on IS NULL OR opened_on IS NOT NULL", name=op.f("ck_plan_years_life_cycle")),
        sa.CheckConstraint("coverage_starts_on <= coverage_ends_on", name=op.f("ck_plan_years_coverage")),
        sa.CheckConstraint(
            "open_enrollment_starts_on <= open_enrollment_ends_on AND open_enrollment_ends_on < coverage_starts_on",
            name=op.f("ck_plan_years_open_enrollment"),
        ),
        sa.CheckConstraint("waiting_period_days BETWEEN 0 AND 90", name=op.f("ck_plan_years_waiting_period_days")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "benefit_product_id"],
            ["benefit_products.tenant_id", "benefit_products.id"],
            name="fk_plan_years_benefit_product",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name="fk_plan_years_employer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plan_years")),
        sa.UniqueConstraint("tenant_id", "employer_id", "benefit_product_id", "id", name="uq_plan_years_of_product"),
        sa.UniqueConstraint("tenant_id", "employer_id", "id", name="uq_plan_years_of_employer"),
    )
    op.create_index(
        "ix_plan_years_benefit_product", "plan_years", ["tenant_id", "benefit_product_id", "id"], unique=False
    )
    op.create_table(
        "contribution_classes",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("plan_year_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "employment",
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
        sa.Column(
            "family_status",
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
        sa.Column("employee_contribution_cents", sa.BigInteger(), nullable=False),
        sa.Column("employer_contribution_cents", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^ccls_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_contribution_classes_id")),
        sa.CheckConstraint(
            "employee_contribution_cents >= 0 AND employer_contribution_cents >= 0",
            name=op.f("ck_contribution_classes_cents"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "plan_year_id"],
            ["plan_years.tenant_id", "plan_years.employer_id", "plan_years.id"],
            name="fk_contribution_classes_plan_year",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_contribution_classes")),
        sa.UniqueConstraint(
            "tenant_id", "plan_year_id", "employment", "family_status", name="uq_contribution_classes_of_plan_year"
        ),
    )
    op.create_index(
        "ix_contribution_classes_plan_year",
        "contribution_classes",
        ["tenant_id", "employer_id", "plan_year_id"],
        unique=False,
    )
    op.create_table(
        "plans",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("plan_year_id", sa.Text(collation="C"), nullable=False),
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
        sa.CheckConstraint("id ~ '^plan_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_plans_id")),
        sa.CheckConstraint(
            "monthly_premium_cents >= 0 AND deductible_cents >= 0 AND out_of_pocket_max_cents >= 0",
            name=op.f("ck_plans_cents"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "plan_year_id"],
            ["plan_years.tenant_id", "plan_years.employer_id", "plan_years.id"],
            name="fk_plans_plan_year",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plans")),
        sa.UniqueConstraint("tenant_id", "employer_id", "plan_year_id", "id", name="uq_plans_of_plan_year"),
        sa.UniqueConstraint("tenant_id", "plan_year_id", "carrier_plan_id", name="uq_plans_carrier_plan_id"),
    )
    op.create_table(
        "plan_rates",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("plan_id", sa.Text(collation="C"), nullable=False),
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
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("plan_year_id", sa.Text(collation="C"), nullable=False),
        sa.Column("monthly_premium_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "monthly_premium_cents >= 0 AND coverage_tier <> 'UNSPECIFIED'", name=op.f("ck_plan_rates_rate")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "plan_year_id", "plan_id"],
            ["plans.tenant_id", "plans.employer_id", "plans.plan_year_id", "plans.id"],
            name="fk_plan_rates_plan",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "plan_id", "coverage_tier", name=op.f("pk_plan_rates")),
    )
    op.create_index(
        "ix_plan_rates_plan", "plan_rates", ["tenant_id", "employer_id", "plan_year_id", "plan_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("plan_rates")
    op.drop_table("plans")
    op.drop_table("contribution_classes")
    op.drop_table("plan_years")
