"""`mergeEmployees` shows the rows that move, and the kept record is found by the duplicate's ID."""

from graphql_requests import fetch_data
from mutation_calls import call

from benegraph.db.session import Database
from factories.office import create_office

EMPLOYEES = """
query($id: ID!) {
  node(id: $id) { ... on Employee { id active mergedInto { id mergedEmployees { id } } } }
  employees { totalCount nodes { id active } }
}
"""


async def test_merge_is_previewed_then_leads_from_the_duplicate_to_the_kept_record(database: Database) -> None:
    office = await create_office(database)
    keep, duplicate = await office.hire(), await office.hire(external_id="E-2")
    own, same = await office.add_child(keep), await office.add_child(duplicate)
    spouse = await office.add_spouse(duplicate)
    await office.open_plan_year()
    pending = (await office.pending_enrollment(duplicate)).id
    input = {"keepId": keep, "duplicateId": duplicate, "reason": "Entered twice."}
    dry = await call(office, "mergeEmployees", input | {"dryRun": True})
    assert dry.payload == {
        "employee": None,
        "preview": {
            "enrollmentIds": [],
            "deletedEnrollmentIds": [pending],
            "dependentIds": [spouse],
            "mergedDependentIds": [same],
            "qualifyingLifeEventIds": [],
            "subscriberIds": [],
            "subscriberEnrollmentIds": [],
            "apiKeyIds": [],
            "filledColumns": ["external_id"],
        },
    }
    key = {"idempotencyKey": "a key"}
    for is_replay in (False, True):
        response = await call(office, "mergeEmployees", input | key)
        assert (response.payload, response.replayed) == ({"employee": {"id": keep}, "preview": None}, is_replay)
    data = await fetch_data(database, office.clock(), office.viewer, EMPLOYEES, id=duplicate)
    merged_into = {"id": keep, "mergedEmployees": [{"id": duplicate}]}
    assert data["node"] == {"id": duplicate, "active": False, "mergedInto": merged_into}
    assert data["employees"] == {"totalCount": 1, "nodes": [{"id": keep, "active": True}]}
    assert {own, spouse} == set((await office.read_all_rows())["dependents"])
