"""Permissions: viewers, roles, actions, and the table of the actions that each role may perform."""

from dataclasses import dataclass, field
from enum import StrEnum

from benegraph.domain.errors import Forbidden


class Role(StrEnum):
    """The capacity in which a viewer acts. It decides which rows they may read and which mutations they may call."""

    ADMINISTRATOR = "ADMINISTRATOR"
    EMPLOYER = "EMPLOYER"
    EMPLOYEE = "EMPLOYEE"
    SERVICE = "SERVICE"


class Action(StrEnum):
    """An action that needs permission: a mutation, by its name in the GraphQL schema."""

    ELECT = "elect"
    REOPEN_ELECTION = "reopenElection"
    REISSUE = "reissue"
    END_COVERAGE = "endCoverage"
    EXTEND_WINDOW = "extendWindow"
    OVERRIDE_ELECTION = "overrideElection"
    REVIEW_ELECTION_OVERRIDE = "reviewElectionOverride"
    CREATE_PLAN_YEAR = "createPlanYear"
    COPY_PLAN_YEAR = "copyPlanYear"
    UPDATE_PLAN_YEAR = "updatePlanYear"
    DELETE_PLAN_YEAR = "deletePlanYear"
    OPEN_ENROLLMENT = "openEnrollment"
    CLOSE_ENROLLMENT = "closeEnrollment"
    REPORT_LIFE_EVENT = "reportLifeEvent"
    REVIEW_LIFE_EVENT = "reviewLifeEvent"
    UNDO_LIFE_EVENT_REVIEW = "undoLifeEventReview"
    WITHDRAW_LIFE_EVENT = "withdrawLifeEvent"
    WITHDRAW_REISSUE = "withdrawReissue"
    CREATE_EMPLOYER = "createEmployer"
    UPDATE_EMPLOYER = "updateEmployer"
    DEACTIVATE_EMPLOYER = "deactivateEmployer"
    REACTIVATE_EMPLOYER = "reactivateEmployer"
    CREATE_DIVISION = "createDivision"
    UPDATE_DIVISION = "updateDivision"
    RETIRE_DIVISION = "retireDivision"
    CREATE_EMPLOYEE = "createEmployee"
    UPDATE_EMPLOYEE = "updateEmployee"
    TERMINATE_EMPLOYEE = "terminateEmployee"
    REINSTATE_EMPLOYEE = "reinstateEmployee"
    REHIRE_EMPLOYEE = "rehireEmployee"
    MOVE_EMPLOYEE = "moveEmployee"
    DELETE_EMPLOYEE = "deleteEmployee"
    MERGE_EMPLOYEES = "mergeEmployees"
    UPSERT_EMPLOYEES = "upsertEmployees"
    REVEAL_SSN = "revealSsn"
    ADD_DEPENDENT = "addDependent"
    UPDATE_DEPENDENT = "updateDependent"
    CREATE_BENEFIT_PRODUCT = "createBenefitProduct"
    UPDATE_BENEFIT_PRODUCT = "updateBenefitProduct"
    RETIRE_BENEFIT_PRODUCT = "retireBenefitProduct"
    ADD_CARRIER_PLAN = "addCarrierPlan"
    UPDATE_CARRIER_PLAN = "updateCarrierPlan"
    RETIRE_CARRIER_PLAN = "retireCarrierPlan"
    CREATE_SUBSCRIBER = "createSubscriber"
    UPDATE_SUBSCRIBER = "updateSubscriber"
    CREATE_GROUP_CONTRACT = "createGroupContract"
    UPDATE_GROUP_CONTRACT = "updateGroupContract"
    END_GROUP_CONTRACT = "endGroupContract"
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
    ISSUE_KEY = "issueKey"
    REVOKE_KEY = "revokeKey"


