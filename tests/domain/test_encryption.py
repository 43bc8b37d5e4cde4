"""Encrypted values: they decrypt only in their place and with their key, and keys can be rotated."""

import base64
import pickle

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benegraph.domain.encryption import DecryptionFailed, EncryptionKey, ValuePlace, generate_key, parse_keys
from benegraph.domain.errors import ErrorCode
from benegraph.domain.ssn import check_ssn, normalize_ssn
from factories.keys import FIRST_KEY, KEY_RING, SECOND_KEY

PLACE = ValuePlace("acme", "employees", "ssn", "empl_1")


def test_value_decrypts_in_its_place_only() -> None:
    stored = KEY_RING.encrypt("219099999", PLACE)
    assert KEY_RING.decrypt(stored, PLACE) == "219099999"
    others = [
        ValuePlace("beta", "employees", "ssn", "empl_1"),
        ValuePlace("acme", "dependents", "ssn", "empl_1"),
        ValuePlace("acme", "employees", "other", "empl_1"),
        ValuePlace("acme", "employees", "ssn", "empl_2"),
    ]
    for place in others:
        with pytest.raises(DecryptionFailed, match="changed or moved"):
            KEY_RING.decrypt(stored, place)


@pytest.mark.parametrize("position", [4, 15, 16, -1])
def test_changed_value_does_not_decrypt(position: int) -> None:
    stored = bytearray(KEY_RING.encrypt("219099999", PLACE))
    stored[position] ^= 1
    with pytest.raises(DecryptionFailed, match="changed or moved"):
        KEY_RING.decrypt(bytes(stored), PLACE)


def test_equal_values_are_stored_differently_but_have_one_index() -> None:
    assert KEY_RING.encrypt("219099999", PLACE) != KEY_RING.encrypt("219099999", PLACE)
    assert KEY_RING.index("219099999", "acme") == KEY_RING.index("219099999", "acme")
    assert KEY_RING.index("219099999", "acme") != KEY_RING.index("219099999", "beta")
    assert KEY_RING.index("219099999", "acme") != KEY_RING.index("219099998", "acme")


def test_value_of_an_older_key_decrypts_and_new_values_take_the_first_key() -> None:
    stored = KEY_RING.encrypt("219099999", PLACE)
    rotated = parse_keys([SECOND_KEY, FIRST_KEY])
    assert rotated.decrypt(stored, PLACE) == "219099999"
    assert rotated.encrypt("219099999", PLACE)[:4] == parse_keys([SECOND_KEY]).current.id
    assert KEY_RING.index("219099999", "acme") in rotated.indexes("219099999", "acme")
    assert rotated.fingerprint("219099999") == KEY_RING.fingerprint("219099999")
    with pytest.raises(DecryptionFailed, match=f"key {KEY_RING.current.id.hex()} is missing"):
        parse_keys([SECOND_KEY]).decrypt(stored, PLACE)


def test_independent_reader_decrypts_a_stored_value() -> None:
    stored = KEY_RING.encrypt("219099999", PLACE)
    secret = base64.urlsafe_b64decode(FIRST_KEY + "=")
    key = HKDF(hashes.SHA256(), 32, None, b"benegraph encryption of values").derive(secret)
    plain = AESGCM(key).decrypt(stored[4:16], stored[16:], b"acme|employees|ssn|empl_1")
    assert plain == b"219099999"


def test_keys_travel_to_worker_processes_and_do_not_show_themselves() -> None:
    copy = pickle.loads(pickle.dumps(KEY_RING))  # noqa: S301 - pickled here
    assert copy.decrypt(KEY_RING.encrypt("219099999", PLACE), PLACE) == "219099999"
    assert repr(KEY_RING) == f"KeyRing(keys=(EncryptionKey({KEY_RING.current.id.hex()}),))"


def test_generated_key_has_32_bytes() -> None:
    text = generate_key()
    assert len(base64.urlsafe_b64decode(text + "=")) == 32
    assert isinstance(parse_keys([text]).current, EncryptionKey)
    assert text != generate_key()


@pytest.mark.parametrize("keys", [[], [""], ["A" * 42], ["A" * 44], ["!" * 43], ["Ä" * 43], [FIRST_KEY, FIRST_KEY]])
def test_invalid_keys_are_refused_without_repeating_them(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="key") as raised:
        parse_keys(keys)
    assert not any(key and key in str(raised.value) for key in keys)


@pytest.mark.parametrize("ssn", ["219-09-9999", "219099999", "001-01-0001", "665-01-0001", "667010001", "899-99-9999"])
def test_assignable_number_is_accepted(ssn: str) -> None:
    assert list(check_ssn(ssn)) == []
    assert normalize_ssn(ssn) == ssn.replace("-", "")


@pytest.mark.parametrize(
    "ssn",
    [
        "",
        "21909999",
        "2190999990",
        "219-099-999",
        "٢19099999",
        "000-09-9999",
        "666-09-9999",
        "900-09-9999",
        "999-70-1234",
        "219-00-9999",
        "219-09-0000",
    ],
)
def test_other_number_is_refused_without_repeating_it(ssn: str) -> None:
    (violation,) = check_ssn(ssn)
    assert (violation.code, violation.field) == (ErrorCode.INVALID_INPUT, ("ssn",))
    assert not ssn or ssn not in violation.message
