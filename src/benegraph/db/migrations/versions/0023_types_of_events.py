"""Store the key of an event's type in a column of its own, and index the column instead of an expression.

Under row-level security PostgreSQL uses no index on an expression with functions that could reveal values of hidden
rows, such as `split_part`. The new column is computed by the server, also for rows that earlier versions insert.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KEY = "coalesce(split_part(nullif(subject_id, tenant_id), '_', 1), 'tenant') || '.' || action"


def upgrade() -> None:
    op.drop_index("ix_events_type", "events")
    op.add_column("events", sa.Column("type_key", sa.Text(collation="C"), sa.Computed(KEY, persisted=True)))
    op.create_index("ix_events_type", "events", ["tenant_id", "type_key", "transaction_number", "id"])


def downgrade() -> None:
    op.drop_index("ix_events_type", "events")
    op.drop_column("events", "type_key")
    op.execute(f"CREATE INDEX ix_events_type ON events (tenant_id, ({KEY}), transaction_number, id)")
