"""Add demographic data of people, legal data of employers, and payer IDs of products."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")
ADDRESS_CHECK = (
    "CASE WHEN address_line1 IS NULL"
    " THEN num_nonnulls(address_line2, address_city, address_state, address_postal_code, address_country) = 0"
    " ELSE num_nulls(address_city, address_country) = 0 END"
)
ENUMS = {
    "sex": ("FEMALE", "MALE", "UNKNOWN"),
    "marital_status": (
        "SINGLE",
        "MARRIED",
        "DOMESTIC_PARTNERSHIP",
        "SEPARATED",
        "LEGALLY_SEPARATED",
        "DIVORCED",
        "WIDOWED",
    ),
}
TEXTS = {
    "employers": ("legal_name", "ein"),
    "employees": ("middle_name", "name_suffix", "phone"),
    "dependents": ("middle_name", "name_suffix", "phone"),
    "benefit_products": ("payer_id",),
}
ADDRESSED = ("employers", "employees", "dependents")
ENUM_COLUMNS = (("employees", "sex"), ("dependents", "sex"), ("employees", "marital_status"))


def upgrade() -> None:
    for table, names in TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String()))
    for table in ADDRESSED:
        for part in ADDRESS:
            op.add_column(table, sa.Column(f"address_{part}", sa.String()))
        op.create_check_constraint(op.f(f"ck_{table}_address"), table, ADDRESS_CHECK)
    op.create_check_constraint(op.f("ck_employers_ein"), "employers", "ein ~ '^[0-9]{9}$'")
    for table, name in ENUM_COLUMNS:
        values = ENUMS[name]
        op.add_column(table, sa.Column(name, sa.Enum(*values, native_enum=False, create_constraint=False, length=40)))
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, sa.column(name, sa.String).in_(values))


def downgrade() -> None:
    for table, name in ENUM_COLUMNS:
        op.drop_column(table, name)
    for table in ADDRESSED:
        for part in ADDRESS:
            op.drop_column(table, f"address_{part}")
    for table, names in TEXTS.items():
        for name in names:
            op.drop_column(table, name)
