"""Comparisons of a census with the recorded people: the values that differ, and the checks that need no statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

from benegraph.db.models import Dependent, Employee
from benegraph.db.models.addresses import address_of
from benegraph.db.models.people import demographics_of
from benegraph.db.session import Transaction
from benegraph.domain.census import (
    MAX_DEPENDENTS_OF_ITEM,
    REQUIRED_OF_DEPENDENT,
    REQUIRED_OF_HIRE,
    check_never_null,
    check_required,
    dependent_key,
)
from benegraph.domain.checks import MAX_REASON_LENGTH, check_id, check_text
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.domain.ids import IdPrefix
from benegraph.domain.people import UNKNOWN_DEMOGRAPHICS, Demographics, check_demographics, check_dependent
from benegraph.domain.ssn import check_ssn, normalize_ssn
from benegraph.services.coverage.subscribers import UNCHANGED
from benegraph.services.ssn import check_dependent_ssn

#: Values by column, and the `address`, the `ssn` and the `subscriber_id`. What is left out stays, None clears.
Values = Mapping[str, Any]

_DEMOGRAPHIC_NAMES = {declared.name for declared in fields(Demographics)}


@dataclass(frozen=True, slots=True)
class CensusDependent:
    """A dependent of a census: matched by its ID if it has one, else by first name and date of birth."""

    first_name: str
    date_of_birth: date
    values: Values = field(default_factory=dict)
    id: str | None = None

    @property
    def all_values(self) -> dict[str, Any]:
        return {"first_name": self.first_name, "date_of_birth": self.date_of_birth, **self.values}


@dataclass(frozen=True, slots=True)
class CensusItem:
    """A person of a census: matched by the employee's ID if it has one, else by the external ID."""

    external_id: str
    values: Values = field(default_factory=dict)
    dependents: Sequence[CensusDependent] = ()
    id: str | None = None
    #: The first day in the division, if the item names another one.
    division_effective_on: date | None = None
    #: The termination date; None reinstates, and UNCHANGED keeps what is recorded.
    termination: Any = UNCHANGED
    termination_reason: str | None = None

    @property
    def all_values(self) -> dict[str, Any]:
        return {"external_id": self.external_id, **self.values}


@dataclass(frozen=True, slots=True)
class DependentComparison:
    """A dependent of an item, the recorded one, and the values that differ. A new dependent differs in all."""

    item: CensusDependent
    row: Dependent | None
    changes: dict[str, Any]
    #: How many recorded dependents match.
    matches: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """An item, the recorded employee, and the values that differ. A new employee differs in all of them."""

    item: CensusItem
    row: Employee | None
    changes: dict[str, Any]
    dependents: Sequence[DependentComparison]
    is_termination: bool
    is_reinstatement: bool
    #: Whether the hire date begins another employment, because the recorded one ended by then.
    is_rehire: bool

    @property
    def is_unchanged(self) -> bool:
        is_changed = self.changes or self.is_termination or self.is_reinstatement or self.row is None
        return not is_changed and all(each.row is not None and not each.changes for each in self.dependents)


def compare_item(
    tx: Transaction, item: CensusItem, row: Employee | None, dependents: Sequence[Dependent], subscriber_id: str | None
) -> Comparison:
    """Compare an item with the recorded employee, all of its dependents, and its subscriber number."""
    changes = _find_changes(tx, row, item.all_values, subscriber_id)
    terminated_on = None if row is None else row.terminated_on
    hired_on = changes.get("hired_on")
    return Comparison(
        item,
        row,
        changes,
        compare_dependents(tx, item.dependents, dependents),
        is_termination=isinstance(item.termination, date) and item.termination != terminated_on,
        is_reinstatement=item.termination is None and terminated_on is not None,
        is_rehire=hired_on is not None and terminated_on is not None and hired_on >= terminated_on,
    )


def compare_dependents(
    tx: Transaction, items: Sequence[CensusDependent], rows: Sequence[Dependent]
) -> list[DependentComparison]:
    """Compare the dependents of an item with all recorded ones of the employee."""
    comparisons = []
    for item in items:
        key = dependent_key(item.first_name, item.date_of_birth)
        matching = [
            row
            for row in rows
            if (row.id == item.id if item.id is not None else dependent_key(row.first_name, row.date_of_birth) == key)
        ]
        row = matching[0] if len(matching) == 1 else None
        changes = _find_changes(tx, row, item.all_values, None)
        comparisons.append(DependentComparison(item, row, changes, len(matching)))
    return comparisons


def compare_with_copies(
    tx: Transaction, comparisons: Sequence[DependentComparison], copies: Sequence[Dependent]
) -> list[DependentComparison]:
    """Compare dependents with the copies that a rehire made of the recorded ones."""
    by_key = {dependent_key(copy.first_name, copy.date_of_birth): copy for copy in copies}
    again = []
    for each in comparisons:
        known = each.row or each.item
        row = by_key.get(dependent_key(known.first_name, known.date_of_birth))
        again.append(replace(each, row=row, changes=_find_changes(tx, row, each.item.all_values, None)))
    return again


