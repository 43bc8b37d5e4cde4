"""Tables of the catalog: benefit products, and the carrier plans that new plan years copy."""

from sqlalchemy import CheckConstraint, UniqueConstraint, func, text, true
from sqlalchemy.orm import Mapped, mapped_column

from benegraph.db.base import (
    Base,
    Cents,
    Id,
    Instant,
    TenantScoped,
    Versioned,
    enum_type,
    id_format_check,
    tenant_foreign_key,
)
from benegraph.domain.catalog import CoverageTier, PlanTier, ProductCategory
from benegraph.domain.ids import IdPrefix


class BenefitProduct(Versioned, Base):
    """A benefit that employers offer year after year, such as medical or dental."""

    __tablename__ = "benefit_products"

    name: Mapped[str]
    category: Mapped[ProductCategory] = mapped_column(enum_type(ProductCategory))
    carrier_name: Mapped[str | None]
    #: The carrier's identification in electronic transactions.
    payer_id: Mapped[str | None]
    active: Mapped[bool]

    __table_args__ = (
        id_format_check(IdPrefix.BENEFIT_PRODUCT),
        tenant_foreign_key("benefit_products_tenant", "", "tenants"),
    )


class CarrierPlan(Versioned, Base):
    """A carrier's plan in the catalog of a product. Plan years hold copies, which its changes do not reach."""

    __tablename__ = "carrier_plans"

    benefit_product_id: Mapped[Id]
    position: Mapped[int]
    carrier_plan_id: Mapped[str]
    name: Mapped[str]
    tier: Mapped[PlanTier | None] = mapped_column(enum_type(PlanTier))
    monthly_premium_cents: Mapped[Cents]
    deductible_cents: Mapped[Cents | None]
    out_of_pocket_max_cents: Mapped[Cents | None]
    #: Whether new plan years are offered it.
    active: Mapped[bool] = mapped_column(server_default=true())
    # The columns are younger than the table: a server of an earlier version inserts rows without them.
    updated_at: Mapped[Instant] = mapped_column(server_default=func.now(), sort_order=1)
    version: Mapped[int] = mapped_column(server_default=text("1"), sort_order=1)

    __table_args__ = (
        id_format_check(IdPrefix.CARRIER_PLAN),
        CheckConstraint(
            "monthly_premium_cents >= 0 AND deductible_cents >= 0 AND out_of_pocket_max_cents >= 0", name="cents"
        ),
        UniqueConstraint("tenant_id", "benefit_product_id", "position", name="uq_carrier_plans_position"),
        UniqueConstraint("tenant_id", "benefit_product_id", "carrier_plan_id", name="uq_carrier_plans_carrier_plan_id"),
        tenant_foreign_key("carrier_plans_benefit_product", "benefit_product_id", "benefit_products", "id"),
    )


class CarrierPlanRate(TenantScoped, Base):
    """The monthly premium of a carrier plan for one coverage tier."""

    __tablename__ = "carrier_plan_rates"

    carrier_plan_id: Mapped[Id] = mapped_column(primary_key=True)
    coverage_tier: Mapped[CoverageTier] = mapped_column(enum_type(CoverageTier), primary_key=True)
    monthly_premium_cents: Mapped[Cents]

    __table_args__ = (
        CheckConstraint("monthly_premium_cents >= 0 AND coverage_tier <> 'UNSPECIFIED'", name="rate"),
        tenant_foreign_key("carrier_plan_rates_plan", "carrier_plan_id", "carrier_plans", "id", ondelete="CASCADE"),
    )
