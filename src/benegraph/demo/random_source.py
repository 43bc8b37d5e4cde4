"""Dice: the one source of chance, which falls alike for the same words, so that a seed makes the same people again."""

from collections.abc import Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


def dice(*words: object) -> Random:
    """Make dice that fall the same for the same words, on every machine and day."""
    return Random("/".join(map(str, words)))  # noqa: S311 - people are made up here, and nothing is kept secret


def pick(rng: Random, shares: Mapping[T, int]) -> T:
    """Pick one of these, each as often as its share."""
    fallen = rng.randrange(sum(shares.values()))
    for each, share in shares.items():
        fallen -= share
        if fallen < 0:
            return each
    raise AssertionError("the shares add up to more than what fell")
