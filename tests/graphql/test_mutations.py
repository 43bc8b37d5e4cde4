"""A year of an employer, told through the schema alone from an empty database: each mutation once bad and once good."""

from datetime import date

from carriers_inputs import CARRIERS
from clerks import ENROLLMENTS, Clerk
from graphql_requests import fetch_data
from mutating import MUTATIONS, Input, busy_office, call

from benegraph.db.session import Database
from benegraph.domain.values import Clock
from factories.access import administrator, make_tenant
from factories.office import Office, create_office

PLAN = {"carrierPlanId": "GOLD", "name": "Gold PPO", "monthlyPremiumCents": 50_000}
RATES = [{"coverageTier": tier, "monthlyPremiumCents": cents} for tier, cents in (("ES", 100_000), ("EC", 90_000))]
TERMS = {
    "employment": "FULL_TIME",
    "familyStatus": "UNSPECIFIED",
    "employeeContributionCents": 10_000,
    "employerContributionCents": 45_000,
}
YEAR = {
    "coverageStart": "2027-01-01",
    "coverageEnd": "2027-12-31",
    "openEnrollmentStart": "2026-11-01",
    "openEnrollmentEnd": "2026-11-30",
}
ADA = {"firstName": "Ada", "lastName": "Adams", "employmentClass": "FULL_TIME", "startDate": "2026-11-16"}
CHILD = {"firstName": "Ben", "lastName": "Adams", "dateOfBirth": "2020-01-01", "relationship": "CHILD"}


