"""What of two executors' answers is noticed to differ, and what is not."""

import asyncio
from random import Random

import pytest
from both_executors import dawdling, differ_in_errors_alone, difference, numbered, told

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
    assert difference(SAID, SAID) is None
    assert difference(SAID.replace(one, other), SAID) is not None


def test_the_order_of_errors_is_none() -> None:
    first, second = b'{"message":"a","path":["x",0]}', b'{"message":"b","path":["y"]}'
    assert difference(SAID.replace(first + b"," + second, second + b"," + first), SAID) is None


def test_which_of_several_errors_is_told_may_be_a_matter_of_time() -> None:
    """As long as the same is nulled, and no part of the answer is without an error that was there."""
    other = SAID.replace(b'"path":["y"]', b'"path":["y","z"]')
    assert difference(other, SAID) is not None
    assert differ_in_errors_alone(other, SAID)
    assert {place for place, _ in told(other)} == {"$.x.0", "$.y"}
    assert not differ_in_errors_alone(SAID.replace(b',{"message":"b","path":["y"]}', b""), SAID)
    assert not differ_in_errors_alone(other.replace(b'"u":1', b'"u":2'), SAID)


async def test_what_is_first_is_not_always_so_where_all_dawdle() -> None:
    async def begin(name: str) -> None:
        begun.append(name)

    orders = set[str]()
    for turn in range(10):
        begun: list[str] = []
        with dawdling(Random(turn)):  # noqa: S311 - pauses
            await asyncio.gather(begin("a"), begin("b"))
        orders.add("".join(begun))
    assert orders == {"ab", "ba"}


def test_ids_are_told_apart_by_where_they_appear() -> None:
    one, other, third = (f"empl_01j659cve0e0080m4xhppefpa{each}" for each in "hjk")
    assert numbered(f'["{one}","{other}","{one}"]'.encode()) == numbered(f'["{other}","{third}","{other}"]'.encode())
    assert numbered(f'["{one}","{other}","{one}"]'.encode()) != numbered(f'["{one}","{other}","{other}"]'.encode())
