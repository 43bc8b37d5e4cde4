"""Calling mutations past the web: each by its name and input, in an office where a good input for each is at hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from carriers_inputs import carriers_inputs, set_up_carrier
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_list_type, is_non_null_type

from benegraph.db.session import Database
from benegraph.domain.access import Viewer
from benegraph.domain.enrollments.life_events import LifeEventType
from benegraph.domain.plan_years import PlanYearDates
from benegraph.graphql.context import Context
from benegraph.graphql.engine.documents import DocumentCache
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.schema import build_schema
from factories.office import Office, create_office, enroll, waive

SCHEMA = build_schema()
GRAPHQL_SCHEMA = SCHEMA._schema
assert GRAPHQL_SCHEMA.mutation_type is not None
MUTATIONS = sorted(GRAPHQL_SCHEMA.mutation_type.fields)

Input = dict[str, Any]
Path = tuple[str | int, ...]


class Rehearsing(Database):
    """A database that takes every change back, so that one office serves many calls."""

    __slots__ = ()

    async def transact(self, *args: Any, **options: Any) -> Any:
        return await Database.transact(self, *args, **options | {"dry_run": True})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: the payload without its errors, the refusals as `CODE dotted.path`, and all else."""

    payload: dict[str, Any] | None
    refusals: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    replayed: bool = False

    @property
    def is_done(self) -> bool:
        return self.payload is not None and not self.refusals and not self.errors


async def call(office: Office, mutation: str, input: Input, *, viewer: Viewer | None = None) -> Answer:
    """Call a mutation with its whole payload, one level deep."""
    context = Context(office.database, viewer or office.viewer, office.clock(), "request-1")
    request = GraphQLRequest(document(mutation), {"input": input})
    answer = await execute(_documents(), context, request)
    errors = [error["extensions"]["code"] for error in answer.get("errors", ())]
    if not answer.get("data"):
        return Answer(None, errors=errors)
    payload = answer["data"][mutation]
    refusals = payload.pop("userErrors")
    if refusals:  # whatever else the payload has is null then
        assert set(payload.values()) == {None}
    for result in payload.get("results") or ():  # an item of a batch is refused by itself
        refusals += result.get("userErrors", ())
    return Answer(
        payload,
        [" ".join([each["code"], ".".join(each["field"] or ())]).strip() for each in refusals],
        [each["message"] for each in refusals],
        errors,
        bool(answer.get("extensions", {}).get("idempotentReplay")),
    )


@cache
def _documents() -> DocumentCache:
    """Keep what is parsed and validated: a test calls a mutation a hundred times."""
    return DocumentCache(SCHEMA)


@cache
def document(mutation: str) -> str:
    """Write the mutation that asks for all of its payload that takes no more than an id to tell."""
    name = input_of(mutation).name
    fields = " ".join(_selected(each, field) for each, field in payload_of(mutation).fields.items())
    return f"mutation($input: {name}!) {{ {mutation}(input: $input) {{ {fields} }} }}"


def _selected(name: str, field: Any) -> str:
    kind = get_named_type(field.type)
    if not isinstance(kind, GraphQLObjectType):
        return name
    if "id" in kind.fields:
        return f"{name} {{ id }}"
    return f"{name} {{ {' '.join(_selected(*each) for each in kind.fields.items())} }}"


def payload_of(mutation: str) -> GraphQLObjectType:
    assert GRAPHQL_SCHEMA.mutation_type is not None
    payload = get_named_type(GRAPHQL_SCHEMA.mutation_type.fields[mutation].type)
    assert isinstance(payload, GraphQLObjectType)
    return payload


def input_of(mutation: str) -> GraphQLInputObjectType:
    assert GRAPHQL_SCHEMA.mutation_type is not None
    kind = get_named_type(GRAPHQL_SCHEMA.mutation_type.fields[mutation].args["input"].type)
    assert isinstance(kind, GraphQLInputObjectType)
    return kind


# ------------------------------------------------------------------------------------------- fields of inputs


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a mutation's input, within the first item of whatever lists it lies in."""

    mutation: str
    path: Path
    type: str
    required: bool

    def __str__(self) -> str:
        return ".".join([self.mutation, *map(str, self.path)])

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.path))

    def within(self, input: Input, value: Any) -> Input:
        """Give the input with another value here."""
        replaced: Input = _replaced(input, self.path, value)
        return replaced


def fields_of(*types: str) -> list[Field]:
    """List all input fields of these types, or of all."""
    return [
        field
        for mutation in MUTATIONS
        for field in _fields(mutation, input_of(mutation), ())
        if not types or field.type in types
    ]


