"""Where a request keeps its facts, for whoever has only the request at hand."""

from aiohttp import web

from benegraph.telemetry.facts import Facts, current

__all__ = ["FACTS", "Facts", "current", "request_id_of"]

FACTS = web.RequestKey("facts", Facts)


def request_id_of(request: web.BaseRequest) -> str:
    """Give the id under which this request stands in logs and in history."""
    facts = request.get(FACTS)
    return "-" if facts is None else facts.request_id
