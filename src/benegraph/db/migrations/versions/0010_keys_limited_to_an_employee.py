"""Require an employer for each API key that is limited to an employee.

The foreign key to the employee covers the columns `employer_id` and `employee_id`. PostgreSQL does not check it while one
of them is null, so a key could name an employee without an employer, and it then read all employers.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The owner's statements are subject to row-level security too, and would change nothing.
    for table in ("api_keys", "employees"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    # Such a key was meant for one employee. It gets the employee's employer; without such an employee it is revoked.
    op.execute("""
        UPDATE api_keys k SET employer_id = e.employer_id FROM employees e
        WHERE k.employer_id IS NULL AND e.tenant_id = k.tenant_id AND e.id = k.employee_id
    """)
    op.execute("""
        UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()), employee_id = NULL
        WHERE employer_id IS NULL AND employee_id IS NOT NULL
    """)
    for table in ("api_keys", "employees"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.create_check_constraint(
        op.f("ck_api_keys_employee_of_employer"), "api_keys", "employee_id IS NULL OR employer_id IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_api_keys_employee_of_employer"), "api_keys")
