"""Applying a census: each item that changes something calls the services that its changes belong to.

A few statements read the recorded people for all items, so that an unchanged item costs no statement. An item is
written within a savepoint: the rules of the services hold, and a refused item changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from benegraph.db import store
from benegraph.db.models import Dependent, Employee
from benegraph.db.session import Transaction
from benegraph.domain.census import (
    MAX_CENSUS_ITEMS,
    CensusOutcome,
    EnrollmentEffect,
    list_effects,
)
from benegraph.domain.checks import check_id, check_text
from benegraph.domain.errors import ErrorCode, Refused, RuleViolation, raise_if_any, refusal
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import PersonalDetails
from benegraph.services import people
from benegraph.services.census.comparisons import (
    CensusDependent,
    CensusItem,
    Comparison,
    DependentComparison,
    check_dependents,
    check_item,
    check_new_dependents,
    compare_item,
    compare_with_copies,
    demographics_in,
)
from benegraph.services.coverage.subscribers import require_subscriber_link_permission
from benegraph.services.division_moves import move_employee
from benegraph.services.rehires import Rehire, rehire_employee

#: Fields of a census by those of the services that it calls.
_FIELDS = {"employeeId": "externalId", "effectiveDate": "divisionEffectiveDate", "reason": "terminationReason"}


@dataclass(frozen=True, slots=True)
class CensusDependentResult:
    """The outcome of a dependent: created, updated or unchanged; its ID and the columns that changed."""

    outcome: CensusOutcome
    id: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CensusItemResult:
    """The outcome of an item, with the employee's ID and the columns that changed; or the rule violations."""

    outcome: CensusOutcome
    id: str | None = None
    changed: tuple[str, ...] = ()
    dependents: tuple[CensusDependentResult, ...] = ()
    effects: tuple[EnrollmentEffect, ...] = ()
    violations: tuple[RuleViolation, ...] = ()


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The recorded people whom the items of one call name."""

    employees: dict[str, Employee]
    ids_by_external_id: dict[str | None, str]
    dependents: dict[str, list[Dependent]] = field(default_factory=lambda: defaultdict(list))
    #: Subscriber numbers by employee ID.
    subscriber_ids: dict[str, str] = field(default_factory=dict)

    def compare(self, tx: Transaction, item: CensusItem) -> Comparison:
        id = self.ids_by_external_id.get(item.external_id, "") if item.id is None else item.id
        return compare_item(tx, item, self.employees.get(id), self.dependents.get(id, []), self.subscriber_ids.get(id))


async def upsert_employees(tx: Transaction, employer_id: str, items: Sequence[CensusItem]) -> list[CensusItemResult]:
    """Apply a census item by item, and return the result of each. Raises Refused for the whole call, and Forbidden.

    A person whom no item names stays as they are. Items that name the same person are all refused.
    """
    if any("subscriber_id" in item.values for item in items):
        require_subscriber_link_permission(tx, None)
    raise_if_any(_check_call(employer_id, items))
    employer = await store.employers.lock(tx, employer_id, shared=True)
    if employer is None:
        raise refusal(ErrorCode.NOT_FOUND, f"No employer found with ID {employer_id}.", "employerId")
    today = tx.today(employer.time_zone)
    recorded = await _load_recorded(tx, employer_id, items)
    comparisons = [recorded.compare(tx, item) for item in items]
    changing = [each.row.id for each in comparisons if each.row is not None and not each.is_unchanged]
    before = await store.enrollments.list_of_employees(tx, changing)
    names = Counter(map(_name, comparisons))
    results = []
    for index, comparison in enumerate(comparisons):
        is_duplicate = names[_name(comparison)] > 1
        violations = [*_check_unique(is_duplicate=is_duplicate), *check_item(comparison)]
        dependent_violations = list(check_dependents(tx, comparison.dependents, today))
        results.append(await _apply_item(tx, employer_id, comparison, index, violations, dependent_violations))
    changed = [each.id for each in results if each.id is not None and each.outcome is not CensusOutcome.UNCHANGED]
    after = await store.enrollments.list_of_employees(tx, changed)
    return [
        replace(result, effects=tuple(list_effects(before.get(result.id, []), after[result.id])))
        if result.id is not None and result.id in after
        else result
        for result in results
    ]


def _check_call(employer_id: str, items: Sequence[CensusItem]) -> Iterator[RuleViolation]:
    yield from check_id(IdPrefix.EMPLOYER, employer_id, "employerId")
    if not 1 <= len(items) <= MAX_CENSUS_ITEMS:
        message = f"Pass 1 to {MAX_CENSUS_ITEMS} employees; there are {len(items)}."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("employees",))


async def _load_recorded(tx: Transaction, employer_id: str, items: Sequence[CensusItem]) -> _Recorded:
    """Lock the employees whom the items name, and read their dependents and subscriber numbers."""
    external_ids = [item.external_id for item in items if not any(check_text(item.external_id))]
    ids = [item.id for item in items if item.id is not None and not any(check_id(IdPrefix.EMPLOYEE, item.id))]
    employees = await store.people.lock_by_keys(tx, employer_id, ids, external_ids)
    recorded = _Recorded({row.id: row for row in employees}, {row.external_id: row.id for row in employees})
    if employees and any(item.dependents for item in items):
        for dependent in await store.people.list_dependents(tx, recorded.employees):
            recorded.dependents[dependent.employee_id].append(dependent)
    if employees and any("subscriber_id" in item.values for item in items):
        recorded.subscriber_ids.update(await store.coverage.find_subscriber_numbers(tx, recorded.employees))
    return recorded


def _name(comparison: Comparison) -> str:
    """Return the ID of the recorded employee, or the external ID of a new one."""
    return comparison.item.external_id if comparison.row is None else comparison.row.id


def _check_unique(*, is_duplicate: bool) -> Iterator[RuleViolation]:
    if is_duplicate:
        message = "Another item names the same employee; pass each employee once."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("externalId",))


# -------------------------------------------------------------------------------------------------------- one item


async def _apply_item(
    tx: Transaction,
    employer_id: str,
    comparison: Comparison,
    index: int,
    violations: Sequence[RuleViolation],
    dependent_violations: Sequence[RuleViolation],
) -> CensusItemResult:
    """Write an item unless it violates a rule. The rules of its services are checked together with its dependents'."""
    try:
        if violations:
            raise_if_any([*violations, *dependent_violations])
        if comparison.row is not None and comparison.is_unchanged and not dependent_violations:
            results = tuple(
                CensusDependentResult(CensusOutcome.UNCHANGED, each.row.id)
                for each in comparison.dependents
                if each.row is not None
            )
            return CensusItemResult(CensusOutcome.UNCHANGED, comparison.row.id, dependents=results)
        async with tx.savepoint():
            return await _write_item(tx, employer_id, comparison, dependent_violations)
    except Refused as refused:
        found = (_to_census_field(violation, comparison.item, index) for violation in refused.violations)
        return CensusItemResult(CensusOutcome.REFUSED, violations=tuple(dict.fromkeys(found)))


