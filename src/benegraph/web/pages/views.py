"""The HTTP handlers of the pages for browsers, of their files and of their configuration."""

import asyncio
import contextlib
import ipaddress
import logging
import re
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import orjson
from aiohttp import web

from benegraph.graphql.engine.errors import describe_error
from benegraph.web.pages import bundle, html
from benegraph.web.pages.config import PagesConfig

log = logging.getLogger(__name__)

GRAPHIQL_PATH = "/graphiql"
DEMO_PATHS = ("/demo", "/demo/hr")
CONFIG_PATH = "/pages/config.json"
# Monaco needs inline styles for its colors and sizes. Scripts come from the bundle only.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

# Files carry the policy, too: a worker is subject to the policy of its own script.
_SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain", ".json": "application/json"}
_HTML_RANGE = re.compile(r"text/html *(?:;(?P<parameters>.*))?", re.IGNORECASE)
_ZERO_QUALITY = re.compile(r"(?:^|;) *q *= *0(?:\.0*)? *(?:;|$)", re.IGNORECASE)
_HOST = re.compile(r"(?P<name>\[[^]]+]|[^:]+)(?::[0-9]+)?")


class Pages:
    """The pages and their files. If there is no bundle when the application starts, it is built in the background."""

    def __init__(self, config: PagesConfig, cache: Path, *, has_home_page: bool = True) -> None:
        self._config = config
        self._cache = cache
        self._has_home_page = has_home_page
        self._digest = bundle.source_digest()
        self._path = f"/pages/{self._digest}"
        self._files: Mapping[str, Path] = {}
        self._directory: Path | None = None
        self._progress = bundle.BuildProgress("starting")
        self._progress_at = time.monotonic()
        self._failure: str | None = None
        self._endpoint = ""

    def add_routes(self, app: web.Application, endpoint: str) -> None:
        """Add the routes to an application, and build the bundle when it starts."""
        self._endpoint = endpoint
        app.router.add_get("/", self.home)
        app.router.add_get(GRAPHIQL_PATH, self.graphiql)
        if self._config.personas and self._has_home_page:
            for path in DEMO_PATHS:
                app.router.add_get(path, self.demo)
        app.router.add_get(CONFIG_PATH, self.config)
        app.router.add_get("/pages/{digest}/{name}", self.file)
        app.cleanup_ctx.append(self._build_in_background)

    async def home(self, request: web.Request) -> web.Response:
        if not self._has_home_page:
            return web.Response(status=303, headers={"Location": GRAPHIQL_PATH})
        demo_paths = DEMO_PATHS if self._config.personas else ()
        return self._page(request, html.home_page(self._path, self._endpoint, GRAPHIQL_PATH, demo_paths))

    async def graphiql(self, request: web.Request) -> web.Response:
        return self._page(request, html.script_page(self._path, "graphiql"))

    async def demo(self, request: web.Request) -> web.Response:
        """Return the demo app. Its script opens the page of the path."""
        return self._page(request, html.script_page(self._path, "demo"))

    def _page(self, request: web.Request, text: str) -> web.Response:
        """Return this page; while the bundle is missing, the progress or the failure of its build."""
        if not accepts_html(request.headers.getall("Accept", [])):
            raise web.HTTPNotAcceptable(
                reason=f"This page is for browsers only; send GraphQL requests to {self._endpoint}"
            )
        if not (self._find_files() and self._is_in_place()):
            text = self._build_state_page()
        headers = _SECURITY_HEADERS | {"Cache-Control": "no-store", "Vary": "Accept"}
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)

    def _build_state_page(self) -> str:
        if self._failure is not None:
            return html.failure_page(self._failure, self._endpoint)
        return html.progress_page(self._progress, time.monotonic() - self._progress_at, self._endpoint)

    async def config(self, request: web.Request) -> web.Response:
        # DNS rebinding: a page of another site could point its own name at this machine, and read the demo's keys.
        if self._config.personas and not _is_local(request.headers.get("Host", "")):
            raise web.HTTPForbidden(reason="The demo's pages work on localhost only; open it under that name")
        body = orjson.dumps(self._config.as_json(self._endpoint))
        headers = _SECURITY_HEADERS | {"Cache-Control": "no-store"}
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)

    async def file(self, request: web.Request) -> web.FileResponse:
        path = self._find_files().get(request.match_info["name"])
        if path is None or request.match_info["digest"] != self._digest:
            raise web.HTTPNotFound
        headers = _SECURITY_HEADERS | {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Type": f"{_MEDIA_TYPES.get(path.suffix, 'application/octet-stream')}; charset=utf-8",
            "Vary": "Accept-Encoding",
        }
        return web.FileResponse(path, headers=headers)

    async def _build_in_background(self, _app: web.Application) -> AsyncIterator[None]:
        task = None if self._find_files() else asyncio.create_task(self._build())
        yield
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _find_files(self) -> Mapping[str, Path]:
        """Return the bundle's files by name. Another process or an operator may have built them meanwhile."""
        if not self._files and (directory := bundle.find(self._cache)) is not None:
            self._files = {path.name: path for path in directory.iterdir() if path.suffix in _MEDIA_TYPES}
            self._directory = directory
        return self._files

    def _is_in_place(self) -> bool:
        """Return whether the bundle still exists, and record its use."""
        if self._directory is not None and not bundle.mark_used(self._directory):
            self._files, self._directory = {}, None
            self._failure = "The files of the pages were deleted from the cache."
        return self._directory is not None

    async def _build(self) -> None:
        try:
            await bundle.build(self._cache, self._report)
        except Exception as error:  # noqa: BLE001 - no failure of the pages may affect the API
            self._failure = _public_reason(error)
            log.warning("Pages: cannot build them. %s (%s)", self._failure, describe_error(error))
        else:
            log.info("Pages: ready")

    def _report(self, progress: bundle.BuildProgress) -> None:
        self._progress, self._progress_at = progress, time.monotonic()
        log.info("Pages: %s", progress.step)


def _public_reason(error: Exception) -> str:
    """Return the reason of a failed build without paths, hosts and source locations, which only the log contains."""
    if isinstance(error, bundle.BundleError):
        return str(error)
    return f"The build failed: {(isinstance(error, OSError) and error.strerror) or type(error).__name__}."


def accepts_html(accept: list[str]) -> bool:
    """Return whether an Accept header names HTML, as browsers do. A wildcard does not count."""
    for part in ",".join(accept).split(","):
        match = _HTML_RANGE.fullmatch(part.strip())
        if match:
            return not _ZERO_QUALITY.search(match["parameters"] or "")
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
