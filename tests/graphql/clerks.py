"""A clerk who works through the graph alone, and remembers which mutations went well and which were refused."""

from typing import Any

from graphql_requests import fetch_data
from mutating import call

from factories.office import Office

ENROLLMENTS = """
query($id: ID!) { employee(id: $id) { enrollments { nodes {
    id status coverageTier coverageStartDate coverageEndDate coverageStatus
    employeeContributionCents employerContributionCents selectedPlan { carrierPlanId }
    enrolledDependents { id } replaces { id } qualifyingLifeEvent { eventType }
} } } }
"""


class Clerk:
    """Whoever does it all, and what has been done so far."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.done: set[str] = set()
        self.refused: set[str] = set()

    async def does(self, mutation: str, **input: Any) -> Any:
        """Call a mutation that goes well; give its payload."""
        answer = await call(self.office, mutation, input)
        assert answer.is_done, answer
        assert answer.payload is not None
        self.done.add(mutation)
        return answer.payload

    async def is_refused(self, mutation: str, *refusals: str, **input: Any) -> None:
        """Call a mutation that is refused, and see that it changed nothing."""
        before = await self.office.read_all_rows()
        answer = await call(self.office, mutation, input)
        assert (answer.refusals, answer.errors) == (list(refusals), [])
        assert await self.office.read_all_rows() == before
        self.refused.add(mutation)

    async def enrollments(self, employee: str) -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = (await self.asks(ENROLLMENTS, id=employee))["employee"]["enrollments"]["nodes"]
        return nodes

    async def asks(self, query: str, **variables: Any) -> dict[str, Any]:
        return await fetch_data(self.office.database, self.office.clock(), self.office.viewer, query, **variables)
