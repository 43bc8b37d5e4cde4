"""Store the end of a coverage that ends without the employment: its last day and its reason."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

END_REASONS = ("LOSS_OF_ELIGIBILITY", "NONPAYMENT", "VOLUNTARY", "CARRIER_REQUEST", "MISREPRESENTATION")
CLOSE_REASONS = ("LAPSED", "REISSUED", "TERMINATED", "NOT_ELIGIBLE")


def replace_close_reasons(reasons: tuple[str, ...]) -> None:
    name = op.f("ck_enrollments_close_reason")
    op.drop_constraint(name, "enrollments")
    op.create_check_constraint(name, "enrollments", sa.column("close_reason", sa.String).in_(reasons))


def upgrade() -> None:
    replace_close_reasons((*CLOSE_REASONS, "ENDED"))
    op.add_column("enrollments", sa.Column("ended_through", sa.Date()))
    op.add_column(
        "enrollments",
        sa.Column(
            "end_reason",
            sa.Enum(*END_REASONS, name="coverage_end_reason", native_enum=False, create_constraint=False, length=40),
        ),
    )
    op.create_check_constraint(
        op.f("ck_enrollments_coverage_end_reason"), "enrollments", sa.column("end_reason", sa.String).in_(END_REASONS)
    )
    op.create_check_constraint(
        op.f("ck_enrollments_ended"),
        "enrollments",
        "(ended_through IS NULL) = (end_reason IS NULL)"
        " AND (ended_through IS NULL OR decision IS NOT DISTINCT FROM 'ENROLLED')",
    )


def downgrade() -> None:
    op.drop_column("enrollments", "end_reason")
    op.drop_column("enrollments", "ended_through")
    replace_close_reasons(CLOSE_REASONS)
