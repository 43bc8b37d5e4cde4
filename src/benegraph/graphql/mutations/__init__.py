"""Mutations, by room: inputs turned into domain values, one transaction each, and payloads that say what came of it."""

from benegraph.graphql.mutations.billing import BillingMutation
from benegraph.graphql.mutations.catalog import CatalogMutation
from benegraph.graphql.mutations.coverage import CoverageMutation
from benegraph.graphql.mutations.employers import EmployersMutation
from benegraph.graphql.mutations.enrollments import EnrollmentsMutation
from benegraph.graphql.mutations.life_events import LifeEventsMutation
from benegraph.graphql.mutations.people import PeopleMutation
from benegraph.graphql.mutations.plan_years import PlanYearsMutation

MUTATIONS = (
    EnrollmentsMutation,
    PlanYearsMutation,
    LifeEventsMutation,
    EmployersMutation,
    PeopleMutation,
    CatalogMutation,
    CoverageMutation,
    BillingMutation,
)

__all__ = ["MUTATIONS"]
