"""Named constraints, and the rule violation that is reported for each."""

from sqlalchemy.exc import IntegrityError

from benegraph.domain.errors import ErrorCode, Refused, RuleViolation

VIOLATIONS = {
    "uq_employees_external_id": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "Another employee of this employer already has this external ID.", ("externalId",)
    ),
    "ex_plan_years_period": RuleViolation(
        ErrorCode.PLAN_YEAR_OVERLAP,
        "The coverage period overlaps another plan year of this employer and benefit product.",
        ("coverageStart",),
    ),
    "uq_subscribers_subscriber_id": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "Another subscriber already has this subscriber number.", ("subscriberId",)
    ),
    "uq_subscribers_employee": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "Another subscriber is already linked to this employee.", ("employeeId",)
    ),
    "uq_group_contracts_key": RuleViolation(
        ErrorCode.ALREADY_EXISTS,
        "A group contract with this group, division and coverage start already exists.",
        ("groupId",),
    ),
    "uq_subscriber_enrollments_key": RuleViolation(
        ErrorCode.ALREADY_EXISTS, "A subscriber enrollment with this key already exists.", ("key",)
    ),
    "ex_subscriber_enrollments_coverage": RuleViolation(
        ErrorCode.OVERLAPPING_COVERAGE,
        "The coverage overlaps other coverage of this subscriber in the same group and division.",
        ("key", "startDate"),
    ),
    "ex_enrollments_coverage": RuleViolation(
        ErrorCode.OVERLAPPING_COVERAGE, "The coverage overlaps other coverage of the same benefit product."
    ),
}


def refusal_of(error: IntegrityError) -> Refused | None:
    """Return the refusal for a violated constraint; None for a constraint that only a bug in benegraph can violate."""
    # SQLAlchemy wraps the driver's error in an error of its adapter; statements sent directly to the driver raise it
    # unwrapped.
    cause = error.orig if hasattr(error.orig, "constraint_name") else getattr(error.orig, "__cause__", None)
    violation = VIOLATIONS.get(getattr(cause, "constraint_name", None) or "")
    return None if violation is None else Refused([violation])
