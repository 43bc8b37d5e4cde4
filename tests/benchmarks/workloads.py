"""The workloads: four operations, and the SQL that finds the cases to send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The variables of one request, by name.
Case = Mapping[str, Any]

ELECT = "W4"


@dataclass(frozen=True, slots=True)
class Workload:
    """An operation: its short name, a title, its GraphQL name, and the query of its cases."""

    name: str
    title: str
    operation: str
    case_query: str


_PERSON = "SELECT id FROM employees WHERE tenant_id = $1 ORDER BY md5(id) LIMIT 1000"

_COVERAGE = """
    SELECT n.employee_id AS id FROM enrollments n
    JOIN benefit_products p ON p.tenant_id = n.tenant_id AND p.id = n.benefit_product_id
    WHERE n.tenant_id = $1 AND p.carrier_name = 'Benchmark Mutual'
    GROUP BY n.employee_id ORDER BY md5(n.employee_id) LIMIT 1000
"""

# The employers without additions have at least a hundred people, except in a small database.
_ROSTER = """
    SELECT e.employer_id AS id, 100 AS first FROM employees e
    WHERE e.tenant_id = $1 AND NOT EXISTS (
        SELECT FROM plan_years y JOIN benefit_products p ON p.tenant_id = y.tenant_id AND p.id = y.benefit_product_id
        WHERE y.tenant_id = $1 AND y.employer_id = e.employer_id AND p.carrier_name LIKE 'Benchmark %')
    GROUP BY e.employer_id ORDER BY md5(e.employer_id)
"""

# The order separates the enrollments of one employee, so that requests do not wait for each other's locks.
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


async def load_cases(connection: Any, tenant: str, workload: Workload) -> list[Case]:
    """Return the cases of a workload in a tenant."""
    return [dict(row) for row in await connection.fetch(workload.case_query, tenant)]
