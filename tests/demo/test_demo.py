"""The demo's data in a database: reproducible, inserted once, and ready for every mutation to be tried."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from benegraph.db import store
from benegraph.db.base import Base
from benegraph.db.session import Database, ReadSession, Transaction
from benegraph.db.store.enrollments import EnrollmentFilter, LifeEventFilter
from benegraph.db.store.plan_years import PlanYearFilter
from benegraph.db.store.row_queries import PageWindow
from benegraph.demo import TENANTS, DemoIds, NotADemoTenant, fill_demo_tenants, seed_tenant, seeding
from benegraph.domain.access import Role, Viewer
from benegraph.domain.catalog import ProductCategory
from benegraph.domain.enrollments.elections import Election
from benegraph.domain.enrollments.life_events import LifeEventStatus, change_window
from benegraph.domain.enrollments.status import ElectionDecision, EnrollmentStatus
from benegraph.domain.people import Relationship
from benegraph.domain.plan_years import PlanYearStatus
from benegraph.domain.values import Clock
from benegraph.services import enrollments, people, plan_years
from benegraph.services.employers import add_employer
from conftest import connect, copy_database, open_database
from statement_log import record_round_trips

DAY = date(2026, 11, 20)
AFTERNOON = Clock.at(datetime(2026, 11, 20, 15, 12, 1, 350, UTC), DAY)
EVENING = Clock.at(datetime(2026, 11, 20, 23, 50, tzinfo=UTC), DAY)
TABLES = [name for name in Base.metadata.tables if name not in ("api_keys", "idempotency_keys", "access_records")]


def administrator(tenant_id: str) -> Viewer:
    return Viewer(tenant_id, "test", Role.ADMINISTRATOR)


async def dump(owner_url: str) -> dict[str, list[str]]:
    """Return all rows of all tables as text, sorted; without the numbers of transactions, which the server assigns."""
    connection = await connect(owner_url)
    try:
        return {
            table: [
                row[0]
                for row in await connection.fetch(
                    f"SELECT (to_jsonb(t) - 'transaction_number')::text FROM {table} t ORDER BY 1"  # noqa: S608
                )
            ]
            for table in TABLES
        }
    finally:
        await connection.close()


async def test_the_same_seed_and_day_give_the_same_rows(
    database: Database, owner_url: str, server_url: str, template: str
) -> None:
    async with copy_database(server_url, template) as other_url, open_database(other_url) as other:
        for target, clock in ((database, AFTERNOON), (other, EVENING)):
            await fill_demo_tenants(target, clock, 1)
            await seed_tenant(target, clock, "acme", 40, 1, lambda _done, _total: None)
        rows = await dump(owner_url)
        assert rows == await dump(other_url)
    # Clients register their documents themselves, and administrators make overrides. Nobody moves between divisions.
    empty_tables = {table for table in rows if not rows[table]}
    assert empty_tables == {"persisted_queries", "trusted_documents", "election_overrides", "division_moves"}


async def test_filling_a_second_time_changes_nothing(database: Database, owner_url: str) -> None:
    demo_ids = await fill_demo_tenants(database, AFTERNOON, 1)
    rows = await dump(owner_url)
    later = Clock.at_noon(DAY + timedelta(days=3))
    assert await fill_demo_tenants(database, later, 1) == demo_ids
    assert (demo_ids.generated_for, demo_ids.matches_seed) == (DAY, True)
    assert await fill_demo_tenants(database, later, 2) == replace(demo_ids, matches_seed=False)
    assert await dump(owner_url) == rows


async def test_a_tenant_with_other_employers_is_refused(database: Database) -> None:
    async def add_other_employer(tx: Transaction) -> str:
        await store.access.insert_tenant(tx, "Demo")
        return await add_employer(tx, "Somebody Else's", "America/Chicago")

    await database.transact(administrator("demo"), AFTERNOON, add_other_employer)
    with pytest.raises(NotADemoTenant):
        await fill_demo_tenants(database, AFTERNOON, 1)


# -------------------------------------------------------------------------------------------------------- any day


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
async def test_every_mutation_can_be_tried_on_any_day(database: Database, clock: Clock) -> None:
    demo_ids = await fill_demo_tenants(database, clock, 1)
    viewer = administrator(demo_ids.tenant_id)
    async with database.read(viewer, clock) as read_session:
        await _check_demo_ids(read_session, demo_ids)
    await _try_mutations(database, viewer, clock, demo_ids)
    for tenant_id in TENANTS:
        async with database.read(administrator(tenant_id), clock) as read_session:
            await _check_variety(read_session)


async def _check_demo_ids(read_session: ReadSession, demo_ids: DemoIds) -> None:
    pending = await store.enrollments.by_ids(read_session, demo_ids.pending_enrollment_ids)
    assert {row.status for row in pending.values()} == {EnrollmentStatus.PENDING}
    assert all(row.window_is_open for row in pending.values())
    products = await store.catalog.by_ids(read_session, [row.benefit_product_id for row in pending.values()])
    assert sorted(row.category for row in products.values()) == sorted(
        set(ProductCategory) - {ProductCategory.HOSPITAL}
    )
    employee = (await store.people.by_ids(read_session, [demo_ids.employee_id]))[demo_ids.employee_id]
    assert employee.active
    assert employee.employer_id == demo_ids.employer_id
    family = (await store.people.dependents_of(read_session, [employee.id]))[employee.id]
    assert sorted(row.relationship for row in family) == [Relationship.CHILD, Relationship.CHILD, Relationship.SPOUSE]
    assert len(await _enrolled_rows(read_session, demo_ids)) == 3
    (event,) = (await store.enrollments.life_events_of(read_session, [employee.id]))[employee.id]
    assert event.status is LifeEventStatus.APPROVED
    assert employee.today in change_window(event.event_type, event.event_on, event.reviewed_on)


async def _enrolled_rows(read_session: ReadSession, demo_ids: DemoIds) -> Sequence[Any]:
    window = PageWindow(10, filter=EnrollmentFilter(status=(EnrollmentStatus.ENROLLED,)))
    employee_id = demo_ids.employee_id
    return (await store.enrollments.of_employees(read_session, [employee_id], window))[employee_id].rows


async def _try_mutations(database: Database, viewer: Viewer, clock: Clock, demo_ids: DemoIds) -> None:
    """Run the services behind the mutations on the demo's first employee, and roll back."""
    async with database.read(viewer, clock) as read_session:
        enrolled = await _enrolled_rows(read_session, demo_ids)
        (event,) = (await store.enrollments.life_events_of(read_session, [demo_ids.employee_id]))[demo_ids.employee_id]
        plans = await store.plan_years.plans_of(read_session, [row.plan_year_id for row in enrolled])
        drafts = PlanYearFilter(status=PlanYearStatus.DRAFT)
        pages = await store.plan_years.of_employers(read_session, [demo_ids.employer_id], PageWindow(5, filter=drafts))
        (draft,) = pages[demo_ids.employer_id].rows
        family = (await store.people.dependents_of(read_session, [demo_ids.employee_id]))[demo_ids.employee_id]

    async def run_mutations(tx: Transaction) -> None:
        waivers = [Election(id, ElectionDecision.WAIVED) for id in demo_ids.pending_enrollment_ids]
        await enrollments.elect(tx, demo_ids.employee_id, waivers)
        await enrollments.reopen_election(tx, demo_ids.pending_enrollment_ids[0], None)
        for row in enrolled:
            id = await enrollments.reissue_enrollment(tx, row.id, event.id, "A child is born.", row.version)
            plan = plans[row.plan_year_id][0].id
            dependents = tuple(dependent.id for dependent in family)
            election = Election(id, ElectionDecision.ENROLLED, row.selected_plan_id or plan, None, dependents)
            (preview,) = await enrollments.elect(tx, demo_ids.employee_id, [election])
            assert preview.coverage_starts_on == event.event_on
        assert await plan_years.open_enrollment(tx, draft.id, draft.version) > 0
        today = clock.today("America/New_York")
        await people.terminate_employee(tx, demo_ids.employee_id, today, None, None)
        await people.reinstate_employee(tx, demo_ids.employee_id, None, None)

    await database.transact(viewer, clock, run_mutations, dry_run=True)