def _fields(mutation: str, kind: GraphQLInputObjectType, at: Path) -> Iterator[Field]:
    for name, declared in kind.fields.items():
        named = get_named_type(declared.type)
        required = is_non_null_type(declared.type)
        bare = declared.type.of_type if required else declared.type
        path: Path = (*at, name, 0) if is_list_type(bare) else (*at, name)
        if is_list_type(bare):
            yield Field(mutation, (*at, name), "list", required)
        if isinstance(named, GraphQLInputObjectType):
            yield from _fields(mutation, named, path)
        else:
            yield Field(mutation, path, named.name, required or is_list_type(bare))


def _replaced(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    head, *rest = path
    if isinstance(head, int):
        return [_replaced(item, tuple(rest), new) if place == head else item for place, item in enumerate(value)]
    return value | {head: _replaced(value.get(head), tuple(rest), new)}


# ------------------------------------------------------------------------------------------------ good inputs


async def busy_office(database: Database, *, tenant: str = "acme") -> tuple[Office, dict[str, Input]]:
    """Open an office where every mutation could be called: give for each an input that is good, and names all."""
    office = await create_office(database, tenant=tenant)
    ada, bob, cy, dee = [await office.hire(name) for name in ("Ada", "Bob", "Cy", "Dee")]
    child = await office.add_child(ada)
    year = await office.open_plan_year()
    ending = PlanYearDates(date(2026, 12, 1), date(2026, 12, 31), date(2026, 11, 1), date(2026, 11, 19))
    over = await office.open_plan_year(ending)
    draft = await office.draft_plan_year(
        PlanYearDates(date(2028, 1, 1), date(2028, 12, 31), date(2027, 1, 1), date(2027, 2, 1))
    )
    plans = await office.plan_ids_by_code(year)
    held = {who: await _in_year(office, who, year) for who in (ada, bob, cy)}
    await office.elect(bob, waive(held[bob]))
    await office.elect(cy, enroll(held[cy], plans["GOLD"]))
    event = await office.approve_life_event(cy, LifeEventType.MARRIAGE)
    await office.terminate_employee(dee, date(2026, 11, 20))
    ids = {
        "employerId": office.employer,
        "benefitProductId": office.product,
        "draft": draft,
        "over": over,
        "ada": ada,
        "adas": held[ada],
        "gold": plans["GOLD"],
        "child": child,
        "bobs": held[bob],
        "cys": held[cy],
        "marriage": event,
        "report": await office.report_life_event(ada),
        "dee": dee,
        **await set_up_carrier(office),
    }
    return office, {
        mutation: input | {"idempotencyKey": f"key of {mutation}"}
        for mutation, input in (_inputs(ids) | carriers_inputs(ids)).items()
    }


async def _in_year(office: Office, employee: str, plan_year: str) -> str:
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
    person = {
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
    dependent = {"firstName": "Ben", "lastName": "Evans", "dateOfBirth": "2020-01-01", "relationship": "CHILD"}
    election = {
        "enrollmentId": ids["adas"],
        "decision": "ENROLLED",
        "selectedPlanId": ids["gold"],
        "coverageTier": "EC",
        "dependentIds": [ids["child"]],
        "expectedVersion": 1,
    }
    return {
        "elect": {"employeeId": ids["ada"], "elections": [election], "dryRun": False},
        "reopenElection": {"enrollmentId": ids["bobs"], "expectedVersion": 2},
        "reissue": {
            "enrollmentId": ids["cys"],
            "qualifyingLifeEventId": ids["marriage"],
            "reason": "Married.",
            "expectedVersion": 2,
        },
        "createPlanYear": {"employerId": ids["employerId"], "benefitProductId": ids["benefitProductId"], **plan_year},
        "updatePlanYear": {"planYearId": ids["draft"], **plan_year, "expectedVersion": 1},
        "deletePlanYear": {"planYearId": ids["draft"], "expectedVersion": 1},
        "openEnrollment": {"planYearId": ids["draft"], "expectedVersion": 1},
        "closeEnrollment": {"planYearId": ids["over"], "expectedVersion": 2},
        "reportLifeEvent": {
            "employeeId": ids["ada"],
            "eventType": "BIRTH",
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
        "createEmployer": {"name": "Beta LLC", "timeZone": "America/Chicago"},
        "createEmployee": {"employerId": ids["employerId"], **person},
        "updateEmployee": {"employeeId": ids["ada"], **person, "expectedVersion": 1},
        "terminateEmployee": {
            "employeeId": ids["ada"],
            "terminationDate": "2026-11-30",
            "reason": "Moved.",
            "expectedVersion": 1,
        },
        "reinstateEmployee": {"employeeId": ids["dee"], "reason": "A mistake.", "expectedVersion": 2},
        "addDependent": {"employeeId": ids["ada"], **dependent, "disabled": False},
        "updateDependent": {
            "dependentId": ids["child"],
            **dependent,
            "disabled": True,
            "active": False,
            "expectedVersion": 1,
        },
        "createBenefitProduct": {"name": "Dental", "category": "DENTAL", "carrierName": "Delta", "plans": [plan]},
    }
