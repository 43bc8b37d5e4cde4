"""Both executors say the same of queries that were written to catch them out: `by_hand.graphql`, and what is wrong."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from all_types_dataset import GRAPHQL_SCHEMA, NOW, TODAY
from both_executors import ExecutorPair, all_fields, both_executors
from generated_values import QUERY
from graphql import FieldNode, TypeInfo, TypeInfoVisitor, Visitor, parse, visit
from graphql_requests import fetch_data
from sqlalchemy import make_url
from visibility_dataset import make_visibility_dataset

from benegraph.db.engine import PoolSettings, create_engine
from benegraph.db.models import Event
from benegraph.db.session import Database
from benegraph.domain.access import Role, Viewer
from benegraph.domain.catalog import CoverageTier
from benegraph.domain.enrollments.life_events import LifeEventStatus
from benegraph.domain.enrollments.status import ElectionDecision, WindowReason
from benegraph.domain.ids import IdPrefix, new_id, prefix_of
from benegraph.domain.people import EmploymentClass
from benegraph.execution.compile import thresholds
from benegraph.graphql.context import Context
from benegraph.graphql.engine.execute import GraphQLRequest, execute
from benegraph.graphql.engine.serialize import serialize
from conftest import GATEWAY_ROLE, connect, database_url_of
from factories.access import TENANT, administrator, employee_viewer, employer_viewer, insert
from factories.carrier_rows import (
    coverage_row,
    make_contract_row,
    make_coverage_rows,
    make_invoice_row,
    make_payment_row,
    make_subscriber_row,
)
from factories.catalog import make_carrier_plan, make_product
from factories.employers import make_employer
from factories.enrollments import make_enrollment, make_life_event
from factories.people import make_dependent, make_employee
from factories.plan_years import make_class, make_plan, make_plan_year

# What Strawberry's executor gives up before it has begun; see `both_executors.answer`.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")

#: Texts as nobody is called: what JSON escapes, what it need not, and what it must not.
AWKWARD = 'A"\\\u0001\u2028😀'
CONTROLS = "".join(map(chr, range(1, 33))) + "\x7f\x80\x9f\ufeff\uffff\U0010ffff"
HTML = "\"\\</script><!-- & ' \t\r\n"
#: As a rule lets through what a carrier calls somebody, and what goes as a key from statement to statement.
NUMBER = 'A"\\😀,\t\n%'
GROUP, DIVISION = 'G"\\😀', "D,{}'"
STARTED, LAST = date(2020, 1, 1), date(9999, 12, 30)
#: How many of each: more than a page, and more than beneath how many parents all is read at once.
PEOPLE, ANSWERS, EVENTS, COVERAGES = 45, 25, 25, 105

Variables = dict[str, Any]
Its = Mapping[str, Any]

#: What is wrong: after a document's title the places of its errors, and in brackets why it is left to Strawberry, where
#: it is. What is written already when it fails can't become null any more: there the compiled executor gives up.
WRONG = r"""
# a page too large -> employees
{ employees(first: 101) { nodes { id } } viewer { role } }
# a page too small, within a row -> employer.employees
query($employer: ID!) { viewer { role } employer(id: $employer) { name employees(first: -1) { nodes { id } } } }
# a page too large by a variable -> employer.employees
# {"n": 101}
query($employer: ID!, $n: Int) { employer(id: $employer) { name employees(first: $n) { nodes { id } } } }
# a page too large by a variable, and how many there are -> employer.employees
# {"n": 101}
query($employer: ID!, $n: Int) { employer(id: $employer) { name employees(first: $n) { nodes { id } totalCount } } }
# a page too small beneath many rows -> employer.employees.nodes.0.enrollments (arguments)
# {"n": -1}
query($employer: ID!, $n: Int) {
  employer(id: $employer) { employees(first: 40) { nodes { enrollments(first: $n) { totalCount } } } } }
# a page too large that two fragments ask for -> employer.employees
query($employer: ID!) { employer(id: $employer) { ...A ...B } }
fragment A on Employer { employees(first: 200) { nodes { id } } }
fragment B on Employer { employees(first: 200) { totalCount } name }
# a cursor of another list -> employer.enrollments (arguments)
# {"after": "$third"}
query($employer: ID!, $after: String) {
  employer(id: $employer) { enrollments(after: $after) { totalCount } } employees(after: $after) { totalCount } }
