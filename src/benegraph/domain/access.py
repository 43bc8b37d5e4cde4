"""Who may do what: the viewer, the roles, the actions, and the one table that joins them."""

from dataclasses import dataclass, field
from enum import StrEnum

from benegraph.domain.errors import Forbidden


class Role(StrEnum):
    """In what capacity a viewer acts."""

    ADMINISTRATOR = "ADMINISTRATOR"
    EMPLOYER = "EMPLOYER"
    EMPLOYEE = "EMPLOYEE"
    SERVICE = "SERVICE"


class Action(StrEnum):
    """What can be asked of the gateway: each mutation, by its name in the schema."""

    ELECT = "elect"
    REOPEN_ELECTION = "reopenElection"
    REISSUE = "reissue"
    CREATE_PLAN_YEAR = "createPlanYear"
    UPDATE_PLAN_YEAR = "updatePlanYear"
    DELETE_PLAN_YEAR = "deletePlanYear"
    OPEN_ENROLLMENT = "openEnrollment"
    CLOSE_ENROLLMENT = "closeEnrollment"
    REPORT_LIFE_EVENT = "reportLifeEvent"
    REVIEW_LIFE_EVENT = "reviewLifeEvent"
    CREATE_EMPLOYER = "createEmployer"
    CREATE_EMPLOYEE = "createEmployee"
    UPDATE_EMPLOYEE = "updateEmployee"
    TERMINATE_EMPLOYEE = "terminateEmployee"
    REINSTATE_EMPLOYEE = "reinstateEmployee"
    ADD_DEPENDENT = "addDependent"
    UPDATE_DEPENDENT = "updateDependent"
    CREATE_BENEFIT_PRODUCT = "createBenefitProduct"
    CREATE_SUBSCRIBER = "createSubscriber"
    CREATE_GROUP_CONTRACT = "createGroupContract"
    CREATE_SUBSCRIBER_ENROLLMENT = "createSubscriberEnrollment"
    UPDATE_SUBSCRIBER_ENROLLMENT = "updateSubscriberEnrollment"
    DELETE_SUBSCRIBER_ENROLLMENT = "deleteSubscriberEnrollment"
    UPSERT_SUBSCRIBER_ENROLLMENTS = "upsertSubscriberEnrollments"
    SET_PAID_THROUGH = "setPaidThrough"
    RECORD_PREMIUM_INVOICE = "recordPremiumInvoice"
    VOID_PREMIUM_INVOICE = "voidPremiumInvoice"
    RECORD_PREMIUM_PAYMENT = "recordPremiumPayment"
    REVERSE_PREMIUM_PAYMENT = "reversePremiumPayment"
    UPDATE_TENANT_SETTINGS = "updateTenantSettings"


_EMPLOYEES_OWN = frozenset(
    {
        Action.ELECT,
        Action.REOPEN_ELECTION,
        Action.REISSUE,
        Action.ADD_DEPENDENT,
        Action.UPDATE_DEPENDENT,
        Action.REPORT_LIFE_EVENT,
    }
)
_EMPLOYERS = _EMPLOYEES_OWN | {
    Action.CREATE_PLAN_YEAR,
    Action.UPDATE_PLAN_YEAR,
    Action.DELETE_PLAN_YEAR,
    Action.OPEN_ENROLLMENT,
    Action.CLOSE_ENROLLMENT,
    Action.REVIEW_LIFE_EVENT,
    Action.CREATE_EMPLOYEE,
    Action.UPDATE_EMPLOYEE,
    Action.TERMINATE_EMPLOYEE,
    Action.REINSTATE_EMPLOYEE,
}

PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(Action),
    Role.EMPLOYER: _EMPLOYERS,
    Role.EMPLOYEE: _EMPLOYEES_OWN,
    Role.SERVICE: frozenset(),  # what its key names, and nothing else
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: one key in one tenant, limited to an employer or an employee where the key is."""

    tenant_id: str
    key_id: str
    role: Role
    employer_id: str | None = None
    employee_id: str | None = None
    actions: frozenset[Action] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if self.role is Role.EMPLOYER and self.employer_id is None:
            raise ValueError("an employer's key is limited to that employer")
        if self.role is Role.EMPLOYEE and (self.employer_id is None or self.employee_id is None):
            raise ValueError("an employee's key is limited to that employee")

    @property
    def actor(self) -> str:
        """How history names this viewer: the role, then the key."""
        return f"{self.role} {self.key_id}"

    def is_allowed(self, action: Action) -> bool:
        return action in PERMISSIONS[self.role] or (self.role is Role.SERVICE and action in self.actions)


def require_tenant_wide(viewer: Viewer) -> None:
    """Raise Forbidden for a viewer who is limited to one employer, where all of the tenant is concerned."""
    if viewer.employer_id is not None:
        raise Forbidden("This key is limited to one employer.")


def require_permission(viewer: Viewer, action: Action) -> None:
    """Raise Forbidden unless the role (or the service's key) allows the action; no row is looked at."""
    if not viewer.is_allowed(action):
        raise Forbidden(f"{viewer.role} may not {action}.")
