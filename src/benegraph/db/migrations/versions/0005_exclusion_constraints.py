"""Add exclusion constraints: no two plan years, and no two coverages, of one product share a day.

They only back up the row locks, on which correctness rests. They are a separate migration, because a distributed
PostgreSQL may not support them.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("""
        ALTER TABLE plan_years ADD CONSTRAINT ex_plan_years_period EXCLUDE USING gist (
            tenant_id WITH =, employer_id WITH =, benefit_product_id WITH =,
            daterange(coverage_starts_on, coverage_ends_on, '[]') WITH &&)
    """)
    op.execute("""
        ALTER TABLE enrollments ADD CONSTRAINT ex_enrollments_coverage EXCLUDE USING gist (
            tenant_id WITH =, employee_id WITH =, benefit_product_id WITH =,
            daterange(coverage_starts_on, coverage_ends_on, '[]') WITH &&)
        WHERE (decision = 'ENROLLED' AND coverage_ends_on IS NOT NULL)
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE enrollments DROP CONSTRAINT ex_enrollments_coverage")
    op.execute("ALTER TABLE plan_years DROP CONSTRAINT ex_plan_years_period")
