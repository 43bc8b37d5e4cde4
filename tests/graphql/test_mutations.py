"""One employer's year through the GraphQL API, from an empty database: each mutation is refused and applied once."""

from datetime import date

from carrier_inputs import CARRIER_MUTATIONS
from catalog_inputs import EMPLOYER_AND_CATALOG_MUTATIONS
from graphql_requests import fetch_data
from mutation_calls import MUTATIONS, Input, call, create_office_with_inputs
from mutation_recorder import MutationRecorder

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


async def test_one_employers_year_applies_and_refuses_every_mutation(database: Database, clock: Clock) -> None:
    await make_tenant(database, clock)
    recorder = MutationRecorder(Office(database, "", "", administrator()))
    employer, year = await _set_up(recorder)
    ada, ben = await _hire(recorder, employer)
    enrollment = await _enroll(recorder, year, ada, ben)
    await _pass_the_year(recorder, year, ada, enrollment)
    assert (
        recorder.applied
        == recorder.refused
        == set(MUTATIONS)
        - CARRIER_MUTATIONS
        - EMPLOYER_AND_CATALOG_MUTATIONS
        - {"copyPlanYear", "deleteEmployee", "mergeEmployees", "moveEmployee", "revealSsn", "issueKey", "revokeKey"}
    )


async def _set_up(recorder: MutationRecorder) -> tuple[str, str]:
    """Create an employer, a benefit product and a draft plan year; return the IDs of employer and plan year."""
    await recorder.check_refused(
        "createEmployer", "INVALID_INPUT name", "INVALID_INPUT timeZone", name="", timeZone="x"
    )
    employer = (await recorder.apply("createEmployer", name="Acme Inc."))["employer"]["id"]
    await recorder.check_refused("createBenefitProduct", "INVALID_INPUT name", name=" ", category="MEDICAL")
    plans = [{**PLAN, "rates": RATES}]
    product = await recorder.apply("createBenefitProduct", name="Medical", category="MEDICAL", plans=plans)
    draft = {"employerId": employer, "benefitProductId": product["benefitProduct"]["id"], **YEAR}
    await recorder.check_refused("createPlanYear", "INVALID_INPUT contributionClasses", **draft, contributionClasses=[])
    year = (await recorder.apply("createPlanYear", **draft, contributionClasses=[TERMS]))["planYear"]["id"]
    await recorder.check_refused(
        "createPlanYear", "PLAN_YEAR_OVERLAP coverageStart", **draft, contributionClasses=[TERMS]
    )
    await recorder.check_refused(
        "updatePlanYear", "INVALID_INPUT coverageEnd", planYearId=year, coverageEnd="2028-01-01"
    )
    await recorder.apply("updatePlanYear", planYearId=year, renewal="PASSIVE", expectedVersion=1)
    later = {**draft, "coverageStart": "2028-01-01", "coverageEnd": "2028-12-31"}
    spare = (await recorder.apply("createPlanYear", **later, contributionClasses=[TERMS]))["planYear"]["id"]
    assert await recorder.apply("deletePlanYear", planYearId=spare) == {"deletedId": spare}
    await recorder.check_refused("deletePlanYear", "NOT_FOUND planYearId", planYearId=spare)
    return employer, year


