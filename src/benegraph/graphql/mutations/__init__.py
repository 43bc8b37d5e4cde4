"""Mutations, by domain area: their inputs and payloads, and the change that each applies in one transaction."""

from strawberry.tools import create_type

from benegraph.graphql.mutations import (
    billing,
    catalog,
    coverage,
    employers,
    enrollment_corrections,
    enrollments,
    life_events,
    overrides,
    people,
    plan_year_copies,
    plan_years,
)

_FIELDS = [  # in the schema's order
    enrollments.elect,
    enrollments.reopen_election,
    enrollments.reissue,
    enrollment_corrections.end_coverage,
    enrollment_corrections.extend_window,
    overrides.override_election,
    overrides.review_election_override,
    plan_years.create_plan_year,
    plan_year_copies.copy_plan_year,
    plan_years.update_plan_year,
    plan_years.delete_plan_year,
    plan_years.open_enrollment,
    plan_years.close_enrollment,
    life_events.report_life_event,
    life_events.review_life_event,
    employers.create_employer,
    employers.update_employer,
    employers.deactivate_employer,
    employers.reactivate_employer,
    people.create_employee,
    people.update_employee,
    people.terminate_employee,
    people.reinstate_employee,
    people.add_dependent,
    people.update_dependent,
    catalog.create_benefit_product,
    catalog.update_benefit_product,
    catalog.retire_benefit_product,
    catalog.add_carrier_plan,
    catalog.update_carrier_plan,
    catalog.retire_carrier_plan,
    coverage.create_subscriber,
    coverage.create_group_contract,
    coverage.create_subscriber_enrollment,
    coverage.update_subscriber_enrollment,
    coverage.delete_subscriber_enrollment,
    coverage.upsert_subscriber_enrollments,
    billing.set_paid_through,
    billing.record_premium_invoice,
    billing.void_premium_invoice,
    billing.record_premium_payment,
    billing.reverse_premium_payment,
    billing.update_tenant_settings,
]

Mutation = create_type(
    "Mutation",
    _FIELDS,
    description="The mutations: each runs in one transaction, and reports violated business rules in `userErrors`.",
)

__all__ = ["Mutation"]
