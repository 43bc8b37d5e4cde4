"""Writing: the rows of many ledgers, each table in one statement, what is referred to before what refers."""

from collections.abc import Sequence

from benegraph.db.base import Base
from benegraph.db.models import (
    BenefitProduct,
    CarrierPlan,
    CarrierPlanRate,
    ContributionClass,
    Dependent,
    Employee,
    Employer,
    EnrolledDependent,
    Enrollment,
    Event,
    GroupContract,
    LifeEvent,
    Plan,
    PlanRate,
    PlanYear,
    PremiumInvoice,
    PremiumPayment,
    Subscriber,
    SubscriberEnrollment,
)
from benegraph.db.session import Transaction
from benegraph.db.store.row_writes import insert_rows
from benegraph.demo.record_buffer import Ledger

_ORDER: tuple[type[Base], ...] = (
    BenefitProduct,
    CarrierPlan,
    CarrierPlanRate,
    Employer,
    GroupContract,
    PlanYear,
    ContributionClass,
    Plan,
    PlanRate,
    Employee,
    Subscriber,
    SubscriberEnrollment,
    Dependent,
    LifeEvent,
    Enrollment,
    EnrolledDependent,
    PremiumInvoice,
    PremiumPayment,
    Event,
)


async def write(tx: Transaction, ledgers: Sequence[Ledger]) -> None:
    """Insert all rows of these ledgers, in one statement a table."""
    for model in _ORDER:
        await insert_rows(tx, model, [row for ledger in ledgers for row in ledger.tables.get(model, ())])
