"""The comparison of two executors' responses finds every difference that counts."""

import orjson
import pytest
from both_executors import differ_only_in_choice_of_errors, errors_of, find_difference, number_ids

RESPONSE = (
    b'{"errors":[{"message":"a","path":["x",0]},{"message":"b","path":["y"]}],"data":{"x":[null],"y":null,"z":{"u":1}},'
    b'"extensions":{"cost":1}}'
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'"u":1', b'"u":2'),
        (b'"u":1', b'"u":1.0'),
        (b'"u":1', b'"u": 1'),
        (b'"u":1', b'"u":1,"v":null'),
        (b'"u":1', b'"u":1,"u":1'),
        (b'"y":null,"z":{"u":1}', b'"z":{"u":1},"y":null'),
        (b"[null]", b"[null,null]"),
        (b'["x",0]', b'["x",1]'),
        (b'"message":"a"', b'"message":"c"'),
        (b',{"message":"b","path":["y"]}', b""),
        (b'"cost":1', b'"cost":2'),
        (b'},"extensions"', b'},"more":[],"extensions"'),
    ],
)  # fmt: skip
def test_differences_are_found(one: bytes, other: bytes) -> None:
    assert RESPONSE.count(one) == 1
    assert find_difference(RESPONSE, RESPONSE) is None
    assert find_difference(RESPONSE.replace(one, other), RESPONSE) is not None


def test_order_of_errors_does_not_count() -> None:
    first, second = b'{"message":"a","path":["x",0]}', b'{"message":"b","path":["y"]}'
    assert find_difference(RESPONSE.replace(first + b"," + second, second + b"," + first), RESPONSE) is None


def test_choice_of_errors_is_recognized() -> None:
    """The same fields must be null, each must have an error, and all other data must be equal."""
    other = RESPONSE.replace(b'"path":["y"]', b'"path":["y","z"]')
    assert find_difference(other, RESPONSE) is not None
    assert differ_only_in_choice_of_errors(other, RESPONSE)
    assert {error.null_path for error in errors_of(other)} == {("x", 0), ("y",)}
    assert not differ_only_in_choice_of_errors(RESPONSE.replace(b',{"message":"b","path":["y"]}', b""), RESPONSE)
    assert not differ_only_in_choice_of_errors(other.replace(b'"u":1', b'"u":2'), RESPONSE)


def test_ids_are_numbered_in_order_of_appearance() -> None:
    one, other, third = (f"empl_01j659cve0e0080m4xhppefpa{letter}" for letter in "hjk")

    def numbered(*ids: str) -> bytes:
        return number_ids(orjson.dumps(ids))

    assert numbered(one, other, one) == numbered(other, third, other)
    assert numbered(one, other, one) != numbered(one, other, other)
