"""Order events by the transactions that recorded them, and index the order for each filter of the event feed.

Older rows get the number 0, which sorts before every transaction, so their order is that of their IDs, by time. A
constant default fills the column without a rewrite of the table.

The number is the transaction's ID plus a constant. The constant grows when the database moves to a server with other
transaction IDs, for example by a dump and a restore, so that the numbers never decrease; see `db/migrations/event_order.py`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ORDER = ["transaction_number", "id"]


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION event_transaction_number(xid8) RETURNS bigint
        LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $1::text::bigint + 0
    """)
    op.add_column("events", sa.Column("transaction_number", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(
        "ALTER TABLE events ALTER COLUMN transaction_number SET DEFAULT event_transaction_number(pg_current_xact_id())"
    )
    op.create_index("ix_events_order", "events", ["tenant_id", *ORDER])
    op.create_index("ix_events_employer", "events", ["tenant_id", "employer_id", *ORDER])
    op.drop_index("ix_events_employee", "events")
    op.create_index("ix_events_employee", "events", ["tenant_id", "employer_id", "employee_id", *ORDER])
    op.execute("""
        CREATE INDEX ix_events_type ON events (tenant_id, (
            coalesce(split_part(nullif(subject_id, tenant_id), '_', 1), 'tenant') || '.' || action
        ), transaction_number, id)
    """)
    op.create_index("ix_events_occurred_at", "events", ["tenant_id", "occurred_at", "transaction_number"])


def downgrade() -> None:
    op.drop_index("ix_events_occurred_at", "events")
    op.drop_index("ix_events_type", "events")
    op.drop_index("ix_events_employee", "events")
    op.create_index("ix_events_employee", "events", ["tenant_id", "employer_id", "employee_id"])
    op.drop_index("ix_events_employer", "events")
    op.drop_index("ix_events_order", "events")
    op.drop_column("events", "transaction_number")
    op.execute("DROP FUNCTION event_transaction_number(xid8)")
