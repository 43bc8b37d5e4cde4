"""The mutation that takes a census: many people of one employer, with their dependents."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import strawberry

from benegraph.db import store
from benegraph.db.session import Transaction
from benegraph.domain.access import Action
from benegraph.domain.census import MAX_CENSUS_ITEMS, MAX_DEPENDENTS_OF_ITEM
from benegraph.domain.errors import ErrorCode, RuleViolation
from benegraph.graphql.mutations.inputs import (
    MutationInput,
    mutation_input,
    optional,
    provided_values,
    required,
    value_or_none,
)
from benegraph.graphql.mutations.payloads import MutationResult, ResultData, UserError, mutation_payload
from benegraph.graphql.mutations.people import (
    DEPENDENT_COLUMNS,
    DIVISION,
    EMPLOYEE_COLUMNS,
    MARITAL_STATUS,
    MIDDLE_NAME,
    NAME_SUFFIX,
    PHONE,
    SEX,
    SSN,
    SUBSCRIBER,
    changed_demographics,
)
from benegraph.graphql.mutations.run_mutation import EveryItemRefused, mutation
from benegraph.graphql.types.addresses import AddressInput
from benegraph.graphql.types.enrollments import Enrollment
from benegraph.graphql.types.enums import (
    CensusOutcome,
    EmploymentClass,
    EnrollmentEffectKind,
    MaritalStatus,
    Relationship,
    Sex,
)
from benegraph.graphql.types.fields import computed, to_one
from benegraph.graphql.types.people import Dependent, Employee
from benegraph.graphql.types.plan_years import PlanYear
from benegraph.services import census
from benegraph.services.coverage.subscribers import UNCHANGED

_ADDRESS = "The postal address, which replaces all parts; null clears it."
#: Input fields by the columns that they set.
_FIELDS = {
    "hired_on": "startDate",
    "terminated_on": "terminationDate",
    **{
        column: "".join(word if not index else word.capitalize() for index, word in enumerate(column.split("_")))
        for column in (*EMPLOYEE_COLUMNS.values(), *DEPENDENT_COLUMNS, "middle_name", "name_suffix", "sex", "phone")
        if column != "hired_on"
    },
}


@strawberry.input(
    description="A dependent of a census, matched by first name, ignoring case and accents, and date of birth, among"
    " the employee's own. A field that is left out keeps its value; a dependent who is left out stays."
)
class DependentUpsert:
    dependent_id: strawberry.ID | None = optional(
        "The dependent, if the recorded first name or date of birth differs or is not unique."
    )
    first_name: str = required("The first name.")
    date_of_birth: date = required("The date of birth.")
    last_name: str | None = optional("The last name; required of a new dependent.")
    relationship: Relationship | None = optional(
        "The dependent's relationship to the employee; required of a new dependent."
    )
    disabled: bool | None = optional(
        "Whether the dependent is disabled: a disabled child can be covered beyond age 26. If omitted, a new dependent"
        " is not."
    )
    active: bool | None = optional(
        "Whether new elections can cover the dependent. If omitted, they can cover a new one."
    )
    middle_name: str | None = optional(f"{MIDDLE_NAME}; null clears it.")
    name_suffix: str | None = optional(f"{NAME_SUFFIX}; null clears it.")
    sex: Sex | None = optional(f"{SEX}; null clears it.")
    phone: str | None = optional(f"{PHONE}; null clears it.")
    address: AddressInput | None = optional(_ADDRESS)
    ssn: str | None = optional(f"{SSN}; null clears it.")


@strawberry.input(description="A person of a census. A field that is left out keeps its value.")
class EmployeeUpsert:
    external_id: str = required(
        "The employee's ID in the employer's own system, by which the recorded employee is found."
    )
    employee_id: strawberry.ID | None = optional(
        "The employee, if another external ID or none is recorded; `externalId` is then recorded."
    )
    first_name: str | None = optional("The first name; required of a new employee.")
    last_name: str | None = optional("The last name; required of a new employee.")
    email: str | None = optional("The e-mail address; null clears it.")
    date_of_birth: date | None = optional("The date of birth; null clears it.")
    employment_class: EmploymentClass | None = optional(
        "The employment class; required of a new employee. Another class takes effect today."
    )
    start_date: date | None = optional(
        "The hire date; required of a new employee. On or after the termination date of a former employee, it begins a"
        " further employment, as by `rehireEmployee`."
    )
    termination_date: date | None = optional(
        "The first day on which the person is no longer employed, as for `terminateEmployee`; null reinstates a"
        " terminated employee, as by `reinstateEmployee`."
    )
    termination_reason: str | None = optional("The reason for the termination; it is recorded in the history.")
    division_id: str | None = optional(f"{DIVISION}; null clears it.")
    division_effective_date: date | None = optional(
        "The first day in the division, if the employee moves to it from another one, as by `moveEmployee`. Of a new"
        " employee it is ignored."
    )
    subscriber_id: str | None = optional(f"{SUBSCRIBER}; null removes the link.")
    middle_name: str | None = optional(f"{MIDDLE_NAME}; null clears it.")
    name_suffix: str | None = optional(f"{NAME_SUFFIX}; null clears it.")
    sex: Sex | None = optional(f"{SEX}; null clears it.")
    phone: str | None = optional(f"{PHONE}; null clears it.")
    address: AddressInput | None = optional(_ADDRESS)
    ssn: str | None = optional(f"{SSN}; null clears it.")
    marital_status: MaritalStatus | None = optional(f"{MARITAL_STATUS}; null clears it.")
    dependents: list[DependentUpsert] | None = optional(f"The dependents, at most {MAX_DEPENDENTS_OF_ITEM}.")


@mutation_input("The people of an employer to create or change, item by item. People who are left out stay.")
class UpsertEmployeesInput(MutationInput):
    employer_id: strawberry.ID = required("The employer.")
    employees: list[EmployeeUpsert] = required(f"The people, 1 to {MAX_CENSUS_ITEMS}.")
    dry_run: bool = strawberry.field(
        default=False, description="Whether only to report what the call would do, and change nothing."
    )


@strawberry.type(description="The effect of an item of `upsertEmployees` on one enrollment.")
class EnrollmentEffect:
    kind: EnrollmentEffectKind = strawberry.field(description="The kind of the effect.")
    enrollment: Enrollment | None = to_one(
        store.enrollments.by_ids, "enrollment_id", "The enrollment; null if a dry run would issue it."
    )
    plan_year: PlanYear | None = to_one(store.plan_years.by_ids, "plan_year_id", "The plan year.")
    effective_date: date = strawberry.field(description="The day on which an answer takes effect.")
    coverage_end: date | None = strawberry.field(
        description="The last day of coverage afterwards, inclusive; null without coverage, or if it is cancelled."
    )


@strawberry.type(description="The result of one dependent of an item of `upsertEmployees`.")
class DependentUpsertResult:
    outcome: CensusOutcome = strawberry.field(description="CREATED, UPDATED or UNCHANGED.")
    changed_fields: list[str] = strawberry.field(description="The input fields that changed; empty if created.")
    dependent: Dependent | None = to_one(
        store.people.dependents_by_ids, "dependent_id", "The dependent; null if a dry run would create it."
    )


@strawberry.type(description="The result of one item of `upsertEmployees`.")
class EmployeeUpsertResult:
    index: int = strawberry.field(description="The item's position in the input, counted from 0.")
    outcome: CensusOutcome = strawberry.field(description="The outcome of the item.")
    changed_fields: list[str] = strawberry.field(
        description="The input fields that changed; empty of a new employee, and if only dependents changed."
    )
    employee: Employee | None = to_one(
        store.people.by_ids,
        "employee_id",
        "The employee as it is now; null if the item was refused, or a dry run would create it.",
    )
    dependents: list[DependentUpsertResult] = strawberry.field(
        description="The result of each dependent, in the order of the input."
    )
    enrollment_effects: list[EnrollmentEffect] = strawberry.field(
        description="What the item issues, ends, closes or restores."
    )
    user_errors: list[UserError] = strawberry.field(description="All rules that this item violates.")


@strawberry.type(description="How many people have each outcome, and how many enrollments and coverages they concern.")
class CensusSummary:
    created: int = strawberry.field(description="New employees.")
    updated: int = strawberry.field(description="Changed employees.")
    moved: int = strawberry.field(description="Employees who move to another division.")
    terminated: int = strawberry.field(description="Terminated employees.")
    reinstated: int = strawberry.field(description="Employees whose termination is reversed.")
    rehired: int = strawberry.field(description="Former employees with a further employment.")
    unchanged: int = strawberry.field(description="Unchanged employees.")
    refused: int = strawberry.field(description="Refused items.")
    enrollments_issued: int = strawberry.field(description="Enrollments that are issued.")
    coverage_ended: int = strawberry.field(description="Elected coverages that end earlier or are cancelled.")


@dataclass(frozen=True, slots=True)
class EffectData:
    """An effect, as the fields of `EnrollmentEffect` read it."""

    kind: EnrollmentEffectKind
    enrollment_id: str | None
    plan_year_id: str
    effective_date: date
    coverage_end: date | None


@dataclass(frozen=True, slots=True)
class DependentData:
    """A dependent's result, as the fields of `DependentUpsertResult` read it."""

    outcome: CensusOutcome
    changed_fields: list[str]
    dependent_id: str | None