_EMPLOYEE_ACTIONS = frozenset(
    {
        Action.ELECT,
        Action.REOPEN_ELECTION,
        Action.REISSUE,
        Action.ADD_DEPENDENT,
        Action.UPDATE_DEPENDENT,
        Action.REPORT_LIFE_EVENT,
        Action.WITHDRAW_LIFE_EVENT,
        Action.WITHDRAW_REISSUE,
    }
)
_EMPLOYER_ACTIONS = _EMPLOYEE_ACTIONS | {
    Action.END_COVERAGE,
    Action.EXTEND_WINDOW,
    Action.REVIEW_ELECTION_OVERRIDE,
    Action.CREATE_PLAN_YEAR,
    Action.COPY_PLAN_YEAR,
    Action.UPDATE_PLAN_YEAR,
    Action.DELETE_PLAN_YEAR,
    Action.OPEN_ENROLLMENT,
    Action.CLOSE_ENROLLMENT,
    Action.REVIEW_LIFE_EVENT,
    Action.UNDO_LIFE_EVENT_REVIEW,
    Action.CREATE_EMPLOYEE,
    Action.UPDATE_EMPLOYEE,
    Action.TERMINATE_EMPLOYEE,
    Action.REINSTATE_EMPLOYEE,
    Action.REHIRE_EMPLOYEE,
    Action.MOVE_EMPLOYEE,
    Action.DELETE_EMPLOYEE,
    Action.MERGE_EMPLOYEES,
    Action.UPSERT_EMPLOYEES,
}

PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(Action),
    Role.EMPLOYER: _EMPLOYER_ACTIONS,
    Role.EMPLOYEE: _EMPLOYEE_ACTIONS,
    Role.SERVICE: frozenset(),  # only the actions that its API key names
}


def check_limits(role: Role, employer_id: str | None, employee_id: str | None) -> None:
    """Raise ValueError unless a caller of this role can be limited to this employer and employee."""
    if role is Role.EMPLOYER and employer_id is None:
        raise ValueError("the role EMPLOYER needs an employer_id")
    if role is Role.EMPLOYEE and (employer_id is None or employee_id is None):
        raise ValueError("the role EMPLOYEE needs an employer_id and an employee_id")
    if employee_id is not None and employer_id is None:
        raise ValueError("an employee_id needs the employer_id of the employee's employer")


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """The limits of a key: its role, an employer, one of its employees, and the mutations that a service may call."""

    role: Role
    employer_id: str | None = None
    employee_id: str | None = None
    actions: frozenset[Action] = frozenset()

    def __post_init__(self) -> None:
        check_limits(self.role, self.employer_id, self.employee_id)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller of a request, known by a key ID in one tenant; some are limited to one employer or employee."""

    tenant_id: str
    key_id: str
    role: Role
    employer_id: str | None = None
    employee_id: str | None = None
    actions: frozenset[Action] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        check_limits(self.role, self.employer_id, self.employee_id)

    @property
    def actor(self) -> str:
        """The name of this viewer in history events: the role, then the key ID."""
        return f"{self.role} {self.key_id}"

    @property
    def administered_tenant_id(self) -> str | None:
        """The viewer's tenant, if the viewer is an administrator."""
        return self.tenant_id if self.role is Role.ADMINISTRATOR else None

    @property
    def administers_keys(self) -> bool:
        """Whether the viewer may issue or revoke API keys. Nobody else sees them."""
        return self.is_allowed(Action.ISSUE_KEY) or self.is_allowed(Action.REVOKE_KEY)

    def is_allowed(self, action: Action) -> bool:
        return action in PERMISSIONS[self.role] or (self.role is Role.SERVICE and action in self.actions)


def require_tenant_wide(viewer: Viewer) -> None:
    """Raise Forbidden if the viewer is limited to one employer: the operation concerns the whole tenant."""
    if viewer.employer_id is not None:
        raise Forbidden("This caller is limited to one employer; the operation needs access to the whole tenant.")


def require_permission(viewer: Viewer, action: Action) -> None:
    """Raise Forbidden unless the viewer's role, or a service's API key, allows the action. Reads no rows."""
    if not viewer.is_allowed(action):
        raise Forbidden(f"This caller may not call the mutation {action}.")


def require_rights_to_issue(viewer: Viewer, limits: KeyLimits) -> None:
    """Raise Forbidden if a key with these limits would allow more than the viewer's own. Reads no rows."""
    if viewer.employer_id is not None and limits.employer_id is None:
        raise Forbidden("This caller is limited to one employer; a key that it issues needs the employer's ID.")
    if viewer.employee_id is not None and limits.employee_id is None:
        raise Forbidden("This caller is limited to one employee; a key that it issues needs the employee's ID.")
    if viewer.role is Role.SERVICE and not (limits.role is Role.SERVICE and limits.actions <= viewer.actions):
        raise Forbidden("A service may only issue keys for services, with mutations that its own key lists.")
