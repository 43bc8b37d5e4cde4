"""Serialize responses as JSON: instants in UTC with a Z; JSON fragments are inserted unchanged."""

from typing import Any

import orjson

from benegraph.execution import JsonFragment


def serialize(value: Any) -> bytes:
    """Serialize a response, or a part of one."""
    return orjson.dumps(value, default=_serialize_fragment, option=orjson.OPT_UTC_Z)


def _serialize_fragment(value: Any) -> orjson.Fragment:
    if isinstance(value, JsonFragment):
        return orjson.Fragment(value.text)
    raise TypeError
