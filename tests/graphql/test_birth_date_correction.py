"""`updateDependent` shows the coverage that a corrected date of birth changes, before and after it is applied."""

from datetime import date

from mutation_calls import call

from benegraph.db.session import Database
from factories.office import create_office, enroll


async def test_changes_are_shown_first_then_applied_and_repeated(database: Database) -> None:
    office = await create_office(database)
    ada = await office.hire()
    child = await office.add_child(ada, date(2001, 3, 4))
    plan = (await office.plan_ids(await office.open_plan_year()))["GOLD"]
    enrollment = (await office.pending_enrollment(ada)).id
    await office.elect(ada, enroll(enrollment, plan, child))
    changes = [
        {
            "enrollment": {"id": enrollment},
            "coverageStart": "2027-01-01",
            "previousCoverageEnd": "2027-03-31",
            "coverageEnd": "2027-04-30",
        }
    ]
    input = {"dependentId": child, "dateOfBirth": "2001-04-01", "idempotencyKey": "a key"}
    dry = await call(office, "updateDependent", input | {"dryRun": True})
    assert dry.payload == {"dependent": None, "coverageChanges": changes}
    applied = {"dependent": {"id": child}, "coverageChanges": changes}
    first = await call(office, "updateDependent", input)
    again = await call(office, "updateDependent", input)
    assert (first.payload, first.replayed, again.payload, again.replayed) == (applied, False, applied, True)
