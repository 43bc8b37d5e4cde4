"""The explorer over HTTP: its page for browsers alone, its files, and how it opens."""

import asyncio
import contextlib
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import orjson
from aiohttp import web

from benegraph.graphql.engine.errors import describe_error
from benegraph.web.explorer import bundle, pages
from benegraph.web.explorer.config import ExplorerConfig

log = logging.getLogger(__name__)

CONFIG = "/explorer/config.json"
# Monaco writes its colours and sizes into the page as styles; scripts come from our files alone.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

# Files carry the policy too: a worker's is that of its own script.
_GUARDS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}
_HTML = re.compile(r"text/html *(?:;(?P<parameters>.*))?", re.IGNORECASE)
_REFUSED = re.compile(r"(?:^|;) *q *= *0(?:\.0*)? *(?:;|$)", re.IGNORECASE)
_HOST = re.compile(r"(?P<name>\[[^]]+]|[^:]+)(?::[0-9]+)?")


class Explorer:
    """The page and its files; and, where there is no bundle yet, the making of one."""

    def __init__(self, explorer_config: ExplorerConfig, cache: Path) -> None:
        self._config = explorer_config
        self._cache = cache
        self._digest = bundle.source_digest()
        self._files: Mapping[str, Path] = {}
        self._step = "about to begin"
        self._failure: str | None = None
        self._endpoint = ""

    def add_to(self, app: web.Application, endpoint: str) -> None:
        """Add the routes; the bundle is seen to when the application starts, beside all else it does."""
        self._endpoint = endpoint
        app.router.add_get("/", self.page)
        app.router.add_get(CONFIG, self.config)
        app.router.add_get("/explorer/{digest}/{name}", self.file)
        app.cleanup_ctx.append(self._beside)

    async def page(self, request: web.Request) -> web.Response:
        if not _wants_html(request.headers.getall("Accept", [])):
            raise web.HTTPNotAcceptable(reason=f"This page is for browsers; the endpoint is {self._endpoint}")
        if self._found():
            text = pages.explorer(f"/explorer/{self._digest}")
        elif self._failure is not None:
            text = pages.failure(self._failure, self._endpoint)
        else:
            text = pages.progress(self._step, self._endpoint)
        headers = _GUARDS | {"Cache-Control": "no-store", "Vary": "Accept"}
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)

    async def config(self, request: web.Request) -> web.Response:
        # A name that was rebound to this machine would be its owner's origin, and this answer his to read.
        if self._config.personas and not _is_local(request.headers.get("Host", "")):
            raise web.HTTPForbidden(reason="The demo opens on localhost alone: ask for it under that name")
        body = orjson.dumps(self._config.told(self._endpoint))
        headers = _GUARDS | {"Cache-Control": "no-store"}
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)

    async def file(self, request: web.Request) -> web.FileResponse:
        path = self._found().get(request.match_info["name"])
        if path is None or request.match_info["digest"] != self._digest:
            raise web.HTTPNotFound
        headers = _GUARDS | {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Type": f"{_TYPES.get(path.suffix, 'application/octet-stream')}; charset=utf-8",
            "Vary": "Accept-Encoding",
        }
        return web.FileResponse(path, headers=headers)

    async def _beside(self, _app: web.Application) -> AsyncIterator[None]:
        task = None if self._found() else asyncio.create_task(self._make())
        yield
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _found(self) -> Mapping[str, Path]:
        """Give the bundle's files, as soon as there are any: another worker may have made them, or somebody by hand."""
        if not self._files and (place := bundle.find(self._cache)) is not None:
            self._files = {path.name: path for path in place.iterdir() if path.suffix in _TYPES}
        return self._files

    async def _make(self) -> None:
        try:
            await bundle.build(self._cache, self._tell)
        except Exception as error:  # noqa: BLE001 - whatever it is, the API is none the worse for it
            self._failure = _reason(error)
            log.warning("Explorer: there is none. %s (%s)", self._failure, describe_error(error))
        else:
            log.info("Explorer: ready")

    def _tell(self, step: str) -> None:
        self._step = step
        log.info("Explorer: %s", step)


def _reason(error: Exception) -> str:
    """Tell anybody why: without a path, a host or a place in our sources, which are for the log."""
    if isinstance(error, bundle.BundleError):
        return str(error)
    return f"It failed: {(isinstance(error, OSError) and error.strerror) or type(error).__name__}."


def _wants_html(accept: list[str]) -> bool:
    """Tell a browser, which names HTML, from clients that take anything."""
    for part in ",".join(accept).split(","):
        match = _HTML.fullmatch(part.strip())
        if match:
            return not _REFUSED.search(match["parameters"] or "")
    return False


def _is_local(host: str) -> bool:
    match = _HOST.fullmatch(host.strip().lower())
    if match is None:
        return False
    name = match["name"].strip("[]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
