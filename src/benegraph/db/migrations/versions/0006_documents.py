"""Create the persisted queries of tenants, and the trusted documents of the gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROLE = "benegraph_app"
TENANT = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), ''))"


def upgrade() -> None:
    op.create_table(
        "persisted_queries",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "digest", name="pk_persisted_queries"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="fk_persisted_queries_tenant"),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_persisted_queries_digest")),
    )
    op.create_index("ix_persisted_queries_created_at", "persisted_queries", ["tenant_id", "created_at"])
    op.create_table(
        "trusted_documents",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trusted_documents"),
        sa.CheckConstraint("id ~ '^[!-~]{1,255}$'", name=op.f("ck_trusted_documents_id")),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_trusted_documents_digest")),
    )
    op.create_index("ix_trusted_documents_digest", "trusted_documents", ["digest"])

    for table, condition in (("persisted_queries", TENANT), ("trusted_documents", "true")):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_of_viewer ON {table} USING ({condition}) WITH CHECK ({condition})")
        # The text of a hash never changes, so rows are never updated.
        op.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO {ROLE}")


def downgrade() -> None:
    op.drop_table("trusted_documents")
    op.drop_table("persisted_queries")
