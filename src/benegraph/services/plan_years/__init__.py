"""Plan years: create, update and delete drafts; open and close enrollment."""

from benegraph.services.plan_years.drafts import (
    PlanYearDraft,
    create_plan_year,
    delete_plan_year,
    update_plan_year,
)
from benegraph.services.plan_years.opening_and_closing import close_enrollment, open_enrollment, renew_or_lapse

__all__ = [
    "PlanYearDraft",
    "close_enrollment",
    "create_plan_year",
    "delete_plan_year",
    "open_enrollment",
    "renew_or_lapse",
    "update_plan_year",
]