async def _hire(recorder: MutationRecorder, employer: str) -> tuple[str, str]:
    """Hire Ada and add her child; return their IDs."""
    nameless = {**ADA, "firstName": " "}
    await recorder.check_refused("createEmployee", "INVALID_INPUT firstName", employerId=employer, **nameless)
    ada = (await recorder.apply("createEmployee", employerId=employer, **ADA))["employee"]["id"]
    await recorder.check_refused("updateEmployee", "INVALID_INPUT startDate", employeeId=ada, startDate=None)
    await recorder.apply("updateEmployee", employeeId=ada, email="ada@example.com")
    unborn = {**CHILD, "dateOfBirth": "2027-01-01"}
    await recorder.check_refused("addDependent", "INVALID_INPUT dateOfBirth", employeeId=ada, **unborn)
    ben = (await recorder.apply("addDependent", employeeId=ada, **CHILD))["dependent"]["id"]
    await recorder.check_refused(
        "updateDependent", "VERSION_CONFLICT expectedVersion", dependentId=ben, expectedVersion=2
    )
    await recorder.apply("updateDependent", dependentId=ben, firstName="Benjamin")
    await recorder.check_refused("upsertEmployees", "INVALID_INPUT employees", employerId=employer, employees=[])
    census = [{"externalId": "E-1", "employeeId": ada}]
    payload = await recorder.apply("upsertEmployees", employerId=employer, employees=census)
    assert [result["outcome"] for result in payload["results"]] == ["UPDATED"]
    return ada, ben


