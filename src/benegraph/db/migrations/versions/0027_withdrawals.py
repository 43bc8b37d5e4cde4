"""Let life events and reissues be withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_CLOSE_REASONS = ("LAPSED", "REISSUED", "TERMINATED", "NOT_ELIGIBLE", "ENDED")
_STATUSES = ("PENDING", "APPROVED", "DENIED")


def _replace_check(table: str, name: str, condition: str | sa.ColumnElement[bool]) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def upgrade() -> None:
    reasons, statuses = (*_CLOSE_REASONS, "WITHDRAWN"), (*_STATUSES, "WITHDRAWN")
    _replace_check("enrollments", "close_reason", sa.column("close_reason", sa.String).in_(reasons))
    _replace_check("life_events", "life_event_status", sa.column("status", sa.String).in_(statuses))
    _replace_check("life_events", "reviewed", "status = 'WITHDRAWN' OR (status = 'PENDING') = (reviewed_on IS NULL)")


def downgrade() -> None:
    _replace_check("life_events", "reviewed", "(status = 'PENDING') = (reviewed_on IS NULL)")
    _replace_check("life_events", "life_event_status", sa.column("status", sa.String).in_(_STATUSES))
    _replace_check("enrollments", "close_reason", sa.column("close_reason", sa.String).in_(_CLOSE_REASONS))