# no cursor -> employer.enrollments
# {"after": "é"}
query($employer: ID!, $after: String) { employer(id: $employer) { enrollments(after: $after) { nodes { id } } } }
# a null in a list that holds none -> employer.enrollments
# {"one": null}
query($employer: ID!, $one: EnrollmentStatus = PENDING) {
  employer(id: $employer) { enrollments(first: 2, filter: {status: [$one]}) { nodes { status } } } }
# a text that can't be stored -> employer.employees
# {"text": "\u0000"}
query($employer: ID!, $text: String) {
  viewer { role } employer(id: $employer) { employees(filter: {search: $text}) { totalCount } } }
# ids of other types -> a b
query($employee: ID!, $employer: ID!) { a: employer(id: $employee) { id } b: employee(id: $employer) { id } }
# what is no id -> employee enrollment node nodes.0 nodes.2 plan
# {"id": "empl_01J659CVE0E0080M4XHPPEFPAH"}
query($id: ID!, $employee: ID!) { employee(id: $id) { id } node(id: $id) { id } enrollment(id: 7) { id }
  nodes(ids: [$id, $employee, $id]) { id } plan(id: "") { id } }
# null for an id -> employee
# {"id": null}
query($id: ID = "x") { employee(id: $id) { id } viewer { role } }
# more ids than are looked up -> nodes
query($tooMany: [ID!]!) { nodes(ids: $tooMany) { id } }
# a condition that is null -> employee (condition)
# {"a": null}
query($employee: ID!, $a: Boolean = true) { employee(id: $employee) { id firstName @include(if: $a) } viewer { role } }
# a condition that is null, where another has decided -> (condition)
# {"a": null}
query($employee: ID!, $a: Boolean = true) { employee(id: $employee) { id firstName @include(if: $a) @skip(if: true) } }
# what is no plan year -> employee.enrollments
query($employee: ID!) { employee(id: $employee) { id ...F } }
fragment F on Employee { enrollments(filter: {planYearId: $employee}) { nodes { id } } }
# pages that can't be, each beneath a null of its own -> nodes.*.events:30
query($enrollments: [ID!]!) { nodes(ids: $enrollments) { ... on Enrollment { events(first: 101) { totalCount } } } }
# eligibility in what is no plan year -> employer.employees.nodes.*.eligibility:40
query($employer: ID!) { employer(id: $employer) {
  employees(first: 40) { nodes { firstName eligibility(planYearId: "x") { eligible } } } } }
# a jump from a cursor -> subscriber.enrollments
query($number: String!) { subscriber(subscriberId: $number) { enrollments(offset: 3, after: "x") { totalCount } } }
# a cursor of another order -> subscriber.enrollments
# {"after": "$unlimited", "order": {"field": "ANNUAL_MAX"}}
query($number: String!, $after: String, $order: [SubscriberEnrollmentOrder!]) {
  subscriber(subscriberId: $number) { enrollments(after: $after, orderBy: $order) { totalCount } } }
# an order by one field twice -> subscriber.enrollments
# {"order": [{"field": "END_DATE"}, {"field": "END_DATE", "direction": "DESC"}]}
query($number: String!, $order: [SubscriberEnrollmentOrder!]) {
  subscriber(subscriberId: $number) { enrollments(orderBy: $order) { nodes { subscriberId } } } }
# several things -> a b.employer.planYears c
query($employee: ID!) { a: employee(id: "x") { id } c: node(id: "") { id }
  b: employee(id: $employee) { employer { planYears(first: 101) { totalCount } } id } }
