"""Obstacles: the rows that stand in the way of a change, listed in the messages of its refusals."""

from collections.abc import Iterator, Mapping, Sequence

from benegraph.domain.errors import ErrorCode, RuleViolation

#: A message lists this many IDs of one kind, and the number of the others.
MAX_LISTED_OBSTACLES = 20


def check_obstacles(
    kinds: Mapping[str, tuple[str, str]], obstacles: Mapping[str, Sequence[str]], field: str
) -> Iterator[RuleViolation]:
    """Check that no rows stand in the way of a change; each kind of row is one violation.

    `kinds` maps each kind to its description and the remedy, `obstacles` to the IDs of its rows.
    """
    for kind, (description, remedy) in kinds.items():
        if ids := obstacles.get(kind):
            yield RuleViolation(
                ErrorCode.INVALID_STATUS_TRANSITION, f"{describe_rows(ids, description)}; {remedy} first.", (field,)
            )


def describe_rows(ids: Sequence[str], description: str) -> str:
    """Return the number of rows, their description, and the IDs of the first ones."""
    listed = ", ".join(ids[:MAX_LISTED_OBSTACLES])
    others = len(ids) - MAX_LISTED_OBSTACLES
    return f"{len(ids)} {description}: {listed}{f' and {others} more' if others > 0 else ''}"
