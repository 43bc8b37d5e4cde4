"""An answer as JSON: instants in UTC with a Z, and what is written already as it is."""

from typing import Any

import orjson

from benegraph.execution import Json


def written(answer: Any) -> bytes:
    """Write an answer, or a part of one."""
    return orjson.dumps(answer, default=_as_it_is, option=orjson.OPT_UTC_Z)


def _as_it_is(value: Any) -> orjson.Fragment:
    if isinstance(value, Json):
        return orjson.Fragment(value.text)
    raise TypeError
