"""What of two executors' answers is noticed to differ, and what is not."""

import orjson
import pytest
from both_executors import differ_only_in_choice_of_errors, errors_of, find_difference, number_ids

SAID = (
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
def test_a_difference_is_noticed(one: bytes, other: bytes) -> None:
    assert SAID.count(one) == 1
    assert find_difference(SAID, SAID) is None
    assert find_difference(SAID.replace(one, other), SAID) is not None


def test_the_order_of_errors_is_none() -> None:
    first, second = b'{"message":"a","path":["x",0]}', b'{"message":"b","path":["y"]}'
    assert find_difference(SAID.replace(first + b"," + second, second + b"," + first), SAID) is None


def test_which_of_several_errors_is_told_may_be_a_matter_of_time() -> None:
    """As long as the same is nulled, and no part of the answer is without an error that was there."""
    other = SAID.replace(b'"path":["y"]', b'"path":["y","z"]')
    assert find_difference(other, SAID) is not None
    assert differ_only_in_choice_of_errors(other, SAID)
    assert {error.null_path for error in errors_of(other)} == {("x", 0), ("y",)}
    assert not differ_only_in_choice_of_errors(SAID.replace(b',{"message":"b","path":["y"]}', b""), SAID)
    assert not differ_only_in_choice_of_errors(other.replace(b'"u":1', b'"u":2'), SAID)


def test_ids_are_distinguished_by_the_order_of_their_appearance() -> None:
    one, other, third = (f"empl_01j659cve0e0080m4xhppefpa{each}" for each in "hjk")

    def texts(*ids: str) -> bytes:
        return number_ids(orjson.dumps(ids))

    assert texts(one, other, one) == texts(other, third, other)
    assert texts(one, other, one) != texts(one, other, other)
