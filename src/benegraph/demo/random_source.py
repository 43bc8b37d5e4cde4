"""Random numbers that are reproducible: the same seed words always give the same sequence."""

from collections.abc import Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


def random_source(*seed_words: object) -> Random:
    """Return a random number generator. Its sequence depends on the seed words alone, on every machine and day."""
    return Random("/".join(map(str, seed_words)))  # noqa: S311 - sample data, nothing secret


def weighted_choice(rng: Random, weights: Mapping[T, int]) -> T:
    """Return one of the keys, each with a probability proportional to its weight."""
    remaining = rng.randrange(sum(weights.values()))
    for item, weight in weights.items():
        remaining -= weight
        if remaining < 0:
            return item
    raise AssertionError("the random number is not less than the sum of the weights")
