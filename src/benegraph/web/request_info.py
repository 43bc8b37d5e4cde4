"""Where a request keeps its facts, for whoever has only the request at hand."""

from aiohttp import web

from benegraph.telemetry.request_info import RequestInfo, current

__all__ = ["REQUEST_INFO", "RequestInfo", "current", "request_id_of"]

REQUEST_INFO = web.RequestKey("facts", RequestInfo)


def request_id_of(request: web.BaseRequest) -> str:
    """Give the id under which this request stands in logs and in history."""
    facts = request.get(REQUEST_INFO)
    return "-" if facts is None else facts.request_id
