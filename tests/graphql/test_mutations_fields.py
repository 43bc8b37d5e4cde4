"""Every input field of every mutation, by its type: an invalid value is refused under the field's own path."""

from dataclasses import replace
from typing import Any

from mutation_calls import (
    MUTATIONS,
    Input,
    InputField,
    MutationResponse,
    RollbackDatabase,
    call,
    create_office_with_inputs,
    input_fields,
)

from benegraph.db.session import Database
from benegraph.domain.ids import IdPrefix
from factories.office import Office

MISSING_ID_SUFFIX = "_01h455vb4pex5vsknk084sn02q"
#: Fields where a business rule refuses an invalid ID, with that rule's code.
CODES_BY_FIELD = {"selectedPlanId": "PLAN_NOT_OFFERED", "dependentIds.0": "NOT_FOUND"}
#: Dates that may be as early as year 1 ("0") or as late as year 9999 ("9"), by mutation and field.
UNBOUNDED_DATES = {
    *(
        (mutation, name, age)
        for mutation in ("createSubscriberEnrollment", "updateSubscriberEnrollment", "upsertSubscriberEnrollments")
        for name in (
            "dateEmployed",
            "eligibilityDate",
            "originalEnrollmentDate",
            "termDate",
        )
        for age in "09"
    ),
    # The latest day through which coverage can be paid is its last one.
    ("createSubscriberEnrollment", "paidThrough", "0"),
    ("updateSubscriberEnrollment", "paidThrough", "0"),
    ("upsertSubscriberEnrollments", "paidThrough", "0"),
    ("createSubscriberEnrollment", "endDate", "9"),
    ("updateSubscriberEnrollment", "endDate", "9"),
    ("upsertSubscriberEnrollments", "endDate", "9"),
    ("createGroupContract", "coverageStart", "0"),
    ("createGroupContract", "coverageEnd", "9"),
    ("updateGroupContract", "coverageEnd", "9"),
    ("recordPremiumInvoice", "billFrom", "0"),
    ("recordPremiumInvoice", "billThrough", "9"),
    ("recordPremiumInvoice", "dueDate", "0"),
    ("recordPremiumInvoice", "dueDate", "9"),
    ("recordPremiumPayment", "receivedOn", "0"),
}


#: Fields that only the review of another type of life event accepts.
OTHER_REVIEWS = {"reviewLifeEvent.employmentClass", "reviewLifeEvent.terminationDate"}
#: Fields that an address in the United States needs.
US_ADDRESS = "address.state address.postalCode"
#: Fields that only a waiver accepts; the election here is one of coverage.
WAIVERS_ONLY = {"elect.elections.0.waiverReason", "overrideElection.waiverReason"}


async def create_rollback_office(database: Database) -> tuple[Office, dict[str, Input]]:
    office, inputs = await create_office_with_inputs(database)
    return replace(office, database=RollbackDatabase(database.engine, key_ring=database.key_ring)), inputs


async def collect_refusals(office: Office, inputs: dict[str, Input], field: InputField, value: Any) -> list[str]:
    """Return the refusals of a valid input in which one value is replaced. There must be no top-level error."""
    response = await call(office, field.mutation, field.replace_in(inputs[field.mutation], value))
    assert response.errors == [], (str(field), value)
    return response.refusals


