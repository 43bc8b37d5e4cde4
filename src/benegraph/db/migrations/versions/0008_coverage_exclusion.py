"""Add an exclusion constraint: no two coverages of a subscriber in one group and division share a day."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE subscriber_enrollments ADD CONSTRAINT ex_subscriber_enrollments_coverage EXCLUDE USING gist (
            tenant_id WITH =, subscriber_id WITH =, group_id WITH =, division_id WITH =,
            daterange(start_date, end_date, '[]') WITH &&)
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE subscriber_enrollments DROP CONSTRAINT ex_subscriber_enrollments_coverage")
