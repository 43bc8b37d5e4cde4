"""Let carrier plans change and retire: a version for each, and whether new plan years are offered it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("carrier_plans", sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column(
        "carrier_plans",
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.add_column("carrier_plans", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    # The owner's statements are subject to row-level security too, and would change nothing.
    op.execute("ALTER TABLE carrier_plans NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE carrier_plans SET updated_at = created_at")
    op.execute("ALTER TABLE carrier_plans FORCE ROW LEVEL SECURITY")
    # A changed carrier plan replaces its rates.
    op.execute("GRANT DELETE ON carrier_plan_rates TO benegraph_app")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON carrier_plan_rates FROM benegraph_app")
    for column in ("version", "updated_at", "active"):
        op.drop_column("carrier_plans", column)
