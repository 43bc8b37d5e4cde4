"""Index what the worklist reads: unanswered enrollments, age limits of covered children, life events to review."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_enrollments_unanswered",
        "enrollments",
        ["tenant_id", "employer_id", "employee_id"],
        postgresql_where=sa.text("decision IS NULL"),
    )
    op.create_index(
        "ix_enrolled_dependents_through",
        "enrolled_dependents",
        ["tenant_id", "employer_id", "through"],
        postgresql_where=sa.text("through IS NOT NULL"),
    )
    op.create_index(
        "ix_life_events_unreviewed",
        "life_events",
        ["tenant_id", "employer_id", "id"],
        postgresql_where=sa.text("status = 'PENDING'"),
    )


def downgrade() -> None:
    op.drop_index("ix_life_events_unreviewed", "life_events")
    op.drop_index("ix_enrolled_dependents_through", "enrolled_dependents")
    op.drop_index("ix_enrollments_unanswered", "enrollments")
