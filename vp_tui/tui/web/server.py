"""textual-serve's page and websocket, for this machine only by default.

A page of another site can make a browser send requests here: those with an unknown Host or Origin are refused before
anything is started for them. Other users of this machine can connect too: the address that `serve` prints has a token,
which the page keeps as a cookie, and nothing is answered without it.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import socket
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.app_service import AppService
from textual_serve.server import Server

MOST_TABS = 16
"""Dashboards at once, a process of some 100 MiB each."""
MOST_COLUMNS, MOST_ROWS = 1_000, 500
"""A dashboard draws every cell it is told to have: a billion would take all memory."""
PATIENCE_SECONDS = 5.0
"""Time for the dashboards to exit when the server ends; then their pipes are closed."""

# The page requests a font from a public host: block it, without a network the page would wait.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)

# textual-serve's page waits for a click: without the focus the first keys would be lost.
_FOCUS = """<script>
document.title = "vp-tui";
const watch = new MutationObserver(() => {
  if (document.body.classList.contains("-first-byte")) {
    watch.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }
});
watch.observe(document.body, {attributeFilter: ["class"]});
</script>
</body>"""


def run_server(command: str, listener: socket.socket, token: str, *, only_local: bool) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM; each tab runs `command`."""
    web.run_app(
        _TabServer(command, token, only_local=only_local).application(), sock=listener, print=None, access_log=None,
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Return True for an address or name that is reachable from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _TabServer(Server):
    """A Server whose links use the requested host name, and which ends its tabs with itself."""

    def __init__(self, command: str, token: str, *, only_local: bool) -> None:
        super().__init__(command, title="vp-tui")
        self._only_local = only_local
        self._token = token
        # cookies are shared by all ports of a host: another server here has another name
        self._cookie = f"vp-tui-{hashlib.sha256(token.encode()).hexdigest()[:12]}"
        self._tabs: set[asyncio.Task[object]] = set()

    async def application(self) -> web.Application:
        application = await self._make_app()
        application.middlewares.append(self._guard)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._only_local and not is_loopback(_host(request)):
            raise web.HTTPForbidden(text="host refused: only localhost and 127.0.0.1 are served")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="origin refused: only this server's own pages are served")
        given = request.query.get("token") or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise web.HTTPForbidden(text="open the whole address that `vp-tui serve` printed, with its token")
        return await handler(request)

    async def on_startup(self, app: web.Application) -> None:
        app.on_response_prepare.append(_set_policy)

    async def on_shutdown(self, app: web.Application) -> None:
        for tab in self._tabs:
            tab.cancel()
        if self._tabs:
            await asyncio.wait(self._tabs, timeout=PATIENCE_SECONDS)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Return the page with links to the address the browser used: with ssh -L the port differs."""
        self.public_url = f"{request.scheme}://{request.host}"
        page = await super().handle_index(request)
        assert isinstance(page, web.Response)
        page.text = (page.text or "").replace("</body>", _FOCUS)
        # else a browser caches the page, with its dashboard, when leaving it
        page.headers["Cache-Control"] = "no-store"
        page.headers["Referrer-Policy"] = "no-referrer"
        page.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
        return page

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        if len(self._tabs) >= MOST_TABS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_TABS} dashboards are open; close a tab first")
        if not (_is_size(request, "width", MOST_COLUMNS) and _is_size(request, "height", MOST_ROWS)):
            raise web.HTTPBadRequest(text=f"at most {MOST_COLUMNS} columns and {MOST_ROWS} rows")
        tab = asyncio.current_task()
        assert tab is not None
        self._tabs.add(tab)
        try:
            return await super().handle_websocket(request)
        finally:
            self._tabs.discard(tab)

    async def _process_messages(self, websocket: web.WebSocketResponse, app_service: AppService) -> None:
        resize = app_service.set_terminal_size

        async def within(width: int, height: int) -> None:
            await resize(min(max(width, 1), MOST_COLUMNS), min(max(height, 1), MOST_ROWS))

        app_service.set_terminal_size = within  # type: ignore[method-assign]
        await super()._process_messages(websocket, app_service)


def _host(request: web.Request) -> str:
    try:
        return request.url.host or ""
    except ValueError:
        return ""


def _is_size(request: web.Request, name: str, most: int) -> bool:
    text = request.query.get(name, "1")
    return text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= most


async def _set_policy(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = _POLICY
