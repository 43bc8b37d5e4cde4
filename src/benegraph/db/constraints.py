"""Named constraints, and the refusal that a violation of each stands for."""

from sqlalchemy.exc import IntegrityError

from benegraph.domain.errors import BrokenRule, Code, Refused

REFUSALS = {
    "uq_employees_external_id": BrokenRule(
        Code.ALREADY_EXISTS, "Another employee of this employer carries this external id.", ("externalId",)
    ),
    "ex_plan_years_period": BrokenRule(
        Code.PLAN_YEAR_OVERLAP,
        "Another plan year of this employer and product shares days with it.",
        ("coverageStart",),
    ),
    "ex_enrollments_coverage": BrokenRule(
        Code.OVERLAPPING_COVERAGE, "Other coverage of this product shares a day with it."
    ),
}


def refusal_of(error: IntegrityError) -> Refused | None:
    """Turn a violated constraint into the refusal it stands for; None where it stands for a fault of ours."""
    cause = error.orig.__cause__ if error.orig is not None else None
    rule = REFUSALS.get(getattr(cause, "constraint_name", None) or "")
    return None if rule is None else Refused([rule])
