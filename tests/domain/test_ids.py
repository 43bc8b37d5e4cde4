"""IDs: the TypeID format, their order by time, and the recognition of well-formed IDs."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benegraph.domain.ids import ALPHABET, ID_SUFFIX_PATTERN, IdPrefix, new_id, prefix_of

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
VALID_ID = "empl_01h2xcejqtf2nbrexx3vqjhp41"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 7 * 10**15).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))
COUNTS = st.integers(0, 2**26 - 1)
PREFIXES = st.sampled_from([*IdPrefix, "abcd", "emp", "empls", "EMPL", ""])


def all_ones(bits: int) -> int:
    return (1 << bits) - 1


def all_zeros(_bits: int) -> int:
    return 0


def number_of(id: str) -> int:
    """Decode the 128 bits of an ID."""
    number = 0
    for digit in id.partition("_")[2]:
        number = number * 32 + ALPHABET.index(digit)
    return number


def test_prefix_of_each_entity_type() -> None:
    assert {prefix.name: prefix.value for prefix in IdPrefix} == {
        "EMPLOYER": "empr",
        "EMPLOYEE": "empl",
        "DEPENDENT": "dpnd",
        "BENEFIT_PRODUCT": "bprd",
        "CARRIER_PLAN": "cpln",
        "PLAN_YEAR": "plyr",
        "CONTRIBUTION_CLASS": "ccls",
        "PLAN": "plan",
        "ENROLLMENT": "enrl",
        "LIFE_EVENT": "qle",
        "ELECTION_OVERRIDE": "eovr",
        "ELECTION_CONFIRMATION": "ecnf",
        "SUBSCRIBER": "subr",
        "SUBSCRIBER_ENROLLMENT": "sube",
        "GROUP_CONTRACT": "grpc",
        "DIVISION": "divn",
        "PREMIUM_INVOICE": "pinv",
        "PREMIUM_PAYMENT": "ppmt",
        "EVENT": "evnt",
        "FEED_EVENT": "fevt",
        "API_KEY": "akey",
        "ACCESS_RECORD": "accr",
    }


def test_id_equals_the_example_of_the_typeid_specification() -> None:
    uuid = UUID("0188bac7-4afa-78aa-bc3b-bd1eef28d881")
    at = EPOCH + timedelta(milliseconds=uuid.int >> 80)
    count = (uuid.int >> 64 & 0xFFF) << 14 | uuid.int >> 48 & 0x3FFF
    assert new_id(IdPrefix.EMPLOYEE, at, {48: uuid.int & (1 << 48) - 1}.__getitem__, count=count) == VALID_ID


@pytest.mark.parametrize("prefix", list(IdPrefix))
def test_id_starts_with_its_prefix(prefix: IdPrefix) -> None:
    id = new_id(prefix, AT)
    assert prefix_of(id) is prefix
    assert len(id) == len(prefix) + 27


@given(st.sampled_from(IdPrefix), INSTANTS, COUNTS, st.integers(0, 2**48 - 1))
def test_id_contains_a_uuid_version_7(prefix: IdPrefix, at: datetime, count: int, drawn: int) -> None:
    id = new_id(prefix, at, {48: drawn}.__getitem__, count=count)
    uuid = UUID(int=number_of(id))
    assert prefix_of(id) is prefix
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert uuid.int >> 80 == (at - EPOCH) // timedelta(milliseconds=1)
    assert uuid.int & (1 << 48) - 1 == drawn


@given(INSTANTS, st.integers(1, 10**10), COUNTS, COUNTS)
@example(datetime(2038, 8, 8, 16, 33, 49, 626000, tzinfo=UTC), 1, 0, 0)  # equal as floats
def test_ids_sort_by_time_in_milliseconds(earlier: datetime, milliseconds: int, count: int, later_count: int) -> None:
    later = earlier + timedelta(milliseconds=milliseconds)
    assert new_id(IdPrefix.EVENT, earlier, all_ones, count=count) < new_id(
        IdPrefix.EVENT, later, all_zeros, count=later_count
    )


@given(COUNTS, COUNTS)
@example(2**14 - 1, 2**14)  # the counter continues after the variant's two bits
@example(2**26 - 2, 2**26 - 1)
def test_ids_of_one_instant_sort_by_count(one: int, other: int) -> None:
    earlier, later = sorted((one, other))
    ids = new_id(IdPrefix.EVENT, AT, all_ones, count=earlier), new_id(IdPrefix.EVENT, AT, all_zeros, count=later)
    assert (ids[0] < ids[1]) is (earlier < later)


def test_ids_of_one_instant_differ() -> None:
    assert len({new_id(IdPrefix.EVENT, AT) for _ in range(1000)}) == 1000


# ---------------------------------------------------------------------------------------------- malformed IDs


def test_well_formed_id_has_its_prefix() -> None:
    assert prefix_of(VALID_ID) is IdPrefix.EMPLOYEE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "_",
        "empl",
        "empl_",
        "empl_01h2xcejqtf2nbrexx3vqjhp4",  # 25 digits
        "empl_01h2xcejqtf2nbrexx3vqjhp411",  # 27 digits
        "empl_81h2xcejqtf2nbrexx3vqjhp41",  # more than 128 bits
        "empl_z1h2xcejqtf2nbrexx3vqjhp41",
        "empl_01h2xcejqtf2nbrexx3vqjhpi1",  # i, l, o and u are not digits
        "empl_01h2xcejqtf2nbrexx3vqjhpl1",
        "empl_01h2xcejqtf2nbrexx3vqjhpo1",
        "empl_01h2xcejqtf2nbrexx3vqjhpu1",
        "empl_01H2XCEJQTF2NBREXX3VQJHP41",
        "EMPL_01h2xcejqtf2nbrexx3vqjhp41",
        "Empl_01h2xcejqtf2nbrexx3vqjhp41",
        " empl_01h2xcejqtf2nbrexx3vqjhp41",
        "empl_01h2xcejqtf2nbrexx3vqjhp41 ",
        "empl_01h2xcejqtf2nbrexx3vqjhp41\n",
        "empl_ 1h2xcejqtf2nbrexx3vqjhp41",
        "empl-01h2xcejqtf2nbrexx3vqjhp41",
        "empl01h2xcejqtf2nbrexx3vqjhp41",
        "empl__01h2xcejqtf2nbrexx3vqjhp41",
        "01h2xcejqtf2nbrexx3vqjhp41",
        "_01h2xcejqtf2nbrexx3vqjhp41",
        "abcd_01h2xcejqtf2nbrexx3vqjhp41",  # unknown prefix
        "emp_01h2xcejqtf2nbrexx3vqjhp41",
        "empls_01h2xcejqtf2nbrexx3vqjhp41",
        "empl_\u06601h2xcejqtf2nbrexx3vqjhp41",  # an Arabic digit
        "empl_0188bac7-4afa-78aa-bc3b-bd1eef28d881",
    ],
)
def test_malformed_id_has_no_prefix(text: str) -> None:
    assert prefix_of(text) is None


@given(
    st.text()
    | st.builds("{}_{}".format, PREFIXES, st.text() | st.from_regex(rf"{ID_SUFFIX_PATTERN}.?", fullmatch=True))
)
def test_prefix_of_accepts_any_text(text: str) -> None:
    prefix, _, digits = text.partition("_")
    is_id = prefix in set(IdPrefix) and len(digits) == 26 and set(digits) <= set(ALPHABET) and digits[0] < "8"
    assert prefix_of(text) is (IdPrefix(prefix) if is_id else None)


@pytest.mark.parametrize("letter", ["i", "l", "o", "u"])
def test_alphabet_excludes_ambiguous_letters(letter: str) -> None:
    assert letter not in ALPHABET
    assert len(set(ALPHABET)) == 32
    assert sorted(ALPHABET) == list(ALPHABET)