async def _enroll(recorder: MutationRecorder, year: str, ada: str, ben: str) -> str:
    """Open enrollment; Ada waives, reopens her election, and enrolls with her child. Return her enrollment's ID."""
    assert await recorder.apply("openEnrollment", planYearId=year) == {"planYear": {"id": year}, "issuedCount": 1}
    await recorder.check_refused("openEnrollment", "INVALID_STATUS_TRANSITION planYearId", planYearId=year)
    (row,) = await recorder.enrollments(ada)
    assert (row["status"], row["coverageStartDate"]) == ("PENDING", None)
    (plan,) = (await recorder.query("query($id: ID!) { planYear(id: $id) { plans { id } } }", id=year))["planYear"][
        "plans"
    ]
    election: Input = {"enrollmentId": row["id"], "decision": "ENROLLED", "dependentIds": [ben]}
    await recorder.check_refused(
        "elect", "PLAN_REQUIRED elections.0.selectedPlanId", employeeId=ada, elections=[election]
    )
    await recorder.apply("elect", employeeId=ada, elections=[{"enrollmentId": row["id"], "decision": "WAIVED"}])
    await recorder.apply("reopenElection", enrollmentId=row["id"])
    await recorder.check_refused("reopenElection", "INVALID_STATUS_TRANSITION enrollmentId", enrollmentId=row["id"])
    payload = await recorder.apply("elect", employeeId=ada, elections=[{**election, "selectedPlanId": plan["id"]}])
    assert payload == {"enrollments": [{"id": row["id"]}], "previews": None}
    assert await recorder.enrollments(ada) == [
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
    extension: Input = {"employeeId": ada, "enrollments": [{"enrollmentId": row["id"]}], "reason": "On leave."}
    await recorder.check_refused("extendWindow", "INVALID_INPUT lastDay", **extension, lastDay="2026-11-30")
    payload = await recorder.apply("extendWindow", **extension, lastDay="2026-12-15")
    assert payload == {"enrollments": [{"id": row["id"]}]}
    await recorder.check_refused("closeEnrollment", "WINDOW_STILL_OPEN planYearId", planYearId=year)
    return str(row["id"])


async def _withdraw_reissue_and_event(recorder: MutationRecorder, reissue: Input) -> None:
    """Reissue, and undo the reissue, the review of its event and the event."""
    mistake = (await recorder.apply("reissue", **reissue))["enrollment"]["id"]
    undone = {"qualifyingLifeEventId": reissue["qualifyingLifeEventId"]}
    for mutation in ("undoLifeEventReview", "withdrawLifeEvent"):
        await recorder.check_refused(mutation, "INVALID_STATUS_TRANSITION qualifyingLifeEventId", **undone)
    withdrawn = await recorder.apply("withdrawReissue", enrollmentId=mistake)
    assert withdrawn == {"enrollment": {"id": mistake}, "replacedEnrollment": {"id": reissue["enrollmentId"]}}
    await recorder.check_refused("withdrawReissue", "INVALID_STATUS_TRANSITION enrollmentId", enrollmentId=mistake)
    await recorder.apply("undoLifeEventReview", **undone)
    await recorder.apply("withdrawLifeEvent", **undone)


async def _pass_the_year(recorder: MutationRecorder, year: str, ada: str, enrollment: str) -> None:
    """Close enrollment; Ada marries and waives, is terminated and reinstated, and later terminated and rehired."""
    recorder.office = recorder.office.on_day(date(2026, 12, 1))
    assert await recorder.apply("closeEnrollment", planYearId=year) == {"planYear": {"id": year}, "lapsedCount": 0}
    recorder.office = recorder.office.on_day(date(2027, 3, 10))
    end = {"enrollmentId": enrollment, "reason": "NONPAYMENT"}
    await recorder.check_refused("endCoverage", "DATES_OUT_OF_ORDER lastDay", **end, lastDay="2027-12-31")
    assert await recorder.apply("endCoverage", **end, dryRun=True) == {
        "enrollments": None,
        "previews": [
            {
                "enrollmentId": enrollment,
                "status": "ENROLLED",
                "coverageStartDate": "2027-01-01",
                "coverageEndDate": "2027-03-31",
            }
        ],
    }
    marriage = {"employeeId": ada, "eventType": "MARRIAGE"}
    await recorder.check_refused("reportLifeEvent", "INVALID_INPUT eventDate", **marriage, eventDate="2027-03-11")
    reported = await recorder.apply("reportLifeEvent", **marriage, eventDate="2027-03-09")
    event = reported["qualifyingLifeEvent"]["id"]
    reissue = {"enrollmentId": enrollment, "qualifyingLifeEventId": event}
    await recorder.check_refused("reissue", "LIFE_EVENT_NOT_APPROVED qualifyingLifeEventId", **reissue)
    review = {"qualifyingLifeEventId": event, "decision": "APPROVED"}
    await recorder.apply("reviewLifeEvent", **review)
    await _withdraw_reissue_and_event(recorder, reissue)
    reported = await recorder.apply("reportLifeEvent", **marriage, eventDate="2027-03-09")
    event = reported["qualifyingLifeEvent"]["id"]
    reissue["qualifyingLifeEventId"] = review["qualifyingLifeEventId"] = event
    await recorder.apply("reviewLifeEvent", **review)
    await recorder.check_refused("reviewLifeEvent", "INVALID_STATUS_TRANSITION qualifyingLifeEventId", **review)
    reissued = await recorder.apply("reissue", **reissue)
    assert reissued["replacedEnrollment"] == {"id": enrollment}
    waiver = {"enrollmentId": reissued["enrollment"]["id"], "decision": "WAIVED"}
    await recorder.apply("elect", employeeId=ada, elections=[waiver])
    old, _, new = await recorder.enrollments(ada)
    assert (old["coverageEndDate"], new["status"], new["replaces"]) == ("2027-03-31", "WAIVED", {"id": enrollment})
    assert new["qualifyingLifeEvent"] == {"eventType": "MARRIAGE"}

    termination = {"employeeId": ada, "terminationDate": "2027-02-28"}
    await recorder.check_refused("terminateEmployee", "INVALID_INPUT reason", **termination)
    await recorder.apply("terminateEmployee", **termination, reason="Reported late.")
    assert (await recorder.enrollments(ada))[0]["coverageEndDate"] == "2027-02-28"
    await recorder.apply("reinstateEmployee", employeeId=ada)
    await recorder.check_refused("reinstateEmployee", "INVALID_STATUS_TRANSITION employeeId", employeeId=ada)
    assert (await recorder.enrollments(ada))[::2] == [old, new]

    override = {"enrollmentId": new["id"], "decision": "WAIVED", "reason": "The form was late."}
    await recorder.check_refused(
        "overrideElection", "INVALID_INPUT effectiveDate", **override, effectiveDate="2028-01-01"
    )
    payload = await recorder.apply("overrideElection", **override, effectiveDate="2027-06-01")
    assert payload["preview"] is None
    review = {"electionOverrideId": payload["electionOverride"]["id"]}
    await recorder.apply("reviewElectionOverride", **review)
    await recorder.check_refused("reviewElectionOverride", "INVALID_STATUS_TRANSITION electionOverrideId", **review)

    again: Input = {"employeeId": ada, "startDate": "2027-06-01"}
    await recorder.check_refused("rehireEmployee", "INVALID_STATUS_TRANSITION employeeId", **again)
    await recorder.apply("terminateEmployee", employeeId=ada, terminationDate="2027-03-31")
    rehired = await recorder.apply("rehireEmployee", **again)
    assert rehired["formerEmployee"] == {"id": ada}
    employments = "query($id: ID!) { employee(id: $id) { nextEmployment { id previousEmployment { id } } } }"
    assert await recorder.query(employments, id=ada) == {
        "employee": {"nextEmployment": {"id": rehired["employee"]["id"], "previousEmployment": {"id": ada}}}
    }


# ---------------------------------------------------------------------------------------------------- dry runs


async def test_dry_run_previews_the_election_and_changes_nothing(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    input = {**inputs["elect"], "dryRun": True}
    query = """mutation($input: ElectInput!) { elect(input: $input) { userErrors { code } enrollments { id } previews {
        enrollmentId status coverageTier coverageStartDate coverageEndDate employeeContributionCents
        employerContributionCents selectedPlan { carrierPlanId } dependents { id }
    } } }"""
    before = await office.read_all_rows()

    payload = (await fetch_data(office.database, office.clock(), office.viewer, query, input=input))["elect"]

    assert await office.read_all_rows() == before
    assert (payload["userErrors"], payload["enrollments"]) == ([], None)
    (preview,) = payload["previews"]
    await call(office, "elect", inputs["elect"])
    ada = inputs["elect"]["employeeId"]
    nodes = await MutationRecorder(office).enrollments(ada)
    (row,) = [node for node in nodes if node["id"] == preview["enrollmentId"]]
    assert preview.pop("dependents") == row["enrolledDependents"]
    assert preview.pop("enrollmentId") == row["id"]
    assert {name: row[name] for name in preview} == preview


async def test_dry_run_is_refused_exactly_as_the_real_call(database: Database) -> None:
    office, inputs = await create_office_with_inputs(database)
    bad = {**inputs["elect"], "elections": [{**inputs["elect"]["elections"][0], "coverageTier": "EF"}]}
    dry, real = [await call(office, "elect", {**bad, "dryRun": dry_run}) for dry_run in (True, False)]
    assert (dry.refusals, dry.messages) == (real.refusals, real.messages)
    assert dry.refusals == ["TIER_DEPENDENTS_MISMATCH elections.0.coverageTier"]


async def test_mutations_of_one_request_run_one_after_another(database: Database) -> None:
    office = await create_office(database)
    query = """mutation($employer: ID!) {
        first: createEmployee(input: {employerId: $employer, firstName: "Ada", lastName: "A", employmentClass: INTERN,
            startDate: "2026-11-16", externalId: "E"}) { employee { id employer { employees { totalCount } } } }
        second: createEmployee(input: {employerId: $employer, firstName: "Bob", lastName: "B", employmentClass: INTERN,
            startDate: "2026-11-16", externalId: "E"}) { employee { id } userErrors { code } }
        third: createEmployee(input: {employerId: $employer, firstName: "Cy", lastName: "C", employmentClass: INTERN,
            startDate: "2026-11-16"}) { employee { id employer { employees { totalCount } } } }
    }"""
    data = await fetch_data(office.database, office.clock(), office.viewer, query, employer=office.employer)
    assert data["first"]["employee"]["employer"]["employees"]["totalCount"] == 1
    assert data["second"] == {"employee": None, "userErrors": [{"code": "ALREADY_EXISTS"}]}
    assert data["third"]["employee"]["employer"]["employees"]["totalCount"] == 2
