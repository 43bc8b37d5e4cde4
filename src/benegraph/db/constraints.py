"""Named constraints, and the refusal that a violation of each stands for."""

from sqlalchemy.exc import IntegrityError

from benegraph.domain.errors import ErrorCode, Refused, RuleViolation

REFUSALS = {
    "uq_employees_external_id": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "Another employee of this employer carries this external id.", ("externalId",)
    ),
    "ex_plan_years_period": RuleViolation(
        ErrorCode.PLAN_YEAR_OVERLAP,
        "Another plan year of this employer and product shares days with it.",
        ("coverageStart",),
    ),
    "uq_subscribers_subscriber_id": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "Another subscriber carries this number.", ("subscriberId",)
    ),
    "uq_subscribers_employee": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "Another subscriber stands for this employee.", ("employeeId",)
    ),
    "uq_group_contracts_key": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "There is a contract of this group, division and start already.", ("groupId",)
    ),
    "uq_subscriber_enrollments_key": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "There is a coverage of this key already.", ("key",)
    ),
    "ex_subscriber_enrollments_coverage": RuleViolation(
        ErrorCode.OVERLAPPING_COVERAGE,
        "Another coverage of this subscriber shares a day with it.",
        ("key", "startDate"),
    ),
    "ex_enrollments_coverage": RuleViolation(
        ErrorCode.OVERLAPPING_COVERAGE, "Other coverage of this product shares a day with it."
    ),
}


def refusal_of(error: IntegrityError) -> Refused | None:
    """Turn a violated constraint into the refusal it stands for; None where it stands for a fault of ours."""
    # The driver's own error: what SQLAlchemy sent has it beneath an adapter's, what was sent past it has not.
    cause = error.orig if hasattr(error.orig, "constraint_name") else getattr(error.orig, "__cause__", None)
    rule = REFUSALS.get(getattr(cause, "constraint_name", None) or "")
    return None if rule is None else Refused([rule])
