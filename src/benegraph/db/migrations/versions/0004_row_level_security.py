"""Enable row-level security on every table, and create the application's role, which cannot bypass it."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = "benegraph_app"

# The columns that hold the employer and the employee of a row. A viewer limited to one sees only its rows.
TABLES: dict[str, tuple[str | None, str | None]] = {
    "tenants": (None, None),
    "api_keys": ("employer_id", "employee_id"),
    "idempotency_keys": (None, None),
    "benefit_products": (None, None),
    "carrier_plans": (None, None),
    "carrier_plan_rates": (None, None),
    "employers": ("id", None),
    "plan_years": ("employer_id", None),
    "contribution_classes": ("employer_id", None),
    "plans": ("employer_id", None),
    "plan_rates": ("employer_id", None),
    "employees": ("employer_id", "id"),
    "dependents": ("employer_id", "employee_id"),
    "life_events": ("employer_id", "employee_id"),
    "enrollments": ("employer_id", "employee_id"),
    "enrolled_dependents": ("employer_id", "employee_id"),
    "events": ("employer_id", "employee_id"),
}
# Rows of history and people are never deleted. Rows of history are never updated either.
DELETABLE = (
    "plan_years",
    "contribution_classes",
    "plans",
    "plan_rates",
    "enrolled_dependents",
    "idempotency_keys",
)
APPEND_ONLY = ("events", "tenants")


def setting(name: str) -> str:
    # A subquery is evaluated once for each statement, not for each row. After a transaction that set it locally, a
    # setting is '' instead of NULL.
    return f"(SELECT nullif(current_setting('app.{name}', true), ''))"


def limit(name: str, column: str) -> str:
    return f"AND ({setting(name)} IS NULL OR {column} = {setting(name)})"


def upgrade() -> None:
    # Roles belong to the whole server: the role may exist for another database, or an administrator may have created it.
    op.execute(f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
    """)
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(f"GRANT SELECT ON alembic_version TO {ROLE}")
    for table, (employer, employee) in TABLES.items():
        condition = " ".join(
            [
                f"tenant_id = {setting('tenant')}",
                limit("employer", employer) if employer else "",
                limit("employee", employee) if employee else "",
            ]
        )
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_of_viewer ON {table} USING ({condition}) WITH CHECK ({condition})")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {ROLE}")
        if table not in APPEND_ONLY:
            op.execute(f"GRANT UPDATE ON {table} TO {ROLE}")
        if table in DELETABLE:
            op.execute(f"GRANT DELETE ON {table} TO {ROLE}")
    # A key is looked up before its tenant is known: a session that presents a key's hash sees that key's rows in every
    # tenant.
    op.execute(
        "CREATE POLICY api_keys_of_holder ON api_keys FOR SELECT"
        " USING (secret_hash = (SELECT decode(nullif(current_setting('app.key_hash', true), ''), 'hex')))"
    )


def downgrade() -> None:
    op.execute("DROP POLICY api_keys_of_holder ON api_keys")
    for table in TABLES:
        op.execute(f"DROP POLICY {table}_of_viewer ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {ROLE}")
    op.execute(f"REVOKE ALL ON alembic_version FROM {ROLE}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {ROLE}")
