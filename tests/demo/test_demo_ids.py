"""The generated IDs: the same on every day, unique over seeds and tenants, and in order of creation among siblings."""

from collections import defaultdict
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise

import pytest

from benegraph.db.base import Base
from benegraph.db.models import (
    BenefitProduct,
    CarrierPlan,
    ContributionClass,
    Dependent,
    Employee,
    Employer,
    Enrollment,
    Event,
    GroupContract,
    LifeEvent,
    Plan,
    PlanYear,
    PremiumInvoice,
    PremiumPayment,
    Subscriber,
    SubscriberEnrollment,
)
from benegraph.demo import record_buffer
from benegraph.demo.employers import EmployerProfile, generate_employer
from benegraph.demo.plan_years import EnrollmentPhase
from benegraph.demo.record_buffer import RecordBuffer, Row
from benegraph.demo.shared_records import generate_shared_records, reference_date_of
from benegraph.domain.ids import ALPHABET, IdPrefix, new_id, prefix_of

DAYS = [
    date(2026, 11, 20),
    date(2026, 12, 1),
    date(2027, 1, 3),
    date(2027, 2, 28),
    date(2027, 7, 15),
    date(2028, 2, 29),
]
#: On every day a tenant has the same rows of these tables.
SAME_ROWS: tuple[type[Base], ...] = (
    *(BenefitProduct, CarrierPlan, Employer, PlanYear, ContributionClass, Plan, GroupContract),
    *(Employee, Dependent, LifeEvent, Subscriber),
)
#: The columns that say which row it is: those of people and the IDs of other rows.
IDENTITY = (
    *("name", "first_name", "last_name", "relationship", "external_id", "carrier_plan_id", "position"),
    *("employer_id", "employee_id", "benefit_product_id", "plan_year_id", "subject_id", "invoice_id", "actor"),
)


@cache
def generate(today: date, *seed_words: object) -> dict[type[Base], dict[str, Row]]:
    """Generate a tenant with one employer in each enrollment phase; return the rows of each table by ID."""
    shared = generate_shared_records(seed_words, today)
    buffers = [shared.records]
    for number, phase in enumerate(EnrollmentPhase):
        has_sample_people = phase is EnrollmentPhase.OPEN
        profile = EmployerProfile(number, 24, phase, has_sample_people, employees_before=24 * number)
        buffers.append(generate_employer(shared.tenant, profile))
    rows: dict[type[Base], dict[str, Row]] = defaultdict(dict)
    for records in buffers:
        for model, table in records.tables.items():
            with_ids = [row for row in table if "id" in row]
            count = len(rows[model])
            rows[model] |= {row["id"]: row for row in with_ids}
            assert len(rows[model]) == count + len(with_ids), f"a repeated ID in {model.__name__}"
    return rows


@pytest.mark.parametrize("today", DAYS[1:], ids=str)
def test_rows_have_the_same_ids_on_every_day(today: date) -> None:
    first, other = generate(DAYS[0], "demo", 1), generate(today, "demo", 1)
    for model in SAME_ROWS:
        assert first[model].keys() == other[model].keys(), model
    for model, rows in first.items():
        common = rows.keys() & other[model].keys()
        assert len(common) >= 0.8 * len(rows), model
        for id in common:
            assert [rows[id].get(name) for name in IDENTITY] == [other[model][id].get(name) for name in IDENTITY]


@pytest.mark.parametrize("today", DAYS[1:], ids=str)
def test_the_first_employee_has_the_same_enrollments_on_every_day(today: date) -> None:
    answers = []
    for day in (DAYS[0], today):
        rows = generate(day, "demo", 1)
        (maya,) = (id for id, row in rows[Employee].items() if row["external_id"] == "DEMO-1")
        enrollments = [row for row in rows[Enrollment].values() if row["employee_id"] == maya]
        answers.append({row["id"]: row["decision"] for row in enrollments})
        assert sum(row["decision"] is None for row in enrollments) == 3
    assert answers[0] == answers[1]


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_a_tenant_created_for_a_day_returns_that_day(today: date) -> None:
    assert reference_date_of(generate_shared_records(("demo", 1), today).created_at) == today


def test_ids_are_well_formed_and_sort_before_those_of_services() -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC)
    for rows in generate(DAYS[0], "demo", 1).values():
        for id in rows:
            prefix = prefix_of(id)
            assert prefix is not None
            assert id < new_id(prefix, now)
            number = 0
            for digit in id.partition("_")[2]:
                number = number * 32 + ALPHABET.index(digit)
            assert (number >> 76 & 0xF, number >> 62 & 0b11) == (7, 0b10)  # UUID version and variant


def test_other_seeds_tenants_and_sizes_share_no_id() -> None:
    words = [
        ("demo", 1, "demo"),
        ("demo", 2, "demo"),
        ("demo", 1, "coast"),
        ("seed", 1, "demo", 9),
        ("seed", 1, "x", 9),
    ]
    ids = [id for seed_words in words for rows in generate(DAYS[0], *seed_words).values() for id in rows]
    assert len(ids) > 10_000
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("model", "parent", "column"),
    [
        (Enrollment, "plan_year_id employee_id", "created_at"),
        (Dependent, "employee_id", "created_at"),
        (Event, "subject_id", "occurred_at"),
        (PremiumInvoice, "group_id division_id subscriber_id", "created_at"),
        (PremiumPayment, "invoice_id", "created_at"),
        (SubscriberEnrollment, "subscriber_id", "created_at"),
        (PlanYear, "employer_id benefit_product_id", "coverage_starts_on"),
        (Enrollment, "employee_id benefit_product_id", "effective_on"),
        (Plan, "plan_year_id", "position"),
        (CarrierPlan, "benefit_product_id", "position"),
        (Employee, "employer_id", "email_number"),
    ],
)
def test_siblings_sort_in_order_of_creation(model: type[Base], parent: str, column: str) -> None:
    siblings: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for _, row in sorted(generate(DAYS[0], "demo", 1)[model].items()):
        if model is Employee:
            row = row | {"email_number": int(row["email"].split("@")[0].rsplit(".", 1)[1])}  # noqa: PLW2901 - a copy
        siblings[tuple(row[name] for name in parent.split())].append(row)
    assert any(len(rows) > 1 for rows in siblings.values())
    for rows in siblings.values():
        assert all(one[column] <= other[column] for one, other in pairwise(rows))


def test_too_many_siblings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_buffer, "_MAX_CHILDREN", 2)
    records = RecordBuffer("", ("demo", 1))
    first, second = records.new_id(IdPrefix.PLAN, "plyr_1"), records.new_id(IdPrefix.PLAN, "plyr_1")
    assert first < second
    assert records.new_id(IdPrefix.PLAN, "plyr_2") not in {first, second}
    with pytest.raises(AssertionError, match="more than 2 siblings of the type plan"):
        records.new_id(IdPrefix.PLAN, "plyr_1")