async def _check_variety(read_session: ReadSession) -> None:
    assert await store.employers.page.count(read_session, [""], None) == {"": 4}
    employers = [row.id for row in (await store.employers.page(read_session, [""], PageWindow(10)))[""].rows]
    for status in PlanYearStatus:
        counts = await store.plan_years.of_employers.count(read_session, employers, PlanYearFilter(status=status))
        assert sum(counts.values()), status
    for event_status in set(LifeEventStatus) - {LifeEventStatus.WITHDRAWN}:  # nobody in the demo withdraws an event
        events = LifeEventFilter(status=event_status)
        assert (await store.enrollments.life_event_page.count(read_session, [""], events))[""], event_status
    for enrollment_status in EnrollmentStatus:
        filter = EnrollmentFilter(status=(enrollment_status,))
        assert (await store.enrollments.page.count(read_session, [""], filter))[""], enrollment_status


# -------------------------------------------------------------------------------------------------------- seeding


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "_BATCH_SIZE", 50)


@pytest.mark.usefixtures("small_batches")
async def test_seeding_adds_the_requested_number_of_employees(database: Database, owner_url: str) -> None:
    progress: list[tuple[int, int]] = []
    await seed_tenant(database, AFTERNOON, "acme", 300, 3, lambda done, total: progress.append((done, total)))
    rows = await dump(owner_url)
    assert len(rows["employees"]) == 300
    assert 4 < len(rows["enrollments"]) / 300 < 8
    assert [total for _, total in progress] == [300] * len(progress)
    done = [done for done, _ in progress]
    assert done == sorted(set(done))
    assert (done[0], done[-1]) == (0, 300)


@pytest.mark.usefixtures("small_batches")
async def test_the_next_run_completes_an_interrupted_one(database: Database, owner_url: str) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await seed_tenant(database, AFTERNOON, "acme", 150, 1, interrupt)
    employee_count = len((await dump(owner_url))["employees"])
    assert 0 < employee_count < 150
    await seed_tenant(database, AFTERNOON, "acme", 150, 1, lambda _done, _total: None)
    assert len((await dump(owner_url))["employees"]) == 150


async def test_statement_count_does_not_depend_on_batch_size(database: Database) -> None:
    counts = []
    for tenant_id, employees in (("small", 60), ("large", 600)):
        async with record_round_trips(database) as sent:
            await seed_tenant(database, AFTERNOON, tenant_id, employees, 1, lambda _done, _total: None)
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_the_same_seed_adds_nothing_and_another_seed_adds_employees(database: Database, owner_url: str) -> None:
    counts: list[Mapping[str, int]] = []
    for seed in (1, 1, 2):
        await seed_tenant(database, EVENING, "acme", 12, seed, lambda _done, _total: None)
        counts.append({table: len(rows) for table, rows in (await dump(owner_url)).items()})
    assert counts[0] == counts[1]
    assert counts[2]["employees"] == 24
    assert counts[2]["tenants"] == 1
