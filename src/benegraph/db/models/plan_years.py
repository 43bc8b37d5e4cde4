"""Tables of plan years: the plan year, its contribution classes, its plans and their rates."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import (
    Base,
    Cents,
    Id,
    Identified,
    TenantScoped,
    Versioned,
    enum_type,
    id_format_check,
    tenant_foreign_key,
)
from benegraph.domain.catalog import CoverageTier, PlanTier
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import EmploymentClass
from benegraph.domain.plan_years import RenewalMode

_OF_PLAN_YEAR = "employer_id plan_year_id"


class PlanYear(Versioned, Base):
    """One employer's plan year of one benefit product. Its status is derived from its dates."""

    __tablename__ = "plan_years"

    employer_id: Mapped[Id]
    benefit_product_id: Mapped[Id]
    coverage_starts_on: Mapped[date]
    coverage_ends_on: Mapped[date]
    open_enrollment_starts_on: Mapped[date]
    open_enrollment_ends_on: Mapped[date]
    waiting_period_days: Mapped[int]
    starts_on_first_of_month: Mapped[bool]
    renewal: Mapped[RenewalMode] = mapped_column(enum_type(RenewalMode))
    #: The group contract that this year's coverage of record belongs to, by group and start. The division is that of
    #: each employee.
    group_id: Mapped[Id | None]
    group_coverage_start: Mapped[date | None]
    opened_on: Mapped[date | None]
    closed_on: Mapped[date | None]

    __table_args__ = (
        id_format_check(IdPrefix.PLAN_YEAR),
        CheckConstraint("coverage_starts_on <= coverage_ends_on", name="coverage"),
        CheckConstraint(
            "open_enrollment_starts_on <= open_enrollment_ends_on AND open_enrollment_ends_on < coverage_starts_on",
            name="open_enrollment",
        ),
        CheckConstraint("waiting_period_days BETWEEN 0 AND 90", name="waiting_period_days"),
        CheckConstraint("(group_id IS NULL) = (group_coverage_start IS NULL)", name="contract"),
        CheckConstraint("closed_on IS NULL OR opened_on IS NOT NULL", name="life_cycle"),
        UniqueConstraint("tenant_id", "employer_id", "id", name="uq_plan_years_of_employer"),
        UniqueConstraint("tenant_id", "employer_id", "benefit_product_id", "id", name="uq_plan_years_of_product"),
        tenant_foreign_key("plan_years_employer", "employer_id", "employers", "id"),
        tenant_foreign_key("plan_years_benefit_product", "benefit_product_id", "benefit_products", "id"),
        Index("ix_plan_years_benefit_product", "tenant_id", "benefit_product_id", "id"),
    )


class ContributionClass(Identified, Base):
    """The monthly contributions of employee and employer in a plan year, for one employment class and family status."""

    __tablename__ = "contribution_classes"

    employer_id: Mapped[Id]
    plan_year_id: Mapped[Id]
    position: Mapped[int]
    employment: Mapped[EmploymentClass] = mapped_column(enum_type(EmploymentClass))
    family_status: Mapped[CoverageTier] = mapped_column(enum_type(CoverageTier))
    employee_contribution_cents: Mapped[Cents]
    employer_contribution_cents: Mapped[Cents]

    __table_args__ = (
        id_format_check(IdPrefix.CONTRIBUTION_CLASS),
        CheckConstraint("employee_contribution_cents >= 0 AND employer_contribution_cents >= 0", name="cents"),
        UniqueConstraint(
            "tenant_id", "plan_year_id", "employment", "family_status", name="uq_contribution_classes_of_plan_year"
        ),
        tenant_foreign_key(
            "contribution_classes_plan_year", _OF_PLAN_YEAR, "plan_years", "employer_id id", ondelete="CASCADE"
        ),
        Index("ix_contribution_classes_plan_year", "tenant_id", "employer_id", "plan_year_id"),
    )


class Plan(Identified, Base):
    """A carrier's plan as it is offered in one plan year."""

    __tablename__ = "plans"

    employer_id: Mapped[Id]
    plan_year_id: Mapped[Id]
    position: Mapped[int]
    carrier_plan_id: Mapped[str]
    name: Mapped[str]
    tier: Mapped[PlanTier | None] = mapped_column(enum_type(PlanTier))
    monthly_premium_cents: Mapped[Cents]
    deductible_cents: Mapped[Cents | None]
    out_of_pocket_max_cents: Mapped[Cents | None]

    __table_args__ = (
        id_format_check(IdPrefix.PLAN),
        CheckConstraint(
            "monthly_premium_cents >= 0 AND deductible_cents >= 0 AND out_of_pocket_max_cents >= 0", name="cents"
        ),
        UniqueConstraint("tenant_id", "plan_year_id", "carrier_plan_id", name="uq_plans_carrier_plan_id"),
        UniqueConstraint("tenant_id", "employer_id", "plan_year_id", "id", name="uq_plans_of_plan_year"),
        tenant_foreign_key("plans_plan_year", _OF_PLAN_YEAR, "plan_years", "employer_id id", ondelete="CASCADE"),
    )


class PlanRate(TenantScoped, Base):
    """The monthly premium of a plan for one coverage tier."""

    __tablename__ = "plan_rates"

    plan_id: Mapped[Id] = mapped_column(primary_key=True)
    coverage_tier: Mapped[CoverageTier] = mapped_column(enum_type(CoverageTier), primary_key=True)
    employer_id: Mapped[Id]
    plan_year_id: Mapped[Id]
    monthly_premium_cents: Mapped[Cents]

    __table_args__ = (
        CheckConstraint("monthly_premium_cents >= 0 AND coverage_tier <> 'UNSPECIFIED'", name="rate"),
        tenant_foreign_key(
            "plan_rates_plan",
            "employer_id plan_year_id plan_id",
            "plans",
            "employer_id plan_year_id id",
            ondelete="CASCADE",
        ),
        Index("ix_plan_rates_plan", "tenant_id", "employer_id", "plan_year_id", "plan_id"),
    )