async def test_input_with_every_field_is_applied(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    assert sorted(inputs) == MUTATIONS
    expected_paths = {str(field) for field in input_fields() if field.type != "list"} - OTHER_REVIEWS - WAIVERS_ONLY
    assert {path for mutation, input in inputs.items() for path in _paths(input, mutation)} == expected_paths
    for mutation, input in inputs.items():
        response = await call(office, mutation, input)
        assert response.is_applied, (mutation, response)


def _paths(value: Any, parent: str) -> list[str]:
    if isinstance(value, dict):
        return [path for name, item in value.items() for path in _paths(item, f"{parent}.{name}")]
    if isinstance(value, list):
        return [path for index, item in enumerate(value) for path in _paths(item, f"{parent}.{index}")]
    return [parent]


async def test_malformed_or_wrongly_prefixed_id_is_refused_under_its_path(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    fields = input_fields("ID")
    assert len(fields) > 20
    ids = [f"{prefix}{MISSING_ID_SUFFIX}" for prefix in IdPrefix]
    for field in fields:
        code = next((code for name, code in CODES_BY_FIELD.items() if field.dotted.endswith(name)), None)
        valid: Any = inputs[field.mutation]
        for step in field.path:
            valid = valid[step]
        possible = ("empl", "dpnd") if field.path == ("personId",) else valid[:4]
        other_ids = [id for id in ids if not id.startswith(possible)]
        for value in ("", "nonsense", "\x00", "x" * 5000, valid.upper(), f" {valid}", valid + "\n", *other_ids):
            refusals = await collect_refusals(office, inputs, field, value)
            expected = f"{code or 'INVALID_INPUT'} {field.dotted}"
            assert expected in refusals, (str(field), value, refusals)


async def test_id_of_a_missing_row_is_not_found(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    for field in input_fields("ID"):
        valid: Any = inputs[field.mutation]
        for step in field.path:
            valid = valid[step]
        refusals = await collect_refusals(office, inputs, field, valid.split("_")[0] + MISSING_ID_SUFFIX)
        code = "PLAN_NOT_OFFERED" if field.dotted.endswith("selectedPlanId") else "NOT_FOUND"
        assert f"{code} {field.dotted}" in refusals, (str(field), refusals)


async def test_invalid_text_is_refused_under_its_path(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    fields = input_fields("String")
    assert len(fields) > 80
    unexpected: dict[str, MutationResponse] = {}
    for field in fields:
        for value in ("A\x00B", "x" * 5000, "\x1b[31m", " \t "):
            response = await call(office, field.mutation, field.replace_in(inputs[field.mutation], value))
            if (set(response.refusals), response.errors) != ({f"INVALID_INPUT {field.dotted}"}, []):
                unexpected[f"{field} {value[:9]!r}"] = response
    assert unexpected == {}


async def test_negative_amount_is_refused_under_its_path(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    fields = input_fields("Cents")
    assert len(fields) > 10
    for field in fields:
        assert f"INVALID_INPUT {field.dotted}" in await collect_refusals(office, inputs, field, -1), str(field)
        for value in (2**53, -(2**53), "1", 1.5, True):
            response = await call(office, field.mutation, field.replace_in(inputs[field.mutation], value))
            assert (response.payload, response.errors) == (None, ["BAD_USER_INPUT"]), (str(field), value)


async def test_null_in_an_optional_field_is_accepted_or_refused_under_its_path(database: Database) -> None:
    """Null means the same as an omitted field, or clears the value; a column that is never null refuses it."""
    office, inputs = await create_rollback_office(database)
    refused: set[str] = set()
    for field in input_fields():
        if field.required:
            continue
        refusals = await collect_refusals(office, inputs, field, None)
        if refusals == [f"INVALID_INPUT {field.dotted}"]:
            refused.add(str(field))
        elif str(field) in {"elect.elections.0.selectedPlanId", "overrideElection.selectedPlanId"}:
            assert refusals == [f"PLAN_REQUIRED {field.dotted}"]
        elif str(field) in {"elect.elections.0.dependentIds", "overrideElection.dependentIds"}:
            tier = field.dotted.replace("dependentIds", "coverageTier")
            assert refusals == [f"TIER_DEPENDENTS_MISMATCH {tier}"]
        else:
            assert refusals == [], str(field)
    never_null = {
        "createEmployee": US_ADDRESS,
        "updateEmployee": f"firstName lastName employmentClass startDate {US_ADDRESS}",
        "addDependent": US_ADDRESS,
        "updateDependent": f"firstName lastName dateOfBirth relationship disabled active {US_ADDRESS}",
        "createEmployer": US_ADDRESS,
        "updatePlanYear": (
            "coverageStart coverageEnd openEnrollmentStart openEnrollmentEnd contributionClasses plans"
            " waitingPeriodDays startsOnFirstOfMonth renewal groupId groupCoverageStart"
        ),
        "createPlanYear": "groupId groupCoverageStart",  # one without the other does not identify a contract
        "updateTenantSettings": "autoPaidThrough",
        "endCoverage": "qualifyingLifeEventId",  # the reason of this input needs a life event
        "issueKey": "employerId",  # the employee of this input needs an employer
        "updateEmployer": f"name timeZone {US_ADDRESS}",
        "updateDivision": "name active",
        "updateBenefitProduct": "name category active",
        "updateCarrierPlan": "name monthlyPremiumCents rates active",
        "copyPlanYear": (
            "coverageStart coverageEnd openEnrollmentStart openEnrollmentEnd contributionClasses plans"
            " waitingPeriodDays startsOnFirstOfMonth renewal groupId groupCoverageStart"
        ),
    }
    person = ["firstName", "lastName", "employmentClass", "startDate", *US_ADDRESS.split()]
    dependent = ["lastName", "relationship", "disabled", "active", *US_ADDRESS.split()]
    paths = [f"employees.0.{name}" for name in (*person, *(f"dependents.0.{name}" for name in dependent))]
    never_null["upsertEmployees"] = " ".join(paths)
    assert refused == {f"{mutation}.{name}" for mutation, names in never_null.items() for name in names.split()}


async def test_null_in_a_required_field_is_bad_user_input(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    for field in input_fields():
        if field.required:
            response = await call(office, field.mutation, field.replace_in(inputs[field.mutation], None))
            assert (response.payload, response.errors) == (None, ["BAD_USER_INPUT"]), str(field)


async def test_other_expected_version_is_a_conflict(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    fields = [field for field in input_fields("Int") if field.path[-1] == "expectedVersion"]
    assert len(fields) == 39
    for field in fields:
        for value in (0, 7, -1, 2**31 - 1):
            assert await collect_refusals(office, inputs, field, value) == [f"VERSION_CONFLICT {field.dotted}"], str(
                field
            )
        assert await collect_refusals(office, inputs, field, None) == []


async def test_date_fields_accept_only_plausible_dates(database: Database) -> None:
    office, inputs = await create_rollback_office(database)
    for field in input_fields("Date"):
        for value in ("2026-13-01", "20261120", "2026-11-20T12:00:00Z", "", "\x00", 20261120):
            response = await call(office, field.mutation, field.replace_in(inputs[field.mutation], value))
            assert (response.payload, response.errors) == (None, ["BAD_USER_INPUT"]), (str(field), value)
        for value in ("0001-01-01", "9999-12-31"):
            refusals = await collect_refusals(office, inputs, field, value)
            assert (refusals != []) is not ((field.mutation, field.path[-1], value[0]) in UNBOUNDED_DATES), (
                str(field),
                value,
            )