# the schema itself -> (introspection)
query($employee: ID!) { employee(id: $employee) { id } __type(name: "Plan") { kind } }
"""


def _documents(text: str) -> dict[str, tuple[str, list[Variables]]]:
    """Read documents by their titles, each with what its variables hold; there "$name" is what is named so."""
    parts = re.findall(r"^# ([^{\n]+)\n((?:# \{.*\n)*)((?:(?!# ).*\n)+)", text, re.MULTILINE)
    assert "".join(f"# {title}\n{notes}{document}" for title, notes, document in parts) == text.lstrip()
    found = {}
    for title, notes, document in parts:
        sets = [orjson.loads(each) for line in notes.splitlines() for each in re.split(r"(?<=\}) +(?=\{)", line[2:])]
        found[title] = document, sets or [{}]
    assert len(found) == len(parts)
    return found


DOCUMENTS = _documents(Path(__file__).with_name("by_hand.graphql").read_text(encoding="utf-8"))
WRONG_DOCUMENTS = _documents(WRONG)
WHO = ("administrator", "employee", "clerk", "another employer's employee", "another employer's service")
#: Those documents that are about nothing.
OF_NOTHING = {"names that can be nobody's", "nothing but the type's name"}


@dataclass(frozen=True, slots=True)
class Hall:
    """Where both are asked: a database, what its rows are called, and who asks."""

    runner: asyncio.Runner
    database: Database
    named: Mapping[str, Any]
    viewers: Mapping[str, Viewer]
    both: ExecutorPair

    def ask(self, who: str, text: str, variables: Variables, name: str | None = None) -> dict[str, Any]:
        """Ask both, and see that they agree; give what they say."""
        request = GraphQLRequest(text, self.given(text, variables), name)
        self.both.breadth_first.fallbacks.clear()
        body: dict[str, Any] = self.runner.run(self.both.compare_query(self.database, self.viewers[who], NOW, request))
        return body

    def given(self, text: str, variables: Variables) -> Variables:
        """Give what variables hold: what is said of them, or else what is called by their names."""
        declared = re.findall(r"\$(\w+):", text)
        usual = {name: self.named[name] for name in declared if name in self.named}
        return usual | {name: self._meant(value) for name, value in variables.items()}

    def _meant(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._meant(each) for name, each in value.items()}
        if isinstance(value, list):
            return [*map(self._meant, value)]
        return self.named[value[1:]] if isinstance(value, str) and value.startswith("$") else value


@pytest.fixture(scope="module", params=[8, thresholds.MAX_PARENTS_FOR_INLINE_ROWS])
def hall(request: pytest.FixtureRequest, server_url: str, template: str) -> Iterator[Hall]:
    """A database, and beneath how many parents all is read at once: with few of them most is read by its own turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thresholds, "MAX_PARENTS_FOR_INLINE_ROWS", request.param)
        yield from _hall(server_url, template)


