"""Bulk insert of generated rows: one statement for each table."""

from collections.abc import Sequence

from benegraph.db.base import Base
from benegraph.db.models import (
    BenefitProduct,
    CarrierPlan,
    CarrierPlanRate,
    ConfirmedDependent,
    ContributionClass,
    Dependent,
    Division,
    ElectionConfirmation,
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
from benegraph.demo.record_buffer import RecordBuffer

# Referenced tables come before the tables that refer to them.
_INSERT_ORDER: tuple[type[Base], ...] = (
    BenefitProduct,
    CarrierPlan,
    CarrierPlanRate,
    Employer,
    Division,
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
    ElectionConfirmation,
    ConfirmedDependent,
    PremiumInvoice,
    PremiumPayment,
    Event,
)


async def insert_records(tx: Transaction, buffers: Sequence[RecordBuffer]) -> None:
    """Insert all rows of the buffers, with one statement for each table."""
    for model in _INSERT_ORDER:
        await insert_rows(tx, model, [row for records in buffers for row in records.tables.get(model, ())])