def _to_census_field(violation: RuleViolation, item: CensusItem, index: int) -> RuleViolation:
    """Return a violation at the field of the census's input that it concerns."""
    path = violation.field or ()
    if path == ("employerId",):
        return violation
    if "dependents" not in path and not (path == ("employeeId",) and item.id is not None):
        path = tuple(_FIELDS.get(name, name) for name in path)
    return replace(violation, field=("employees", str(index), *path))


async def _write_item(
    tx: Transaction, employer_id: str, comparison: Comparison, dependent_violations: Sequence[RuleViolation]
) -> CensusItemResult:
    """Write an item's employee, then its dependents. Raises Refused with the violations of both."""
    violations: list[RuleViolation] = []
    try:
        if comparison.row is None:
            result = await _hire(tx, employer_id, comparison)
        elif comparison.is_rehire:
            result = await _rehire(tx, comparison, comparison.row)
        else:
            result = await _change(tx, comparison, comparison.row)
    except Refused as refused:
        violations += refused.violations
    raise_if_any([*violations, *dependent_violations])
    dependents = comparison.dependents
    if result.outcome is CensusOutcome.REHIRED:
        copies = await store.people.list_dependents(tx, [result.id or ""])
        dependents = compare_with_copies(tx, dependents, copies)
        raise_if_any(check_new_dependents(dependents))  # an inactive dependent has no copy
    written = await _write_dependents(tx, employer_id, result.id or "", dependents)
    return replace(result, dependents=written)