@dataclass(frozen=True, slots=True)
class EmployeeData:
    """An item's result, as the fields of `EmployeeUpsertResult` read it."""

    index: int
    outcome: CensusOutcome
    changed_fields: list[str]
    employee_id: str | None
    dependents: list[DependentData]
    enrollment_effects: list[EffectData]
    user_errors: list[RuleViolation]


def _to_stored(result: census.CensusItemResult, *, is_dry_run: bool) -> dict[str, Any]:
    """Return an item's result in the form in which the idempotency record stores it. It holds no personal data."""
    is_new = result.outcome in (CensusOutcome.CREATED, CensusOutcome.REHIRED)
    return {
        "outcome": result.outcome,
        "changed": _to_fields(result.changed),
        "id": None if is_dry_run and is_new else result.id,
        "dependents": [
            {
                "outcome": each.outcome,
                "changed": _to_fields(each.changed),
                "id": None if is_dry_run and (is_new or each.outcome is CensusOutcome.CREATED) else each.id,
            }
            for each in result.dependents
        ],
        "effects": [
            {
                "kind": each.kind,
                "id": None if is_dry_run and each.kind is EnrollmentEffectKind.ISSUED else each.enrollment_id,
                "plan_year_id": each.plan_year_id,
                "effective": each.effective_on.isoformat(),
                "end": each.coverage_ends_on and each.coverage_ends_on.isoformat(),
            }
            for each in result.effects
        ],
        "rules": [{"code": rule.code, "message": rule.message, "field": rule.field} for rule in result.violations],
    }


