"""A client that calls mutations, and records which of them it has seen applied and which refused."""

from typing import Any

from graphql_requests import fetch_data
from mutation_calls import call

from factories.office import Office

ENROLLMENTS_QUERY = """
query($id: ID!) { employee(id: $id) { enrollments { nodes {
    id status coverageTier coverageStartDate coverageEndDate coverageStatus
    employeeContributionCents employerContributionCents selectedPlan { carrierPlanId }
    enrolledDependents { id } replaces { id } qualifyingLifeEvent { eventType }
} } } }
"""


class MutationRecorder:
    def __init__(self, office: Office) -> None:
        self.office = office
        #: The names of the mutations that were applied, and of those that were refused.
        self.applied: set[str] = set()
        self.refused: set[str] = set()

    async def apply(self, mutation: str, **input: Any) -> Any:
        """Call a mutation that must succeed; return its payload."""
        response = await call(self.office, mutation, input)
        assert response.is_applied, response
        assert response.payload is not None
        self.applied.add(mutation)
        return response.payload

    async def check_refused(self, mutation: str, *refusals: str, **input: Any) -> None:
        """Call a mutation that must be refused for exactly these reasons, and check that it changes no row."""
        before = await self.office.read_all_rows()
        response = await call(self.office, mutation, input)
        assert (response.refusals, response.errors) == (list(refusals), [])
        assert await self.office.read_all_rows() == before
        self.refused.add(mutation)

    async def enrollments(self, employee: str) -> list[dict[str, Any]]:
        data = await self.query(ENROLLMENTS_QUERY, id=employee)
        nodes: list[dict[str, Any]] = data["employee"]["enrollments"]["nodes"]
        return nodes

    async def query(self, query: str, **variables: Any) -> dict[str, Any]:
        return await fetch_data(self.office.database, self.office.clock(), self.office.viewer, query, **variables)
