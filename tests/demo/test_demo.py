"""The demo's data in a database: the same for a seed, filled once, and ready for every mutation to be tried."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.session import Database, ReadSession, Transaction
from benegraph.db.store.enrollments import EnrollmentFilter, LifeEventFilter
from benegraph.db.store.plan_years import PlanYearFilter
from benegraph.db.store.row_queries import PageWindow
from benegraph.demo import TENANTS, DemoHandles, NotTheDemo, fill, seed, seeding
from benegraph.domain.access import Role, Viewer
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.enrollments.life_events import LifeEventStatus, enrollment_window
from benegraph.domain.enrollments.status import ElectionDecision, EnrollmentStatus
from benegraph.domain.people import Relationship
from benegraph.domain.plan_years import PlanYearStatus
from benegraph.domain.values import Clock
from benegraph.services import enrollments, people, plan_years
from benegraph.services.employers import add_employer
from conftest import connect, copied, opened
from sent import statements

DAY = date(2026, 11, 20)
AFTERNOON = Clock.at(datetime(2026, 11, 20, 15, 12, 1, 350, UTC), DAY)
EVENING = Clock.at(datetime(2026, 11, 20, 23, 50, tzinfo=UTC), DAY)
TABLES = [name for name in Base.metadata.tables if name not in ("api_keys", "idempotency_keys")]


def administrator(tenant_id: str) -> Viewer:
    return Viewer(tenant_id, "test", Role.ADMINISTRATOR)


async def dump(owner_url: str) -> dict[str, list[str]]:
    """Read everything there is, row by row as text, in the order of the keys."""
    connection = await connect(owner_url)
    try:
        return {
            table: [row[0] for row in await connection.fetch(f"SELECT t::text FROM {table} t ORDER BY 1")]  # noqa: S608
            for table in TABLES
        }
    finally:
        await connection.close()


async def test_the_same_seed_and_day_give_the_same_rows(
    database: Database, owner_url: str, server_url: str, template: str
) -> None:
    async with copied(server_url, template) as other_url, opened(other_url) as other:
        for there, clock in ((database, AFTERNOON), (other, EVENING)):
            await fill(there, clock, 1)
            await seed(there, clock, "acme", 40, 1, lambda _done, _total: None)
        rows = await dump(owner_url)
        assert rows == await dump(other_url)
    # Clients bring their documents themselves.
    assert {table for table in rows if not rows[table]} == {"persisted_queries", "trusted_documents"}


async def test_filling_twice_does_nothing(database: Database, owner_url: str) -> None:
    handles = await fill(database, AFTERNOON, 1)
    rows = await dump(owner_url)
    later = Clock.at_noon(DAY + timedelta(days=3))
    assert await fill(database, later, 2) == handles
    assert await dump(owner_url) == rows


async def test_a_tenant_of_somebody_elses_is_left_alone(database: Database) -> None:
    async def theirs(tx: Transaction) -> str:
        await store.access.insert_tenant(tx, "Demo")
        return await add_employer(tx, "Somebody Else's", "America/Chicago")

    await database.transact(administrator("demo"), AFTERNOON, theirs)
    with pytest.raises(NotTheDemo):
        await fill(database, AFTERNOON, 1)


# ------------------------------------------------------------------------------------------------ any day at all


@pytest.mark.parametrize(
    "clock",
    [
        Clock.at_noon(date(2028, 2, 29)),
        Clock.at_noon(date(2026, 12, 31)),
        Clock.at_noon(date(2027, 1, 1)),
        pytest.param(Clock.at_noon(date(2026, 1, 31)), marks=pytest.mark.conformance),
        Clock(datetime(2027, 3, 1, 3, 30, tzinfo=UTC)),  # still February at every employer
    ],
    ids=lambda clock: f"{clock.now:%Y-%m-%dT%H}",
)
async def test_everything_can_be_tried_on_any_day(database: Database, clock: Clock) -> None:
    handles = await fill(database, clock, 1)
    viewer = administrator(handles.tenant_id)
    async with database.read(viewer, clock) as read_session:
        await _check_handles(read_session, handles)
    await _try_everything(database, viewer, clock, handles)
    for tenant_id in TENANTS:
        async with database.read(administrator(tenant_id), clock) as read_session:
            await _check_variety(read_session)


async def _check_handles(read_session: ReadSession, handles: DemoHandles) -> None:
    pending = await store.enrollments.by_ids(read_session, handles.pending_enrollment_ids)
    assert {row.status for row in pending.values()} == {EnrollmentStatus.PENDING}
    assert all(row.window_is_open for row in pending.values())
    products = await store.catalog.by_ids(read_session, [row.benefit_product_id for row in pending.values()])
    assert sorted(row.category for row in products.values()) == sorted(
        set(ProductCategory) - {ProductCategory.HOSPITAL}
    )
    employee = (await store.people.by_ids(read_session, [handles.employee_id]))[handles.employee_id]
    assert employee.active
    assert employee.employer_id == handles.employer_id
    family = (await store.people.dependents_of(read_session, [employee.id]))[employee.id]
    assert sorted(row.relationship for row in family) == [Relationship.CHILD, Relationship.CHILD, Relationship.SPOUSE]
    assert len(await _enrolled(read_session, handles)) == 3
    (event,) = (await store.enrollments.life_events_of(read_session, [employee.id]))[employee.id]
    assert event.status is LifeEventStatus.APPROVED
    assert employee.today in enrollment_window(event.event_type, event.event_on, event.reviewed_on)


async def _enrolled(read_session: ReadSession, handles: DemoHandles) -> list[Any]:
    chosen = EnrollmentFilter(status=(EnrollmentStatus.ENROLLED,))
    window = PageWindow(10, filter=chosen)
    return (await store.enrollments.of_employees(read_session, [handles.employee_id], window))[handles.employee_id].rows


async def _try_everything(database: Database, viewer: Viewer, clock: Clock, handles: DemoHandles) -> None:
    """Run the mutations on the handles, through the services, and take all of it back."""
    async with database.read(viewer, clock) as read_session:
        enrolled = await _enrolled(read_session, handles)
        (event,) = (await store.enrollments.life_events_of(read_session, [handles.employee_id]))[handles.employee_id]
        plans = await store.plan_years.plans_of(read_session, [row.plan_year_id for row in enrolled])
        drafts = PlanYearFilter(status=PlanYearStatus.DRAFT)
        found = await store.plan_years.of_employers(read_session, [handles.employer_id], PageWindow(5, filter=drafts))
        (draft,) = found[handles.employer_id].rows
        family = (await store.people.dependents_of(read_session, [handles.employee_id]))[handles.employee_id]

    async def story(tx: Transaction) -> None:
        waivers = [Election(id, ElectionDecision.WAIVED) for id in handles.pending_enrollment_ids]
        await enrollments.elect(tx, handles.employee_id, waivers)
        await enrollments.reopen_election(tx, handles.pending_enrollment_ids[0], None)
        for row in enrolled:
            id = await enrollments.reissue_enrollment(tx, row.id, event.id, "A child is born.", row.version)
            plan = plans[row.plan_year_id][0].id
            dependents = tuple(dependent.id for dependent in family)
            choice = Election(id, ElectionDecision.ENROLLED, row.selected_plan_id or plan, None, dependents)
            (preview,) = await enrollments.elect(tx, handles.employee_id, [choice])
            assert preview.coverage_starts_on == event.event_on
        assert await plan_years.open_enrollment(tx, draft.id, draft.version) > 0
        today = clock.today("America/New_York")
        await people.terminate_employee(tx, handles.employee_id, today, None, None)
        await people.reinstate_employee(tx, handles.employee_id, None, None)

    await database.transact(viewer, clock, story, dry_run=True)


async def _check_variety(read_session: ReadSession) -> None:
    assert await store.employers.page.count(read_session, [""], None) == {"": 4}
    employers = [row.id for row in (await store.employers.page(read_session, [""], PageWindow(10)))[""].rows]
    for status in PlanYearStatus:
        counted = await store.plan_years.of_employers.count(read_session, employers, PlanYearFilter(status=status))
        assert sum(counted.values()), status
    for judged in LifeEventStatus:
        assert (await store.enrollments.life_event_page.count(read_session, [""], LifeEventFilter(status=judged)))[
            ""
        ], judged
    for standing in EnrollmentStatus:
        chosen = EnrollmentFilter(status=(standing,))
        assert (await store.enrollments.page.count(read_session, [""], chosen))[""], standing


# -------------------------------------------------------------------------------------------------------- seeding


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "_BATCH", 50)


@pytest.mark.usefixtures("small_batches")
async def test_seeding_adds_exactly_as_many_employees(database: Database, owner_url: str) -> None:
    told: list[tuple[int, int]] = []
    await seed(database, AFTERNOON, "acme", 300, 3, lambda done, total: told.append((done, total)))
    rows = await dump(owner_url)
    assert len(rows["employees"]) == 300
    assert 4 < len(rows["enrollments"]) / 300 < 8
    assert [total for _, total in told] == [300] * len(told)
    done = [done for done, _ in told]
    assert done == sorted(set(done))
    assert (done[0], done[-1]) == (0, 300)


@pytest.mark.usefixtures("small_batches")
async def test_an_interrupted_seeding_is_completed_by_the_next(database: Database, owner_url: str) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await seed(database, AFTERNOON, "acme", 150, 1, interrupt)
    begun = len((await dump(owner_url))["employees"])
    assert 0 < begun < 150
    await seed(database, AFTERNOON, "acme", 150, 1, lambda _done, _total: None)
    assert len((await dump(owner_url))["employees"]) == 150


async def test_a_batch_takes_as_many_statements_for_many_as_for_few(database: Database) -> None:
    counts = []
    for tenant_id, employees in (("small", 60), ("large", 600)):
        async with statements(database) as sent:
            await seed(database, AFTERNOON, tenant_id, employees, 1, lambda _done, _total: None)
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_seeding_the_same_again_adds_nothing_and_another_seed_adds_more(
    database: Database, owner_url: str
) -> None:
    counts: list[Mapping[str, int]] = []
    for number in (1, 1, 2):
        await seed(database, EVENING, "acme", 12, number, lambda _done, _total: None)
        counts.append({table: len(rows) for table, rows in (await dump(owner_url)).items()})
    assert counts[0] == counts[1]
    assert counts[2]["employees"] == 24
    assert counts[2]["tenants"] == 1