async def test_a_year_from_an_empty_database(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    clerk = Clerk(Office(database, "", "", administrator()))
    employer, year = await _set_up(clerk)
    ada, ben = await _take_on(clerk, employer)
    enrollment = await _answer(clerk, year, ada, ben)
    await _go_through_the_year(clerk, year, ada, enrollment)
    assert clerk.done == clerk.refused == set(MUTATIONS) - CARRIERS


async def _set_up(clerk: Clerk) -> tuple[str, str]:
    """Take on an employer, with a product and a draft for it."""
    await clerk.is_refused("createEmployer", "INVALID_INPUT name", "INVALID_INPUT timeZone", name="", timeZone="x")
    employer = (await clerk.does("createEmployer", name="Acme Inc."))["employer"]["id"]
    await clerk.is_refused("createBenefitProduct", "INVALID_INPUT name", name=" ", category="MEDICAL")
    plans = [{**PLAN, "rates": RATES}]
    product = await clerk.does("createBenefitProduct", name="Medical", category="MEDICAL", plans=plans)
    draft = {"employerId": employer, "benefitProductId": product["benefitProduct"]["id"], **YEAR}
    await clerk.is_refused("createPlanYear", "INVALID_INPUT contributionClasses", **draft, contributionClasses=[])
    year = (await clerk.does("createPlanYear", **draft, contributionClasses=[TERMS]))["planYear"]["id"]
    await clerk.is_refused("createPlanYear", "PLAN_YEAR_OVERLAP coverageStart", **draft, contributionClasses=[TERMS])
    await clerk.is_refused("updatePlanYear", "INVALID_INPUT coverageEnd", planYearId=year, coverageEnd="2028-01-01")
    await clerk.does("updatePlanYear", planYearId=year, renewal="PASSIVE", expectedVersion=1)
    later = {**draft, "coverageStart": "2028-01-01", "coverageEnd": "2028-12-31"}
    spare = (await clerk.does("createPlanYear", **later, contributionClasses=[TERMS]))["planYear"]["id"]
    assert await clerk.does("deletePlanYear", planYearId=spare) == {"deletedId": spare}
    await clerk.is_refused("deletePlanYear", "NOT_FOUND planYearId", planYearId=spare)
    return employer, year


async def _take_on(clerk: Clerk, employer: str) -> tuple[str, str]:
    """Hire Ada, and enter her child."""
    nobody = {**ADA, "firstName": " "}
    await clerk.is_refused("createEmployee", "INVALID_INPUT firstName", employerId=employer, **nobody)
    ada = (await clerk.does("createEmployee", employerId=employer, **ADA))["employee"]["id"]
    await clerk.is_refused("updateEmployee", "INVALID_INPUT startDate", employeeId=ada, startDate=None)
    await clerk.does("updateEmployee", employeeId=ada, email="ada@example.com")
    unborn = {**CHILD, "dateOfBirth": "2027-01-01"}
    await clerk.is_refused("addDependent", "INVALID_INPUT dateOfBirth", employeeId=ada, **unborn)
    ben = (await clerk.does("addDependent", employeeId=ada, **CHILD))["dependent"]["id"]
    await clerk.is_refused("updateDependent", "VERSION_CONFLICT expectedVersion", dependentId=ben, expectedVersion=2)
    await clerk.does("updateDependent", dependentId=ben, firstName="Benjamin")
    return ada, ben


async def _answer(clerk: Clerk, year: str, ada: str, ben: str) -> str:
    """Open enrollment; Ada waives, takes it back, and enrolls with her child."""
    assert await clerk.does("openEnrollment", planYearId=year) == {"planYear": {"id": year}, "issuedCount": 1}
    await clerk.is_refused("openEnrollment", "INVALID_STATUS_TRANSITION planYearId", planYearId=year)
    (row,) = await clerk.enrollments(ada)
    assert (row["status"], row["coverageStartDate"]) == ("PENDING", None)
    (plan,) = (await clerk.asks("query($id: ID!) { planYear(id: $id) { plans { id } } }", id=year))["planYear"]["plans"]
    election: Input = {"enrollmentId": row["id"], "decision": "ENROLLED", "dependentIds": [ben]}
    await clerk.is_refused("elect", "PLAN_REQUIRED elections.0.selectedPlanId", employeeId=ada, elections=[election])
    await clerk.does("elect", employeeId=ada, elections=[{"enrollmentId": row["id"], "decision": "WAIVED"}])
    await clerk.does("reopenElection", enrollmentId=row["id"])
    await clerk.is_refused("reopenElection", "INVALID_STATUS_TRANSITION enrollmentId", enrollmentId=row["id"])
    payload = await clerk.does("elect", employeeId=ada, elections=[{**election, "selectedPlanId": plan["id"]}])
    assert payload == {"enrollments": [{"id": row["id"]}], "previews": None}
    assert await clerk.enrollments(ada) == [
        {
            "id": row["id"],
            "status": "ENROLLED",
            "coverageTier": "EC",
            "coverageStartDate": "2027-01-01",
            "coverageEndDate": "2027-12-31",
            "coverageStatus": "UPCOMING",
            "employeeContributionCents": 45_000,
            "employerContributionCents": 45_000,
            "selectedPlan": {"carrierPlanId": "GOLD"},
            "enrolledDependents": [{"id": ben}],
            "replaces": None,
            "qualifyingLifeEvent": None,
        }
    ]
    await clerk.is_refused("closeEnrollment", "WINDOW_STILL_OPEN planYearId", planYearId=year)
    return str(row["id"])


async def _go_through_the_year(clerk: Clerk, year: str, ada: str, enrollment: str) -> None:
    """Close the season; Ada marries and waives, leaves, and comes back."""
    clerk.office = clerk.office.on_day(date(2026, 12, 1))
    assert await clerk.does("closeEnrollment", planYearId=year) == {"planYear": {"id": year}, "lapsedCount": 0}
    clerk.office = clerk.office.on_day(date(2027, 3, 10))
    marriage = {"employeeId": ada, "eventType": "MARRIAGE"}
    await clerk.is_refused("reportLifeEvent", "INVALID_INPUT eventDate", **marriage, eventDate="2027-03-11")
    reported = await clerk.does("reportLifeEvent", **marriage, eventDate="2027-03-09")
    event = reported["qualifyingLifeEvent"]["id"]
    asked = {"enrollmentId": enrollment, "qualifyingLifeEventId": event}
    await clerk.is_refused("reissue", "LIFE_EVENT_NOT_APPROVED qualifyingLifeEventId", **asked)
    judged = {"qualifyingLifeEventId": event, "decision": "APPROVED"}
    await clerk.does("reviewLifeEvent", **judged)
    await clerk.is_refused("reviewLifeEvent", "INVALID_STATUS_TRANSITION qualifyingLifeEventId", **judged)
    reissued = await clerk.does("reissue", **asked)
    assert reissued["replacedEnrollment"] == {"id": enrollment}
    waiver = {"enrollmentId": reissued["enrollment"]["id"], "decision": "WAIVED"}
    await clerk.does("elect", employeeId=ada, elections=[waiver])
    old, new = await clerk.enrollments(ada)
    assert (old["coverageEndDate"], new["status"], new["replaces"]) == ("2027-03-31", "WAIVED", {"id": enrollment})
    assert new["qualifyingLifeEvent"] == {"eventType": "MARRIAGE"}

    leaving = {"employeeId": ada, "terminationDate": "2027-02-28"}
    await clerk.is_refused("terminateEmployee", "INVALID_INPUT reason", **leaving)
    await clerk.does("terminateEmployee", **leaving, reason="Reported late.")
    assert (await clerk.enrollments(ada))[0]["coverageEndDate"] == "2027-02-28"
    await clerk.does("reinstateEmployee", employeeId=ada)
    await clerk.is_refused("reinstateEmployee", "INVALID_STATUS_TRANSITION employeeId", employeeId=ada)
    assert await clerk.enrollments(ada) == [old, new]


# ---------------------------------------------------------------------------------------------------- dry runs


async def test_a_dry_run_tells_what_would_come_of_it_and_changes_nothing(database: Database) -> None:
    office, inputs = await busy_office(database)
    input = {**inputs["elect"], "dryRun": True}
    query = """mutation($input: ElectInput!) { elect(input: $input) { userErrors { code } enrollments { id } previews {
        enrollmentId status coverageTier coverageStartDate coverageEndDate employeeContributionCents
        employerContributionCents selectedPlan { carrierPlanId } dependents { id }
    } } }"""
    before = await office.read_all_rows()

    told = (await fetch_data(office.database, office.clock(), office.viewer, query, input=input))["elect"]

    assert await office.read_all_rows() == before
    assert (told["userErrors"], told["enrollments"]) == ([], None)
    (preview,) = told["previews"]
    await call(office, "elect", inputs["elect"])
    ada = inputs["elect"]["employeeId"]
    nodes = (await fetch_data(office.database, office.clock(), office.viewer, ENROLLMENTS, id=ada))["employee"][
        "enrollments"
    ]
    (row,) = [node for node in nodes["nodes"] if node["id"] == preview["enrollmentId"]]
    assert preview.pop("dependents") == row["enrolledDependents"]
    assert preview.pop("enrollmentId") == row["id"]
    assert {name: row[name] for name in preview} == preview


async def test_a_dry_run_is_refused_as_the_call_would_be(database: Database) -> None:
    office, inputs = await busy_office(database)
    bad = {**inputs["elect"], "elections": [{**inputs["elect"]["elections"][0], "coverageTier": "EF"}]}
    dry, real = [await call(office, "elect", {**bad, "dryRun": dry_run}) for dry_run in (True, False)]
    assert (dry.refusals, dry.messages) == (real.refusals, real.messages)
    assert dry.refusals == ["TIER_DEPENDENTS_MISMATCH elections.0.coverageTier"]


async def test_mutations_of_one_request_are_done_one_after_another(database: Database) -> None:
    office = await create_office(database)
    query = """mutation($employer: ID!) {
        first: createEmployee(input: {employerId: $employer, firstName: "Ada", lastName: "A", employmentClass: INTERN,
            startDate: "2026-11-16", externalId: "E"}) { employee { id employer { employees { totalCount } } } }
        second: createEmployee(input: {employerId: $employer, firstName: "Bob", lastName: "B", employmentClass: INTERN,
            startDate: "2026-11-16", externalId: "E"}) { employee { id } userErrors { code } }
        third: createEmployee(input: {employerId: $employer, firstName: "Cy", lastName: "C", employmentClass: INTERN,
            startDate: "2026-11-16"}) { employee { id employer { employees { totalCount } } } }
    }"""
    told = await fetch_data(office.database, office.clock(), office.viewer, query, employer=office.employer)
    assert told["first"]["employee"]["employer"]["employees"]["totalCount"] == 1
    assert told["second"] == {"employee": None, "userErrors": [{"code": "ALREADY_EXISTS"}]}
    assert told["third"]["employee"]["employer"]["employees"]["totalCount"] == 2
