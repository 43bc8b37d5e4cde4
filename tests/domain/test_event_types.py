"""The list of event types: unique names in the documented form, and their derivation from recorded values."""

import re

import pytest

from benegraph.domain.event_types import (
    EVENT_TYPES,
    EVENT_TYPES_BY_NAME,
    TENANT_KIND,
    Audience,
    event_type_name,
    visible_keys,
)
from benegraph.domain.ids import IdPrefix

SUFFIX = "01j659cve0e0080m4xhppefpah"


def test_names_and_keys_are_unique() -> None:
    assert len({each.name for each in EVENT_TYPES}) == len({each.key for each in EVENT_TYPES}) == len(EVENT_TYPES) > 60


def test_names_have_two_parts_of_words_in_lower_case() -> None:
    assert [
        each.name for each in EVENT_TYPES if not re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", each.name)
    ] == []


def test_descriptions_are_sentences_that_fit_a_table() -> None:
    assert [each.name for each in EVENT_TYPES if not re.fullmatch(r"[A-Z].{9,89}\.", each.description)] == []


def test_kinds_are_those_of_rows() -> None:
    assert {each.kind for each in EVENT_TYPES} <= {*IdPrefix, TENANT_KIND}
    assert len(TENANT_KIND) > max(map(len, IdPrefix))  # so it is the beginning of no ID


@pytest.mark.parametrize(
    ("subject_id", "action", "name"),
    [
        (f"enrl_{SUFFIX}", "ENROLLED", "enrollment.elected"),
        (f"pinv_{SUFFIX}", "PAID", "premium_payment.recorded"),
        ("acme", "UPDATED", "tenant_settings.updated"),
        ("empl", "UPDATED", "tenant_settings.updated"),  # a tenant with the name of a prefix
        (f"enrl_{SUFFIX}", "NOT_LISTED", "enrollment.not_listed"),
        ("acme", "NOT_LISTED", "tenant.not_listed"),
    ],
)
def test_type_follows_from_the_changed_row_and_the_action(subject_id: str, action: str, name: str) -> None:
    assert event_type_name(subject_id, action) == name


def test_audiences_see_the_types_of_those_with_fewer_rights() -> None:
    employees, employers, tenant = map(set, map(visible_keys, Audience))
    assert employees < employers < tenant == {each.key for each in EVENT_TYPES}
    assert {"enrl.ENROLLED", "empl.TERMINATED"} <= employees
    assert {"sube.CREATED", "grpc.ENDED", "pinv.PAID", "empl.REVEALED"} <= employers - employees
    assert {"akey.ISSUED", "bprd.CREATED", "tenant.UPDATED"} <= tenant - employers


def test_types_are_found_by_name() -> None:
    assert EVENT_TYPES_BY_NAME["enrollment.elected"].key == "enrl.ENROLLED"
