"""Store the extension of an enrollment's election window, and the reason of a waiver."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WAIVER_REASONS = (
    "SPOUSE_EMPLOYER_PLAN",
    "PARENT_EMPLOYER_PLAN",
    "OTHER_EMPLOYER_PLAN",
    "INDIVIDUAL_PLAN",
    "MEDICARE",
    "TRICARE",
    "MEDICAID",
)


def upgrade() -> None:
    op.add_column("enrollments", sa.Column("window_extended_through", sa.Date()))
    waiver_reason = sa.Enum(
        *WAIVER_REASONS, name="waiver_reason", native_enum=False, create_constraint=False, length=40
    )
    op.add_column("enrollments", sa.Column("waiver_reason", waiver_reason))
    op.create_check_constraint(
        op.f("ck_enrollments_waiver_reason"), "enrollments", sa.column("waiver_reason", sa.String).in_(WAIVER_REASONS)
    )
    op.create_check_constraint(
        op.f("ck_enrollments_waiver"),
        "enrollments",
        "waiver_reason IS NULL OR decision IS NOT DISTINCT FROM 'WAIVED'",
    )


def downgrade() -> None:
    op.drop_column("enrollments", "waiver_reason")
    op.drop_column("enrollments", "window_extended_through")
