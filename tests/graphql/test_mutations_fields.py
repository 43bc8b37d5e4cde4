"""Each field of each mutation's input, by its type: what can't be is refused under its own path."""

from dataclasses import replace
from typing import Any

from mutating import MUTATIONS, Answer, Field, Input, Rehearsing, busy_office, call, fields_of

from benegraph.db.session import Database
from benegraph.domain.ids import IdPrefix
from factories.office import Office

NO_ID = "_01h455vb4pex5vsknk084sn02q"
#: Where a wrong id is refused by the rule of the house that it breaks.
OF_A_RULE = {"selectedPlanId": "PLAN_NOT_OFFERED", "dependentIds.0": "NOT_FOUND"}
#: Days of the carrier's that nothing stands against, however long ago (0) or far off (9).
ANY_DAY = {
    *(
        (mutation, name, age)
        for mutation in ("createSubscriberEnrollment", "updateSubscriberEnrollment", "upsertSubscriberEnrollments")
        for name in (
            "dateEmployed",
            "eligibilityDate",
            "originalEnrollmentDate",
            "paidThrough",
            "termDate",
        )
        for age in "09"
    ),
    ("createSubscriberEnrollment", "endDate", "9"),
    ("updateSubscriberEnrollment", "endDate", "9"),
    ("upsertSubscriberEnrollments", "endDate", "9"),
    ("createGroupContract", "coverageStart", "0"),
    ("createGroupContract", "coverageEnd", "9"),
    ("recordPremiumInvoice", "billFrom", "0"),
    ("recordPremiumInvoice", "billThrough", "9"),
    ("recordPremiumInvoice", "dueDate", "0"),
    ("recordPremiumInvoice", "dueDate", "9"),
    ("recordPremiumPayment", "receivedOn", "0"),
}


async def rehearsing(database: Database) -> tuple[Office, dict[str, Input]]:
    office, inputs = await busy_office(database)
    return replace(office, database=Rehearsing(database.engine)), inputs


async def refused(office: Office, inputs: dict[str, Input], field: Field, value: Any) -> list[str]:
    """Give the refusals of a good input with one other value; nothing but refusals may come of it."""
    answer = await call(office, field.mutation, field.within(inputs[field.mutation], value))
    assert answer.errors == [], (str(field), value)
    return answer.refusals


async def test_an_input_that_names_everything_is_good(database: Database) -> None:
    office, inputs = await rehearsing(database)
    assert sorted(inputs) == MUTATIONS
    named = {str(field) for field in fields_of() if field.type != "list"}
    assert {path for mutation, input in inputs.items() for path in _paths(input, mutation)} == named
    for mutation, input in inputs.items():
        answer = await call(office, mutation, input)
        assert answer.is_done, (mutation, answer)


def _paths(value: Any, at: str) -> list[str]:
    if isinstance(value, dict):
        return [path for name, item in value.items() for path in _paths(item, f"{at}.{name}")]
    if isinstance(value, list):
        return [path for place, item in enumerate(value) for path in _paths(item, f"{at}.{place}")]
    return [at]


async def test_what_is_no_id_of_the_kind_is_refused_where_it_stands(database: Database) -> None:
    office, inputs = await rehearsing(database)
    fields = fields_of("ID")
    assert len(fields) > 20
    kinds = [f"{kind}{NO_ID}" for kind in IdPrefix]
    for field in fields:
        rule = next((rule for name, rule in OF_A_RULE.items() if field.dotted.endswith(name)), None)
        good: Any = inputs[field.mutation]
        for step in field.path:
            good = good[step]
        others = [id for id in kinds if not id.startswith(good[:4])]
        for value in ("", "nonsense", "\x00", "x" * 5000, good.upper(), f" {good}", good + "\n", *others):
            found = await refused(office, inputs, field, value)
            expected = f"{rule or 'INVALID_INPUT'} {field.dotted}"
            assert expected in found, (str(field), value, found)


async def test_an_id_of_nothing_is_not_found(database: Database) -> None:
    office, inputs = await rehearsing(database)
    for field in fields_of("ID"):
        good: Any = inputs[field.mutation]
        for step in field.path:
            good = good[step]
        found = await refused(office, inputs, field, good.split("_")[0] + NO_ID)
        rule = "PLAN_NOT_OFFERED" if field.dotted.endswith("selectedPlanId") else "NOT_FOUND"
        assert f"{rule} {field.dotted}" in found, (str(field), found)


