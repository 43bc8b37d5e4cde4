"""Calls of mutations without HTTP, and an office with a valid input for every mutation."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from carrier_inputs import build_carrier_inputs, create_carrier_rows
from catalog_inputs import build_catalog_inputs, create_catalog_rows
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_list_type, is_non_null_type

from benegraph.db.session import Database
from benegraph.domain.access import KeyLimits, Role, Viewer
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.plan_years import PlanYearDates
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.schema import build_schema
from benegraph.services.access import issue_key
from benegraph.services.enrollments import override_election
from factories.office import Office, create_office, enroll, waive

SCHEMA = build_schema()
GRAPHQL_SCHEMA = SCHEMA._schema
assert GRAPHQL_SCHEMA.mutation_type is not None
MUTATIONS = sorted(GRAPHQL_SCHEMA.mutation_type.fields)

Input = dict[str, Any]
Path = tuple[str | int, ...]


class RollbackDatabase(Database):
    """A database that rolls every change back, so that one office serves many calls."""

    __slots__ = ()

    async def transact(self, *args: Any, **options: Any) -> Any:
        return await Database.transact(self, *args, **options | {"dry_run": True})


@dataclass(frozen=True, slots=True)
class MutationResponse:
    """A response: the payload, its user errors as `CODE dotted.path`, their messages, and the top-level error codes."""

    payload: dict[str, Any] | None
    refusals: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    replayed: bool = False

    @property
    def is_applied(self) -> bool:
        return self.payload is not None and not self.refusals and not self.errors


async def call(office: Office, mutation: str, input: Input, *, viewer: Viewer | None = None) -> MutationResponse:
    """Call a mutation, and select its whole payload, one level deep."""
    context = Context(office.database, viewer or office.viewer, office.clock(), "request-1")
    request = GraphQLRequest(build_document(mutation), {"input": input})
    response = await execute(_documents(), context, request)
    errors = [error["extensions"]["code"] for error in response.get("errors", ())]
    if not response.get("data"):
        return MutationResponse(None, errors=errors)
    payload = response["data"][mutation]
    user_errors = payload.pop("userErrors")
    if user_errors:  # every other field of the payload must be null
        assert set(payload.values()) == {None}
    for result in payload.get("results") or ():  # the items of a batch are refused one by one
        user_errors += result.get("userErrors", ())
    return MutationResponse(
        payload,
        [" ".join([error["code"], ".".join(error["field"] or ())]).strip() for error in user_errors],
        [error["message"] for error in user_errors],
        errors,
        bool(response.get("extensions", {}).get("idempotentReplay")),
    )


@cache
def _documents() -> DocumentCache:
    """Return the shared document cache: a test calls a mutation a hundred times."""
    return DocumentCache(SCHEMA)


@cache
def build_document(mutation: str) -> str:
    """Build the document that calls a mutation and selects its whole payload; of a node, its ID alone."""
    type_name = input_type(mutation).name
    fields = " ".join(_selection(name, field) for name, field in payload_type(mutation).fields.items())
    return f"mutation($input: {type_name}!) {{ {mutation}(input: $input) {{ {fields} }} }}"


def _selection(name: str, field: Any) -> str:
    type_ = get_named_type(field.type)
    if not isinstance(type_, GraphQLObjectType):
        return name
    if "id" in type_.fields:
        return f"{name} {{ id }}"
    return f"{name} {{ {' '.join(_selection(*item) for item in type_.fields.items())} }}"


def payload_type(mutation: str) -> GraphQLObjectType:
    assert GRAPHQL_SCHEMA.mutation_type is not None
    payload = get_named_type(GRAPHQL_SCHEMA.mutation_type.fields[mutation].type)
    assert isinstance(payload, GraphQLObjectType)
    return payload


def input_type(mutation: str) -> GraphQLInputObjectType:
    assert GRAPHQL_SCHEMA.mutation_type is not None
    type_ = get_named_type(GRAPHQL_SCHEMA.mutation_type.fields[mutation].args["input"].type)
    assert isinstance(type_, GraphQLInputObjectType)
    return type_


# ------------------------------------------------------------------------------------------- fields of inputs


@dataclass(frozen=True, slots=True)
class InputField:
    """A field of a mutation's input. In a list, it is the first item's field."""

    mutation: str
    path: Path
    type: str
    required: bool

    def __str__(self) -> str:
        return ".".join([self.mutation, *map(str, self.path)])

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.path))

    def replace_in(self, input: Input, value: Any) -> Input:
        """Return the input with another value of this field."""
        replaced: Input = _replace(input, self.path, value)
        return replaced


def input_fields(*types: str) -> list[InputField]:
    """List the input fields of these types, or of all types."""
    return [
        field
        for mutation in MUTATIONS
        for field in _fields(mutation, input_type(mutation), ())
        if not types or field.type in types
    ]


def _fields(mutation: str, type_: GraphQLInputObjectType, parent: Path) -> Iterator[InputField]:
    for name, declared in type_.fields.items():
        named = get_named_type(declared.type)
        required = is_non_null_type(declared.type)
        bare = declared.type.of_type if required else declared.type
        path: Path = (*parent, name, 0) if is_list_type(bare) else (*parent, name)
        if is_list_type(bare):
            yield InputField(mutation, (*parent, name), "list", required)
        if isinstance(named, GraphQLInputObjectType):
            yield from _fields(mutation, named, path)
        else:
            yield InputField(mutation, path, named.name, required or is_list_type(bare))


def _replace(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    head, *rest = path
    if isinstance(head, int):
        return [_replace(item, tuple(rest), new) if index == head else item for index, item in enumerate(value)]
    return value | {head: _replace(value.get(head), tuple(rest), new)}


# ----------------------------------------------------------------------------------------------- valid inputs


async def create_office_with_inputs(database: Database, *, tenant: str = "acme") -> tuple[Office, dict[str, Input]]:
    """Create an office, and a valid input for every mutation that provides every field."""
    office = await create_office(database, tenant=tenant)
    ada = await office.hire("Ada", external_id="E-7")
    bob, cy = [await office.hire(name) for name in ("Bob", "Cy")]
    dee = await office.hire("Dee", ssn="219-09-9998")
    eli = await office.hire("Eli")
    child = await office.add_child(ada)
    year = await office.open_plan_year()
    ending = PlanYearDates(date(2026, 12, 1), date(2026, 12, 31), date(2026, 11, 1), date(2026, 11, 19))
    ended = await office.on_day(ending.open_enrollment_end).open_plan_year(ending)
    draft = await office.draft_plan_year(
        PlanYearDates(date(2028, 1, 1), date(2028, 12, 31), date(2027, 1, 1), date(2027, 2, 1))
    )
    plans = await office.plan_ids(year)
    enrollment_ids = {employee: await _enrollment_id(office, employee, year) for employee in (ada, bob, cy)}
    await office.elect(bob, waive(enrollment_ids[bob]))
    await office.elect(cy, enroll(enrollment_ids[cy], plans["GOLD"]))
    event = await office.approve_life_event(cy, LifeEventType.MARRIAGE)
    await office.terminate_employee(dee, date(2026, 11, 20))
    fay = await office.hire("Fay")
    answer = await _enrollment_id(office, fay, year)
    await office.elect(fay, waive(answer))
    reissued = await office.reissue(answer, await office.approve_life_event(fay, LifeEventType.MARRIAGE))
    lapsed = waive(await _enrollment_id(office, bob, ended))
    override = await office.run(override_election, lapsed, None, "A form was lost.")
    key, _ = await office.run(issue_key, KeyLimits(Role.SERVICE, office.employer), "A feed")
    ids = {
        "employerId": office.employer,
        "benefitProductId": office.product,
        "draft": draft,
        "ended": ended,
        "ada": ada,
        "ada_enrollment": enrollment_ids[ada],
        "gold": plans["GOLD"],
        "child": child,
        "bob_enrollment": enrollment_ids[bob],
        "cy_enrollment": enrollment_ids[cy],
        "marriage": event,
        "reissued": reissued,
        "report": await office.report_life_event(ada),
        "dee": dee,
        "eli": eli,
        "override": override.override_id,
        "key": key,
        **await create_carrier_rows(office),
        **await create_catalog_rows(office),
    }
    return office, {
        mutation: input | {"idempotencyKey": f"key of {mutation}"}
        for mutation, input in (_inputs(ids) | build_carrier_inputs(ids)).items()
    }


async def _enrollment_id(office: Office, employee: str, plan_year: str) -> str:
    (id,) = [row.id for row in await office.enrollments(employee) if row.plan_year_id == plan_year]
    return str(id)


def _inputs(ids: dict[str, str]) -> dict[str, Input]:
    plan = {
        "carrierPlanId": "BRONZE",
        "name": "Bronze",
        "tier": "BRONZE",
        "monthlyPremiumCents": 30_000,
        "deductibleCents": 700_000,
        "outOfPocketMaxCents": 900_000,
        "rates": [{"coverageTier": "ES", "monthlyPremiumCents": 60_000}],
    }
    terms = {
        "employment": "FULL_TIME",
        "familyStatus": "UNSPECIFIED",
        "employeeContributionCents": 10_000,
        "employerContributionCents": 40_000,
    }
    plan_year = {
        "coverageStart": "2030-01-01",
        "coverageEnd": "2030-12-31",
        "openEnrollmentStart": "2029-11-01",
        "openEnrollmentEnd": "2029-11-30",
        "contributionClasses": [terms],
        "plans": [plan],
        "waitingPeriodDays": 30,
        "startsOnFirstOfMonth": True,
        "renewal": "PASSIVE",
        "groupId": "G100",
        "groupCoverageStart": "2020-01-01",
    }
    address = {
        "line1": "1 Main Street",
        "line2": "Apt. 4",
        "city": "Springfield",
        "state": "IL",
        "postalCode": "62701-1234",
        "country": "US",
    }
    demographics = {
        "middleName": "Maria",
        "nameSuffix": "Jr.",
        "sex": "FEMALE",
        "phone": "+12175550100",
        "address": address,
        "ssn": "219-09-9999",
    }
    person = {
        **demographics,
        "maritalStatus": "MARRIED",
        "firstName": "Eli",
        "lastName": "Evans",
        "email": "eli@example.com",
        "dateOfBirth": "1990-01-01",
        "employmentClass": "FULL_TIME",
        "startDate": "2026-11-16",
        "externalId": "E-5",
        "divisionId": "D1",
        "subscriberId": "S-FREE",
    }
    dependent = {
        "firstName": "Ben",
        "lastName": "Evans",
        "dateOfBirth": "2020-01-01",
        "relationship": "CHILD",
        **demographics,
    }
    employer = {"legalName": "Beta Holdings LLC", "ein": "12-3456789", "address": address}
    election = {
        "enrollmentId": ids["ada_enrollment"],
        "decision": "ENROLLED",
        "selectedPlanId": ids["gold"],
        "coverageTier": "EC",
        "dependentIds": [ids["child"]],
        "expectedVersion": 1,
    }
    return {
        "elect": {"employeeId": ids["ada"], "elections": [election], "dryRun": False},
        "reopenElection": {"enrollmentId": ids["bob_enrollment"], "expectedVersion": 2},
        "reissue": {
            "enrollmentId": ids["cy_enrollment"],
            "qualifyingLifeEventId": ids["marriage"],
            "reason": "Married.",
            "expectedVersion": 2,
        },
        "endCoverage": {
            "enrollmentId": ids["cy_enrollment"],
            "reason": "VOLUNTARY",
            "lastDay": "2026-12-31",
            "qualifyingLifeEventId": ids["marriage"],
            "note": "Covered by the spouse's plan.",
            "dryRun": False,
            "expectedVersion": 2,
        },
        "extendWindow": {
            "employeeId": ids["ada"],
            "enrollments": [{"enrollmentId": ids["ada_enrollment"], "expectedVersion": 1}],
            "lastDay": "2027-01-20",
            "reason": "On leave.",
        },
        "overrideElection": {
            "enrollmentId": ids["ada_enrollment"],
            "decision": "ENROLLED",
            "effectiveDate": "2027-02-01",
            "selectedPlanId": ids["gold"],
            "coverageTier": "EC",
            "dependentIds": [ids["child"]],
            "reason": "An error of the import.",
            "dryRun": False,
            "expectedVersion": 1,
        },
        "reviewElectionOverride": {
            "electionOverrideId": ids["override"],
            "notes": "As agreed.",
            "expectedVersion": 1,
        },
        "createPlanYear": {"employerId": ids["employerId"], "benefitProductId": ids["benefitProductId"], **plan_year},
        "updatePlanYear": {"planYearId": ids["draft"], **plan_year, "expectedVersion": 1},
        "deletePlanYear": {"planYearId": ids["draft"], "expectedVersion": 1},
        "openEnrollment": {"planYearId": ids["draft"], "expectedVersion": 1},
        "closeEnrollment": {"planYearId": ids["ended"], "expectedVersion": 2},
        "reportLifeEvent": {
            "employeeId": ids["ada"],
            "eventType": "ADOPTION",
            "eventDate": "2026-11-20",
            "dependentId": ids["child"],
            "notes": "A boy.",
        },
        "reviewLifeEvent": {
            "qualifyingLifeEventId": ids["report"],
            "decision": "APPROVED",
            "reviewNotes": "Seen.",
            "expectedVersion": 1,
        },
        "undoLifeEventReview": {
            "qualifyingLifeEventId": ids["marriage"],
            "reason": "Another person's certificate.",
            "expectedVersion": 2,
        },
        "withdrawLifeEvent": {
            "qualifyingLifeEventId": ids["report"],
            "reason": "Reported twice.",
            "expectedVersion": 1,
        },
        "withdrawReissue": {"enrollmentId": ids["reissued"], "reason": "The wrong plan year.", "expectedVersion": 1},
        "createEmployer": {"name": "Beta LLC", "timeZone": "America/Chicago", **employer},
        "createEmployee": {"employerId": ids["employerId"], **person},
        "updateEmployee": {"employeeId": ids["ada"], **person, "expectedVersion": 1},
        "terminateEmployee": {
            "employeeId": ids["ada"],
            "terminationDate": "2026-11-30",
            "reason": "Moved.",
            "expectedVersion": 1,
        },
        "reinstateEmployee": {"employeeId": ids["dee"], "reason": "A mistake.", "expectedVersion": 2},
        "rehireEmployee": {
            "employeeId": ids["dee"],
            "startDate": "2026-12-01",
            "employmentClass": "PART_TIME",
            "divisionId": "D1",
            "externalId": "E-9",
            "expectedVersion": 2,
        },
        "moveEmployee": {
            "employeeId": ids["ada"],
            "divisionId": "D1",
            "effectiveDate": "2026-12-01",
            "reason": "A new site.",
            "expectedVersion": 1,
        },
        "deleteEmployee": {
            "employeeId": ids["eli"],
            "reason": "Entered twice.",
            "dryRun": False,
            "expectedVersion": 1,
        },
        "upsertEmployees": {
            "employerId": ids["employerId"],
            "employees": [
                {
                    "employeeId": ids["ada"],
                    **person,
                    "externalId": "E-7",
                    "divisionEffectiveDate": "2026-12-01",
                    "terminationDate": "2026-12-15",
                    "terminationReason": "Moved.",
                    "dependents": [{"dependentId": ids["child"], **dependent, "disabled": False, "active": True}],
                }
            ],
            "dryRun": False,
        },
        "mergeEmployees": {
            "keepId": ids["ada"],
            "duplicateId": ids["eli"],
            "reason": "Entered twice.",
            "expectedKeepVersion": 1,
            "expectedDuplicateVersion": 1,
            "dryRun": False,
        },
        "revealSsn": {"personId": ids["dee"], "reason": "The carrier asks for it."},
        "addDependent": {"employeeId": ids["ada"], **dependent, "disabled": False},
        "updateDependent": {
            "dependentId": ids["child"],
            **dependent,
            "disabled": False,
            "active": False,
            "reason": "By the birth certificate.",
            "dryRun": False,
            "expectedVersion": 1,
        },
        "issueKey": {
            "role": "SERVICE",
            "label": "Nightly feed",
            "employerId": ids["employerId"],
            "employeeId": ids["ada"],
            "actions": ["issueKey"],
            "expiresInDays": 90,
        },
        "revokeKey": {"keyId": ids["key"]},
        "createBenefitProduct": {
            "name": "Dental",
            "category": "DENTAL",
            "carrierName": "Delta",
            "payerId": "D1",
            "plans": [plan],
        },
        **build_catalog_inputs(ids, plan, plan_year, employer),
    }
