"""Table definitions: one class for each table, without behavior."""

from benegraph.db.models.access import AccessRecord, ApiKey, IdempotencyKey, Tenant
from benegraph.db.models.billing import PremiumInvoice, PremiumPayment
from benegraph.db.models.catalog import BenefitProduct, CarrierPlan, CarrierPlanRate
from benegraph.db.models.confirmations import ConfirmedDependent, ElectionConfirmation
from benegraph.db.models.coverage import GroupContract, Subscriber, SubscriberEnrollment
from benegraph.db.models.documents import PersistedQuery, TrustedDocument
from benegraph.db.models.employers import Division, Employer
from benegraph.db.models.enrollments import EnrolledDependent, Enrollment, LifeEvent
from benegraph.db.models.events import Event
from benegraph.db.models.overrides import ElectionOverride
from benegraph.db.models.people import Dependent, DivisionMove, Employee
from benegraph.db.models.plan_years import ContributionClass, Plan, PlanRate, PlanYear

__all__ = [
    "AccessRecord",
    "ApiKey",
    "BenefitProduct",
    "CarrierPlan",
    "CarrierPlanRate",
    "ConfirmedDependent",
    "ContributionClass",
    "Dependent",
    "Division",
    "DivisionMove",
    "ElectionConfirmation",
    "ElectionOverride",
    "Employee",
    "Employer",
    "EnrolledDependent",
    "Enrollment",
    "Event",
    "GroupContract",
    "IdempotencyKey",
    "LifeEvent",
    "PersistedQuery",
    "Plan",
    "PlanRate",
    "PlanYear",
    "PremiumInvoice",
    "PremiumPayment",
    "Subscriber",
    "SubscriberEnrollment",
    "Tenant",
    "TrustedDocument",
]