async def test_texts_that_can_not_be_stored_are_refused_where_they_stand(database: Database) -> None:
    office, inputs = await rehearsing(database)
    fields = fields_of("String")
    assert len(fields) > 80
    others: dict[str, Answer] = {}
    for field in fields:
        for value in ("A\x00B", "x" * 5000, "\x1b[31m", " \t "):
            answer = await call(office, field.mutation, field.within(inputs[field.mutation], value))
            if (set(answer.refusals), answer.errors) != ({f"INVALID_INPUT {field.dotted}"}, []):
                others[f"{field} {value[:9]!r}"] = answer
    assert others == {}


async def test_negative_amounts_are_refused_where_they_stand(database: Database) -> None:
    office, inputs = await rehearsing(database)
    fields = fields_of("Cents")
    assert len(fields) > 10
    for field in fields:
        assert f"INVALID_INPUT {field.dotted}" in await refused(office, inputs, field, -1), str(field)
        for value in (2**53, -(2**53), "1", 1.5, True):
            answer = await call(office, field.mutation, field.within(inputs[field.mutation], value))
            assert (answer.payload, answer.errors) == (None, ["BAD_USER_INPUT"]), (str(field), value)


async def test_null_for_what_may_be_left_out_is_as_good_or_refused_there(database: Database) -> None:
    """A null says the same as nothing, or clears what is there; what always holds something can't be cleared."""
    office, inputs = await rehearsing(database)
    cleared: set[str] = set()
    for field in fields_of():
        if field.required:
            continue
        found = await refused(office, inputs, field, None)
        if found == [f"INVALID_INPUT {field.dotted}"]:
            cleared.add(str(field))
        elif str(field) == "elect.elections.0.selectedPlanId":
            assert found == ["PLAN_REQUIRED elections.0.selectedPlanId"]
        elif str(field) == "elect.elections.0.dependentIds":
            assert found == ["TIER_DEPENDENTS_MISMATCH elections.0.coverageTier"]
        else:
            assert found == [], str(field)
    always = {
        "updateEmployee": "firstName lastName employmentClass startDate",
        "updateDependent": "firstName lastName dateOfBirth relationship disabled active",
        "updatePlanYear": (
            "coverageStart coverageEnd openEnrollmentStart openEnrollmentEnd contributionClasses plans"
            " waitingPeriodDays startsOnFirstOfMonth renewal groupId groupCoverageStart"
        ),
        "createPlanYear": "groupId groupCoverageStart",  # one without the other names no contract
        "updateTenantSettings": "autoPaidThrough",
    }
    assert cleared == {f"{mutation}.{name}" for mutation, names in always.items() for name in names.split()}


async def test_nothing_may_stand_where_something_must(database: Database) -> None:
    office, inputs = await rehearsing(database)
    for field in fields_of():
        if field.required:
            answer = await call(office, field.mutation, field.within(inputs[field.mutation], None))
            assert (answer.payload, answer.errors) == (None, ["BAD_USER_INPUT"]), str(field)


async def test_another_version_is_a_conflict(database: Database) -> None:
    office, inputs = await rehearsing(database)
    fields = [field for field in fields_of("Int") if field.path[-1] == "expectedVersion"]
    assert len(fields) == 15
    for field in fields:
        for value in (0, 7, -1, 2**31 - 1):
            assert await refused(office, inputs, field, value) == [f"VERSION_CONFLICT {field.dotted}"], str(field)
        assert await refused(office, inputs, field, None) == []


async def test_days_are_days(database: Database) -> None:
    office, inputs = await rehearsing(database)
    for field in fields_of("Date"):
        for value in ("2026-13-01", "20261120", "2026-11-20T12:00:00Z", "", "\x00", 20261120):
            answer = await call(office, field.mutation, field.within(inputs[field.mutation], value))
            assert (answer.payload, answer.errors) == (None, ["BAD_USER_INPUT"]), (str(field), value)
        for value in ("0001-01-01", "9999-12-31"):
            found = await refused(office, inputs, field, value)
            assert (found != []) is not ((field.mutation, field.path[-1], value[0]) in ANY_DAY), (str(field), value)