def _hall(server_url: str, template: str) -> Iterator[Hall]:
    name = f"test_{uuid4().hex}"
    url = make_url(database_url_of(server_url, name)).set(username=GATEWAY_ROLE, password="test")
    with asyncio.Runner() as runner:
        runner.run(_execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
        database = Database(create_engine(url.render_as_string(hide_password=False), PoolSettings(size=8, overflow=2)))
        try:
            yield Hall(runner, database, *runner.run(_make_rows(database)), both_executors())
        finally:
            runner.run(database.engine.dispose())
            runner.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("title", DOCUMENTS)
def test_a_document_is_answered_alike(hall: Hall, title: str) -> None:
    text, (first, *_) = DOCUMENTS[title]
    for who, variables in _asked(title):
        body = hall.ask(who, text, variables)
        assert "errors" not in body, (who, variables, body["errors"])
        assert dict(hall.both.fallbacks) == {}, (who, variables)
        if who == WHO[0] and variables is first:
            assert _holds(body["data"]) is (title not in OF_NOTHING)


def _asked(title: str) -> Iterator[tuple[str, Variables]]:
    """Ask as an administrator and as one of the others in turn; with other variables, as either of these."""
    place = list(DOCUMENTS).index(title)
    _, (first, *others) = DOCUMENTS[title]
    two = WHO[0], WHO[1 + place % 4]
    yield from ((who, first) for who in two)
    yield from ((two[turn % 2], variables) for turn, variables in enumerate(others, 1))


def _holds(value: Any) -> bool:
    """Tell whether anything was found: a value other than a null, a false, a 0 and the query's own name."""
    if isinstance(value, dict | list):
        return any(map(_holds, value.values() if isinstance(value, dict) else value))
    return bool(value) and value != "Query"


def test_all_fields_are_asked_for() -> None:
    asked = set[str]()
    for text, _ in DOCUMENTS.values():
        info = TypeInfo(GRAPHQL_SCHEMA)

        class Noting(Visitor):
            def enter_field(self, node: FieldNode, *_: Any, info: TypeInfo = info) -> None:
                asked.add(f"{info.get_parent_type()}.{node.name.value}")

        visit(parse(text), TypeInfoVisitor(info, Noting()))
    assert all_fields(QUERY) - asked == set()


@pytest.mark.parametrize("title", WRONG_DOCUMENTS)
def test_what_is_wrong_is_wrong_alike(hall: Hall, title: str) -> None:
    text, (variables,) = WRONG_DOCUMENTS[title]
    reasons = re.findall(r"\((\w+)\)$", title)
    wrong = re.findall(r"[\w.*:]+", title.partition(" -> ")[2].partition("(")[0])
    body = hall.ask("administrator", text, variables)
    places = Counter(".".join(map(str, error["path"])) for error in body.get("errors", ()))
    if any("*" in each for each in wrong):  # one of each item
        places = Counter(re.sub(r"\.\d+\.", ".*.", place) for place in places.elements())
    assert sorted(f"{place}:{times}" if times > 1 else place for place, times in places.items()) == wrong
    assert [*hall.both.fallbacks] == reasons


def test_one_of_several_operations_is_meant_by_its_name(hall: Hall) -> None:
    text = """query One($employee: ID!) { employee(id: $employee) { ...Name } }
    query Other($employee: ID!, $n: Int = 2) {
      employee(id: $employee) { lastName enrollments(first: $n) { nodes { id } } } }
    query Third($employee: ID!) { employee(id: $employee) { ...Name employer { ...Firm } } }
    fragment Name on Employee { firstName }
    fragment Firm on Employer { name employees(first: 1) { nodes { ...Name } } }"""
    for name, last in {"Third": "employer", "One": "firstName", "Other": "enrollments"}.items():
        assert [*hall.ask("employee", text, {}, name)["data"]["employee"]][-1] == last
    assert dict(hall.both.fallbacks) == {}


def test_many_ways_to_leave_parts_out_are_told_apart(hall: Hall) -> None:
    """There are more of them than plans of one operation are kept, and some come again."""
    text = """query($employee: ID!, $a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) {
      employee(id: $employee) { id firstName @include(if: $a) lastName @skip(if: $b) version @include(if: $c)
        ... @include(if: $d) { active } employer @skip(if: $e) { id } } }"""
    ways = [dict(zip("abcde", way, strict=True)) for way in product((False, True), repeat=5)]
    for way in (*ways[:18], *ways[:2]):
        found = hall.ask("employee", text, way)["data"]["employee"]
        assert ("firstName" in found, "lastName" not in found, "version" in found) == (way["a"], way["b"], way["c"])
        assert dict(hall.both.fallbacks) == {}


def test_a_list_is_walked_through_alike(hall: Hall) -> None:
    text = """query($number: String!, $order: [SubscriberEnrollmentOrder!], $after: String) {
      subscriber(subscriberId: $number) { enrollments(first: 40, after: $after, orderBy: $order) {
        edges { cursor node { id startDate annualMaxCents } } pageInfo { hasNextPage endCursor } } } }"""
    variables: Variables = {"order": [{"field": "ANNUAL_MAX", "direction": "DESC"}, {"field": "POLICY_NUMBER"}]}
    thresholds, goes_on = [], True
    while goes_on:
        page = hall.ask("employee", text, variables)["data"]["subscriber"]["enrollments"]
        thresholds.append(len(page["edges"]))
        goes_on, variables["after"] = page["pageInfo"].values()
    assert thresholds == [40, 40, 25]
    assert dict(hall.both.fallbacks) == {}


def test_what_is_asked_at_once_is_answered_as_one_after_another(hall: Hall) -> None:
    """Plans are shared by all who ask; each answer is still that of its own viewer and variables."""
    compiled = hall.both.breadth_first
    compiled.fallbacks.clear()
    asked = [
        (hall.viewers[who], GraphQLRequest(text, hall.given(text, variables)))
        for title, (text, _) in DOCUMENTS.items()
        for who, variables in _asked(title)
    ]

    async def one(viewer: Viewer, request: GraphQLRequest) -> bytes:
        return serialize(await execute(compiled, Context(hall.database, viewer, NOW, "request-1"), request))

    async def all_of_them() -> None:
        alone = [await one(*each) for each in asked]
        for place in range(0, len(asked), 16):
            together = await asyncio.gather(*(one(*each) for each in asked[place : place + 16]))
            assert together == alone[place : place + 16]

    hall.runner.run(all_of_them())
    assert dict(compiled.fallbacks) == {}


# --------------------------------------------------------------------------------------------------------- the rows


async def _make_rows(database: Database) -> tuple[dict[str, Any], dict[str, Viewer]]:
    """Make a world of two tenants, and in one an employer of whom all is awkward; name what documents ask for."""
    dataset = await make_visibility_dataset(database, NOW)
    its: Its = {"database": database, "clock": NOW}
    employer = await make_employer(**its, name=AWKWARD)
    named = await _make_offers(its, employer)
    people = await _make_people(its, employer)
    named |= {"employer": employer, "employee": people[0], "another": people[1]}
    named |= await _make_answers(its, named, people)
    await _make_history(its, named)
    named |= await _make_coverage(its, employer, people[0])
    kinds: dict[Any, list[str]] = {}
    for thing in dataset.rows:
        if thing.tenant == TENANT:
            kinds.setdefault(prefix_of(thing.id), []).append(thing.id)
    named |= {
        "ids": [id for ids in kinds.values() for id in ids[:2]],
        "foreign": next(each.id for each in dataset.rows if each.tenant != TENANT and each.employee == each.id),
        "covered": next(iter(dataset.elections.values())),
        "tooMany": ["x"] * 101,
        "unknown": new_id(IdPrefix.EMPLOYEE, NOW.now),
        "unknownYear": new_id(IdPrefix.PLAN_YEAR, NOW.now),
        "unknownEmployer": new_id(IdPrefix.EMPLOYER, NOW.now),
        "emptyEmployer": await make_employer(**its, name="Empty"),
    }
    named |= await _read_cursors(database, named)
    strangers = [viewer for viewer in dataset.viewers if viewer.tenant_id == TENANT and viewer.employer_id]
    viewers = (
        administrator(),
        employee_viewer(employer, people[0]),
        employer_viewer(employer),
        next(each for each in strangers if each.role is Role.EMPLOYEE),
        next(each for each in strangers if each.role is Role.SERVICE),
    )
    return named, dict(zip(WHO, viewers, strict=True))


async def _make_offers(its: Its, employer: str) -> dict[str, Any]:
    """Make a product, two years of it, and what one of them offers."""
    product = await make_product(**its, name=HTML, carrier_name=CONTROLS)
    for place, name in enumerate((AWKWARD, CONTROLS)):
        await make_carrier_plan(**its, product=product, position=place, carrier_plan_id=name[:8], name=name)
    year = await make_plan_year(**its, employer=employer, product=product)
    past: dict[str, Any] = {"coverage_starts_on": date(2025, 1, 1), "coverage_ends_on": date(2025, 12, 31)}
    past |= {"open_enrollment_starts_on": date(2024, 11, 1), "open_enrollment_ends_on": date(2024, 11, 30)}
    other = await make_plan_year(**its, employer=employer, product=product, **past)
    plan = await make_plan(**its, plan_year=year, carrier_plan_id=HTML, name=CONTROLS)
    await make_plan(**its, plan_year=year, position=1, carrier_plan_id="FLAT", name=AWKWARD, tier=None, rates={})
    for place, employment in enumerate((EmploymentClass.FULL_TIME, EmploymentClass.PART_TIME)):
        await make_class(**its, plan_year=year, position=place, employment=employment)
    return {"product": product, "planYear": year, "other": other, "plan": plan}


async def _make_people(its: Its, employer: str) -> list[str]:
    awkward = {"first_name": AWKWARD, "last_name": CONTROLS, "email": HTML, "external_id": '"\\</script>'}
    gone = {"last_name": HTML, "terminated_on": TODAY, "employment_class": EmploymentClass.PART_TIME}
    rows: list[dict[str, Any]] = [awkward, gone]
    rows += [
        {"first_name": f"P{place}", "last_name": "Same", "hired_on": STARTED + timedelta(days=place % 7)}
        for place in range(PEOPLE - 2)
    ]
    return [await make_employee(**its, employer=employer, **row) for row in rows]


async def _make_answers(its: Its, named: Its, people: Sequence[str]) -> dict[str, Any]:
    """Make for one person a family, life events, and a chain of enrollments; for each other, one to be answered."""
    one, year, plan = people[0], named["planYear"], named["plan"]
    child = await make_dependent(**its, employee=one, first_name=AWKWARD, last_name=HTML)
    await make_dependent(**its, employee=people[1], first_name=CONTROLS, date_of_birth=date(1990, 1, 1))
    told: dict[str, Any] = {"dependent": child, "status": LifeEventStatus.APPROVED, "review_notes": HTML}
    event = await make_life_event(**its, employee=one, notes=CONTROLS, **told)
    await make_life_event(**its, employee=people[1], notes=AWKWARD)
    tier = CoverageTier.EC
    first = await make_enrollment(
        **its, employee=one, plan_year=year, plan=plan, coverage_tier=tier, covers={child: TODAY}
    )
    held = [first]
    again: dict[str, Any] = {"reason": WindowReason.LIFE_EVENT, "window": (TODAY, TODAY), "life_event": event}
    for place in range(ANSWERS):
        cancelled = {"plan": plan, "coverage": (date(2027, 1, 1), None)}
        answer: dict[str, Any] = {"decision": ElectionDecision.WAIVED} if place % 3 else cancelled
        answer |= {"closed_on": TODAY} if place % 2 else {}
        effective = date(2026 + place % 3, 2, 1)
        held.append(
            await make_enrollment(
                **its, employee=one, plan_year=year, replaces=held[-1], effective_on=effective, **again, **answer
            )
        )
    held += [await make_enrollment(**its, employee=person, plan_year=year) for person in people[1:]]
    await make_enrollment(**its, employee=people[1], plan_year=named["other"], closed_on=TODAY)
    return {"enrollment": first, "reissued": held[2], "enrollments": held[:30]}


async def _make_history(its: Its, named: Its) -> None:
    usual = {"employer_id": named["employer"], "employee_id": named["employee"], "subject_id": named["enrollment"]}
    usual |= {"action": "ISSUED", "actor": AWKWARD, "actor_role": Role.EMPLOYER, "before": None, "after": None}
    rows = [
        usual
        | {
            "occurred_at": NOW.now + timedelta(microseconds=place),
            "request_id": HTML if place % 2 else None,
            "reason": (AWKWARD, CONTROLS, None)[place % 3],
        }
        for place in range(EVENTS)
    ]
    await insert(its["database"], NOW, TENANT, Event, *rows, prefix=IdPrefix.EVENT)


async def _make_coverage(its: Its, employer: str, person: str) -> dict[str, Any]:
    """Make a contract, and a subscriber under it, of whose coverage much is not known."""
    names: dict[str, Any] = {"group_id": GROUP, "division_id": DIVISION}
    await make_contract_row(
        **its, **names, employer=employer, policy_number=HTML, coverage_start=STARTED, coverage_end=LAST
    )
    await make_subscriber_row(**its, number=NUMBER, employee=person, first_name=CONTROLS, last_name=HTML)
    usual = names | {"employer_id": employer, "employee_id": person, "group_coverage_start": STARTED}
    days = dict.fromkeys(("date_employed", "eligibility_date", "original_enrollment_date", "term_date"), STARTED)
    rows = [
        coverage_row(
            NOW,
            NUMBER,
            start_date=STARTED + timedelta(days=place),
            end_date=STARTED + timedelta(days=place) if place < COVERAGES - 1 else None,
            annual_max_cents=None if place % 4 else place,
            lifetime_max_cents=(None, 2**53 - 1, 0)[place % 3],
            policy_number=(None, HTML, AWKWARD)[place % 3],
            paid_through=TODAY if place % 5 else None,
            entry_user=AWKWARD,
            **usual | (days if place % 7 else {}),
        )
        for place in range(COVERAGES)
    ]
    await make_coverage_rows(its["database"], NOW, *rows)
    for _ in range(4):
        invoice = await make_invoice_row(**its, **names, employer=employer, number=NUMBER)
        await make_payment_row(**its, invoice=invoice, employer=employer, amount_cents=2_500)
    start = str(STARTED)
    key = {"subscriberId": NUMBER, "groupId": GROUP, "divisionId": DIVISION}
    key |= {"groupCoverageStart": start, "startDate": start}
    return {"number": NUMBER, "group": GROUP, "division": DIVISION, "start": start, "from": start, "key": key}


CURSORS = """query($employer: ID!, $employee: ID!, $number: String!) {
  third: employer(id: $employer) { page: employees(first: 3) { pageInfo { endCursor } } }
  last: employer(id: $employer) { page: employees(first: 100) { pageInfo { endCursor } } }
  enrolled: employee(id: $employee) { page: enrollments(first: 4) { pageInfo { endCursor } } }
  unlimited: subscriber(subscriberId: $number) { page: enrollments(
    first: 40, orderBy: [{field: ANNUAL_MAX, direction: DESC}, {field: START_DATE}]) { pageInfo { endCursor } } }
}"""


async def _read_cursors(database: Database, named: Its) -> dict[str, str]:
    """Read cursors by Strawberry's executor, for both to go on from."""
    asked = {name: named[name] for name in ("employer", "employee", "number")}
    found = await fetch_data(database, NOW, administrator(), CURSORS, **asked)
    return {name: each["page"]["pageInfo"]["endCursor"] for name, each in found.items()}