def _find_changes(
    tx: Transaction, row: Employee | Dependent | None, values: Values, subscriber_id: str | None
) -> dict[str, Any]:
    if row is None:
        return dict(values)
    recorded = {"address": address_of(row), "subscriber_id": subscriber_id}
    return {
        name: value
        for name, value in values.items()
        if not (
            _is_same_ssn(tx, row, value)
            if name == "ssn"
            else value == (recorded[name] if name in recorded else getattr(row, name))
        )
    }


def _is_same_ssn(tx: Transaction, row: Employee | Dependent, ssn: str | None) -> bool:
    if ssn is None or row.ssn_index is None:
        return ssn is None and row.ssn_index is None
    if tx.key_ring is None or any(check_ssn(ssn)):
        return False
    return row.ssn_index in tx.key_ring.indexes(normalize_ssn(ssn), tx.viewer.tenant_id)


def demographics_in(values: Values) -> Demographics:
    """Return the demographic data among the values of a new person."""
    return replace(UNKNOWN_DEMOGRAPHICS, **{name: values[name] for name in values if name in _DEMOGRAPHIC_NAMES})


# ---------------------------------------------------------------------------------------------------------- checks


def check_item(comparison: Comparison) -> Iterator[RuleViolation]:
    """Check what only a census has: how the person is identified, and the values that a new one needs."""
    item = comparison.item
    yield from check_text(item.external_id, "externalId")
    yield from check_text(item.termination_reason, "terminationReason", max_length=MAX_REASON_LENGTH, multiline=True)
    yield from check_never_null(item.values)
    if invalid := list(check_id(IdPrefix.EMPLOYEE, item.id, "employeeId")):
        yield from invalid
    elif item.id is not None and comparison.row is None:
        message = f"The employer has no employee with ID {item.id}."
        yield RuleViolation(ErrorCode.NOT_FOUND, message, ("employeeId",))
    elif comparison.row is None:
        yield from check_required(item.values, REQUIRED_OF_HIRE)


def check_dependents(
    tx: Transaction, comparisons: Sequence[DependentComparison], today: date
) -> Iterator[RuleViolation]:
    """Check the dependents of an item. Field paths begin with `dependents`."""
    if len(comparisons) > MAX_DEPENDENTS_OF_ITEM:
        message = f"Pass at most {MAX_DEPENDENTS_OF_ITEM} dependents; there are {len(comparisons)}."
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("dependents",))
        return
    named = [
        each.row.id if each.row else dependent_key(each.item.first_name, each.item.date_of_birth)
        for each in comparisons
    ]
    for index, comparison in enumerate(comparisons):
        violations = [*_check_match(comparison), *_check_dependent(tx, comparison, today)]
        if named.count(named[index]) > 1:
            message = "Another item names the same dependent; pass each dependent once."
            violations.append(RuleViolation(ErrorCode.INVALID_INPUT, message, ("firstName",)))
        yield from (violation.prefixed("dependents", str(index)) for violation in violations)


def check_new_dependents(comparisons: Sequence[DependentComparison]) -> Iterator[RuleViolation]:
    """Check that those who are not recorded have the values that a new dependent needs."""
    for index, comparison in enumerate(comparisons):
        if comparison.row is None:
            for violation in check_required(comparison.item.values, REQUIRED_OF_DEPENDENT):
                yield violation.prefixed("dependents", str(index))


def _check_match(comparison: DependentComparison) -> Iterator[RuleViolation]:
    id = comparison.item.id
    if invalid := list(check_id(IdPrefix.DEPENDENT, id, "dependentId")):
        yield from invalid
    elif id is not None and comparison.row is None:
        yield RuleViolation(ErrorCode.NOT_FOUND, f"The employee has no dependent with ID {id}.", ("dependentId",))
    elif comparison.matches > 1:
        message = (
            f"{comparison.matches} dependents of the employee have this first name and date of birth; pass the"
            " dependentId."
        )
        yield RuleViolation(ErrorCode.INVALID_INPUT, message, ("firstName",))
    elif comparison.row is None:
        yield from check_required(comparison.item.values, REQUIRED_OF_DEPENDENT)


def _check_dependent(tx: Transaction, comparison: DependentComparison, today: date) -> Iterator[RuleViolation]:
    item, row = comparison.item, comparison.row
    yield from check_never_null(item.values)
    last_name = item.values.get("last_name") or (row.last_name if row else "-")
    yield from check_dependent(item.first_name, last_name, item.date_of_birth, today)
    demographics = UNKNOWN_DEMOGRAPHICS if row is None else demographics_of(row)
    changes = {name: value for name, value in item.values.items() if name in _DEMOGRAPHIC_NAMES}
    yield from check_demographics(replace(demographics, **changes))
    if "ssn" in comparison.changes:
        yield from check_dependent_ssn(tx, item.values["ssn"])