def _to_fields(columns: tuple[str, ...]) -> list[str]:
    return [_FIELDS.get(column, column) for column in columns]


def _read_results(result: MutationResult) -> list[EmployeeData] | None:
    if result.results is None:
        return None
    return [_read_result(index, stored) for index, stored in enumerate(result.results)]


def _read_result(index: int, stored: dict[str, Any]) -> EmployeeData:
    return EmployeeData(
        index,
        CensusOutcome(stored["outcome"]),
        stored["changed"],
        stored["id"],
        [DependentData(CensusOutcome(each["outcome"]), each["changed"], each["id"]) for each in stored["dependents"]],
        [
            EffectData(
                EnrollmentEffectKind(each["kind"]),
                each["id"],
                each["plan_year_id"],
                date.fromisoformat(each["effective"]),
                date.fromisoformat(each["end"]) if each["end"] else None,
            )
            for each in stored["effects"]
        ],
        [RuleViolation(ErrorCode(rule["code"]), rule["message"], rule["field"]) for rule in stored["rules"]],
    )


def _summarize(result: MutationResult) -> CensusSummary | None:
    if result.results is None:
        return None
    outcomes = [stored["outcome"] for stored in result.results]
    kinds = [effect["kind"] for stored in result.results for effect in stored["effects"]]
    return CensusSummary(
        **{outcome.value.lower(): outcomes.count(outcome) for outcome in CensusOutcome},
        enrollments_issued=kinds.count(EnrollmentEffectKind.ISSUED),
        coverage_ended=kinds.count(EnrollmentEffectKind.COVERAGE_ENDED),
    )


@mutation_payload
class UpsertEmployeesPayload:
    results: list[EmployeeUpsertResult] | None = computed(
        _read_results,
        "The result of each item, in the order of the input, with the rules that the item violates; null if the whole"
        " request was refused.",
    )
    summary: CensusSummary | None = computed(
        _summarize, "The results by outcome; null if the whole request was refused."
    )


def _to_item(input: EmployeeUpsert) -> census.CensusItem:
    return census.CensusItem(
        input.external_id,
        provided_values(input, {name: column for name, column in EMPLOYEE_COLUMNS.items() if name != "external_id"})
        | changed_demographics(input),
        [_to_dependent(dependent) for dependent in value_or_none(input.dependents) or ()],
        value_or_none(input.employee_id),
        value_or_none(input.division_effective_date),
        UNCHANGED if input.termination_date is strawberry.UNSET else input.termination_date,
        value_or_none(input.termination_reason),
    )


def _to_dependent(input: DependentUpsert) -> census.CensusDependent:
    columns = {name: name for name in DEPENDENT_COLUMNS if name not in ("first_name", "date_of_birth")}
    values = provided_values(input, columns) | changed_demographics(input)
    return census.CensusDependent(input.first_name, input.date_of_birth, values, value_or_none(input.dependent_id))


@mutation(
    Action.UPSERT_EMPLOYEES,
    UpsertEmployeesPayload,
    f"Create or change up to {MAX_CENSUS_ITEMS} people of an employer, with their dependents, as an export of the"
    " employer's own system lists them. An item that is refused changes nothing and does not affect the others.",
)
async def upsert_employees(tx: Transaction, input: UpsertEmployeesInput) -> ResultData:
    items = [_to_item(item) for item in input.employees]
    results = await census.upsert_employees(tx, input.employer_id, items)
    data = {"results": [_to_stored(result, is_dry_run=input.is_dry_run) for result in results]}
    if all(result.violations for result in results):
        raise EveryItemRefused(data)
    return data
