"""Encryption keys of the tests."""

from benegraph.domain.encryption import parse_keys

FIRST_KEY, SECOND_KEY = "A" * 43, "B" * 42 + "A"
KEY_RING = parse_keys([FIRST_KEY])
