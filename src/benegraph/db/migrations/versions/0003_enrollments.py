"""Create enrollments, covered dependents, life events, and history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=True),
        sa.Column("subject_id", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "actor_role",
            sa.Enum(
                "ADMINISTRATOR",
                "EMPLOYER",
                "EMPLOYEE",
                "SERVICE",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id ~ '^evnt_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_events_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id"],
            ["employees.tenant_id", "employees.employer_id", "employees.id"],
            name="fk_events_employee",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id"], ["employers.tenant_id", "employers.id"], name="fk_events_employer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_employee", "events", ["tenant_id", "employer_id", "employee_id"], unique=False)
    op.create_index("ix_events_subject", "events", ["tenant_id", "subject_id", "id"], unique=False)
    op.create_table(
        "life_events",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=False),
        sa.Column("dependent_id", sa.Text(collation="C"), nullable=True),
        sa.Column(
            "event_type",
            sa.Enum(
                "MARRIAGE",
                "BIRTH",
                "ADOPTION",
                "DIVORCE",
                "DEATH",
                "JOB_LOSS",
                "REDUCTION_IN_HOURS",
                "EMPLOYER_BANKRUPTCY",
                "MEDICARE_ENTITLEMENT",
                "MEDICAID_LOSS",
                "TERMINATION",
                "OTHER",
                name="life_event_type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("event_on", sa.Date(), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "APPROVED",
                "DENIED",
                name="life_event_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notes", sa.String(), nullable=True),
        sa.Column("review_notes", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(status = 'PENDING') = (reviewed_on IS NULL)", name=op.f("ck_life_events_reviewed")),
        sa.CheckConstraint("id ~ '^qle_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_life_events_id")),
        sa.CheckConstraint("event_on <= reported_on", name=op.f("ck_life_events_reported_after_event")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id", "dependent_id"],
            ["dependents.tenant_id", "dependents.employer_id", "dependents.employee_id", "dependents.id"],
            name="fk_life_events_dependent",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id"],
            ["employees.tenant_id", "employees.employer_id", "employees.id"],
            name="fk_life_events_employee",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_life_events")),
        sa.UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_life_events_of_employee"),
    )
    op.create_index(
        "ix_life_events_dependent",
        "life_events",
        ["tenant_id", "employer_id", "employee_id", "dependent_id"],
        unique=False,
    )
    op.create_index("ix_life_events_employee", "life_events", ["tenant_id", "employee_id", "id"], unique=False)
    op.create_index("ix_life_events_employer", "life_events", ["tenant_id", "employer_id", "id"], unique=False)
    op.create_table(
        "enrollments",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=False),
        sa.Column("benefit_product_id", sa.Text(collation="C"), nullable=False),
        sa.Column("plan_year_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "OPEN_ENROLLMENT",
                "NEW_HIRE",
                "LIFE_EVENT",
                name="window_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("window_opens_on", sa.Date(), nullable=True),
        sa.Column("window_closes_on", sa.Date(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("replaces_id", sa.Text(collation="C"), nullable=True),
        sa.Column("life_event_id", sa.Text(collation="C"), nullable=True),
        sa.Column("reissue_reason", sa.String(), nullable=True),
        sa.Column(
            "decision",
            sa.Enum(
                "ENROLLED", "WAIVED", name="election_decision", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "coverage_tier",
            sa.Enum(
                "UNSPECIFIED",
                "EE",
                "ES",
                "EC",
                "EF",
                name="coverage_tier",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("selected_plan_id", sa.Text(collation="C"), nullable=True),
        sa.Column("employee_contribution_cents", sa.BigInteger(), nullable=True),
        sa.Column("employer_contribution_cents", sa.BigInteger(), nullable=True),
        sa.Column("coverage_starts_on", sa.Date(), nullable=True),
        sa.Column("coverage_ends_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column(
            "close_reason",
            sa.Enum(
                "LAPSED",
                "REISSUED",
                "TERMINATED",
                "NOT_ELIGIBLE",
                name="close_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(reason = 'LIFE_EVENT') = (life_event_id IS NOT NULL) AND (reason = 'LIFE_EVENT') = (replaces_id IS NOT NULL)",
            name=op.f("ck_enrollments_life_event"),
        ),
        sa.CheckConstraint(
            "(reason = 'OPEN_ENROLLMENT') = (window_opens_on IS NULL) AND (reason = 'OPEN_ENROLLMENT') = (window_closes_on IS NULL) AND window_opens_on <= window_closes_on",
            name=op.f("ck_enrollments_window"),
        ),
        sa.CheckConstraint(
            "CASE WHEN decision = 'ENROLLED' THEN selected_plan_id IS NOT NULL AND coverage_tier <> 'UNSPECIFIED' AND coverage_tier IS NOT NULL AND employee_contribution_cents >= 0 AND employer_contribution_cents >= 0 AND employee_contribution_cents IS NOT NULL AND employer_contribution_cents IS NOT NULL AND coverage_starts_on IS NOT NULL ELSE num_nonnulls(selected_plan_id, coverage_tier, employee_contribution_cents, employer_contribution_cents, coverage_starts_on, coverage_ends_on) = 0 END",
            name=op.f("ck_enrollments_answer"),
        ),
        sa.CheckConstraint("id ~ '^enrl_[0-7][0-9a-hjkmnp-tv-z]{25}$'", name=op.f("ck_enrollments_id")),
        sa.CheckConstraint("(closed_on IS NULL) = (close_reason IS NULL)", name=op.f("ck_enrollments_closed")),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_enrollments_decided_at")),
        sa.CheckConstraint("coverage_starts_on <= coverage_ends_on", name=op.f("ck_enrollments_coverage")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "benefit_product_id", "plan_year_id"],
            ["plan_years.tenant_id", "plan_years.employer_id", "plan_years.benefit_product_id", "plan_years.id"],
            name="fk_enrollments_plan_year",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id", "life_event_id"],
            ["life_events.tenant_id", "life_events.employer_id", "life_events.employee_id", "life_events.id"],
            name="fk_enrollments_life_event",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id", "replaces_id"],
            ["enrollments.tenant_id", "enrollments.employer_id", "enrollments.employee_id", "enrollments.id"],
            name="fk_enrollments_replaces",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id"],
            ["employees.tenant_id", "employees.employer_id", "employees.id"],
            name="fk_enrollments_employee",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "plan_year_id", "selected_plan_id"],
            ["plans.tenant_id", "plans.employer_id", "plans.plan_year_id", "plans.id"],
            name="fk_enrollments_plan",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint("tenant_id", "employer_id", "employee_id", "id", name="uq_enrollments_of_employee"),
    )
    op.create_index("ix_enrollments_employee", "enrollments", ["tenant_id", "employee_id", "id"], unique=False)
    op.create_index("ix_enrollments_employer", "enrollments", ["tenant_id", "employer_id", "id"], unique=False)
    op.create_index(
        "ix_enrollments_life_event",
        "enrollments",
        ["tenant_id", "employer_id", "employee_id", "life_event_id"],
        unique=False,
    )
    op.create_index(
        "ix_enrollments_of_product",
        "enrollments",
        ["tenant_id", "employer_id", "benefit_product_id", "plan_year_id"],
        unique=False,
    )
    op.create_index(
        "ix_enrollments_plan",
        "enrollments",
        ["tenant_id", "employer_id", "plan_year_id", "selected_plan_id"],
        unique=False,
    )
    op.create_index("ix_enrollments_plan_year", "enrollments", ["tenant_id", "plan_year_id", "id"], unique=False)
    op.create_index(
        "ix_enrollments_replaces",
        "enrollments",
        ["tenant_id", "employer_id", "employee_id", "replaces_id"],
        unique=False,
    )
    op.create_index(
        "uq_enrollments_issued_once",
        "enrollments",
        ["tenant_id", "employee_id", "plan_year_id"],
        unique=True,
        postgresql_where=sa.text("replaces_id IS NULL AND (close_reason IS NULL OR close_reason <> 'NOT_ELIGIBLE')"),
    )
    op.create_table(
        "enrolled_dependents",
        sa.Column("tenant_id", sa.Text(collation="C"), nullable=False),
        sa.Column("enrollment_id", sa.Text(collation="C"), nullable=False),
        sa.Column("dependent_id", sa.Text(collation="C"), nullable=False),
        sa.Column("employer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("employee_id", sa.Text(collation="C"), nullable=False),
        sa.Column("through", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id", "dependent_id"],
            ["dependents.tenant_id", "dependents.employer_id", "dependents.employee_id", "dependents.id"],
            name="fk_enrolled_dependents_dependent",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "employer_id", "employee_id", "enrollment_id"],
            ["enrollments.tenant_id", "enrollments.employer_id", "enrollments.employee_id", "enrollments.id"],
            name="fk_enrolled_dependents_enrollment",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "enrollment_id", "dependent_id", name=op.f("pk_enrolled_dependents")),
    )
    op.create_index(
        "ix_enrolled_dependents_dependent",
        "enrolled_dependents",
        ["tenant_id", "employer_id", "employee_id", "dependent_id"],
        unique=False,
    )
    op.create_index(
        "ix_enrolled_dependents_enrollment",
        "enrolled_dependents",
        ["tenant_id", "employer_id", "employee_id", "enrollment_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("enrolled_dependents")
    op.drop_table("enrollments")
    op.drop_table("life_events")
    op.drop_table("events")
