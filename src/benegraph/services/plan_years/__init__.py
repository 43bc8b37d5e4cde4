"""Plan years: create, copy, update and delete drafts; open and close enrollment."""

from benegraph.services.plan_years.copies import (
    PlanRevision,
    PlanYearCopy,
    PlanYearCopyOutcome,
    copy_plan_year,
)
from benegraph.services.plan_years.drafts import (
    PlanYearDraft,
    create_plan_year,
    delete_plan_year,
    update_plan_year,
)
from benegraph.services.plan_years.opening_and_closing import close_enrollment, open_enrollment, renew_or_lapse

__all__ = [
    "PlanRevision",
    "PlanYearCopy",
    "PlanYearCopyOutcome",
    "PlanYearDraft",
    "close_enrollment",
    "copy_plan_year",
    "create_plan_year",
    "delete_plan_year",
    "open_enrollment",
    "renew_or_lapse",
    "update_plan_year",
]