async def _hire(tx: Transaction, employer_id: str, comparison: Comparison) -> CensusItemResult:
    item, values = comparison.item, comparison.item.values
    person = PersonalDetails(
        values["first_name"], values["last_name"], values.get("email"), values.get("date_of_birth"), item.external_id
    )
    new_hire = people.NewHire(
        person,
        values["employment_class"],
        values["hired_on"],
        values.get("division_id"),
        values.get("subscriber_id"),
        demographics_in(values),
        values.get("marital_status"),
        values.get("ssn"),
    )
    id = await people.hire_employee(tx, employer_id, new_hire)
    if isinstance(item.termination, date):
        await people.terminate_employee(tx, id, item.termination, item.termination_reason, None)
    return CensusItemResult(CensusOutcome.CREATED, id)


async def _rehire(tx: Transaction, comparison: Comparison, former: Employee) -> CensusItemResult:
    item, values = comparison.item, comparison.item.values
    terms = Rehire(values["hired_on"], values.get("employment_class"), values.get("division_id"), item.external_id)
    id = await rehire_employee(tx, former.id, terms)
    row = await store.people.lock_object(tx, id)
    subscriber_id = (await store.coverage.find_subscriber_numbers(tx, [id])).get(id)
    changed = compare_item(tx, replace(item, dependents=()), row, [], subscriber_id)
    if changed.changes:
        await people.update_employee(tx, id, changed.changes, None)
    if isinstance(item.termination, date):
        await people.terminate_employee(tx, id, item.termination, item.termination_reason, None)
    return CensusItemResult(CensusOutcome.REHIRED, id, ("hired_on", *changed.changes))


async def _change(tx: Transaction, comparison: Comparison, row: Employee) -> CensusItemResult:
    item, changes = comparison.item, dict(comparison.changes)
    division_id = changes.get("division_id") if item.division_effective_on is not None else None
    if division_id is not None:
        del changes["division_id"]
    outcome, changed = CensusOutcome.UPDATED, [*comparison.changes]
    if comparison.is_reinstatement:
        outcome = CensusOutcome.REINSTATED
        await people.reinstate_employee(tx, row.id, None, None)
    if changes:
        await people.update_employee(tx, row.id, changes, None)
    if comparison.is_termination:
        await people.terminate_employee(tx, row.id, item.termination, item.termination_reason, None)
    if division_id is not None and item.division_effective_on is not None:
        outcome = CensusOutcome.MOVED
        await move_employee(tx, row.id, division_id, item.division_effective_on)
    if comparison.is_termination:
        outcome = CensusOutcome.TERMINATED
    if comparison.is_termination or comparison.is_reinstatement:
        changed.append("terminated_on")
    return CensusItemResult(outcome, row.id, tuple(changed))


async def _write_dependents(
    tx: Transaction, employer_id: str, employee_id: str, comparisons: Sequence[DependentComparison]
) -> tuple[CensusDependentResult, ...]:
    """Write the checked dependents of an item, the new ones with one statement."""
    new = [_new_dependent(each.item) for each in comparisons if each.row is None]
    ids = iter(await people.insert_dependents(tx, employer_id, employee_id, new) if new else ())
    results = []
    for index, each in enumerate(comparisons):
        if each.row is None:
            results.append(CensusDependentResult(CensusOutcome.CREATED, next(ids)))
            continue
        outcome = CensusOutcome.UPDATED if each.changes else CensusOutcome.UNCHANGED
        results.append(CensusDependentResult(outcome, each.row.id, tuple(each.changes)))
        if each.changes:
            try:
                await people.update_dependent(tx, each.row.id, each.changes, None)
            except Refused as refused:
                raise Refused(rule.prefixed("dependents", str(index)) for rule in refused.violations) from None
    return tuple(results)


def _new_dependent(item: CensusDependent) -> people.NewDependent:
    values = item.values
    return people.NewDependent(
        item.first_name,
        values["last_name"],
        item.date_of_birth,
        values["relationship"],
        values.get("disabled", False),
        demographics_in(values),
        values.get("ssn"),
        values.get("active", True),
    )
