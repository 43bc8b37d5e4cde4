"""Index the new filters and orders of enrollments and employees, in the order of their pages."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

#: For each index, its table and its columns after the tenant.
INDEXES = {
    "ix_enrollments_product": ("enrollments", ("benefit_product_id", "id")),
    "ix_enrollments_effective_on": ("enrollments", ("effective_on", "id")),
    "ix_enrollments_updated_at": ("enrollments", ("updated_at", "id")),
    "ix_enrollments_employer_updated_at": ("enrollments", ("employer_id", "updated_at", "id")),
    "ix_employees_updated_at": ("employees", ("updated_at", "id")),
    "ix_employees_employer_updated_at": ("employees", ("employer_id", "updated_at", "id")),
}


def upgrade() -> None:
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, ["tenant_id", *columns])


def downgrade() -> None:
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
