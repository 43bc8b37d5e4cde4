"""The workloads: four operations, and whom they ask about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Whom one request asks about, and how much.
Case = Mapping[str, Any]

ELECT = "W4"


@dataclass(frozen=True, slots=True)
class Workload:
    """An operation: its short name, what it is, its GraphQL name, and the SQL that finds whom to ask about."""

    name: str
    title: str
    operation: str
    found_by: str


_PERSON = "SELECT id FROM employees WHERE tenant_id = $1 ORDER BY md5(id) LIMIT 1000"

_COVERAGE = """
    SELECT n.employee_id AS id FROM enrollments n
    JOIN benefit_products p ON p.tenant_id = n.tenant_id AND p.id = n.benefit_product_id
    WHERE n.tenant_id = $1 AND p.carrier_name = 'Benchmark Mutual'
    GROUP BY n.employee_id ORDER BY md5(n.employee_id) LIMIT 1000
"""

# The employers that nothing was added to have a hundred people at least, but in a small world.
_ROSTER = """
    SELECT e.employer_id AS id, 100 AS first FROM employees e
    WHERE e.tenant_id = $1 AND NOT EXISTS (
        SELECT FROM plan_years y JOIN benefit_products p ON p.tenant_id = y.tenant_id AND p.id = y.benefit_product_id
        WHERE y.tenant_id = $1 AND y.employer_id = e.employer_id AND p.carrier_name LIKE 'Benchmark %')
    GROUP BY e.employer_id ORDER BY md5(e.employer_id)
"""

# In an order that puts no two of one employee side by side.
_ELECT = """
    SELECT n.employee_id AS employee, n.id AS enrollment, (
        SELECT id FROM plans l WHERE l.tenant_id = $1 AND l.plan_year_id = n.plan_year_id
        ORDER BY position OFFSET ascii(right(n.id, 1)) % 3 LIMIT 1) AS plan
    FROM enrollments n JOIN benefit_products p ON p.tenant_id = n.tenant_id AND p.id = n.benefit_product_id
    WHERE n.tenant_id = $1 AND p.carrier_name = 'Benchmark Life' ORDER BY p.id, md5(n.id)
"""

WORKLOADS = {
    "W1": Workload("W1", "an employee", "Person", _PERSON),
    "W2": Workload("W2", "an employee, 20 enrollments with plan, plan year, dependents", "Coverage", _COVERAGE),
    "W3": Workload("W3", "an employer, 100 employees, their enrollments with plan and product", "Roster", _ROSTER),
    ELECT: Workload(ELECT, "elect one enrollment, with idempotency key, event and payload", "Elect", _ELECT),
}


async def cases_of(connection: Any, tenant: str, workload: Workload) -> list[Case]:
    """Find whom a workload asks about."""
    return [dict(row) for row in await connection.fetch(workload.found_by, tenant)]
