"""textual-serve's page and websocket, for this machine only unless told otherwise.

A page of another site may ask a browser to come here, by its own name for 127.0.0.1 or by ours: requests under a
strange name (Host) or from a strange page (Origin) are refused before anything is started for them.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

PATIENCE_SECONDS = 5.0
"""How long the dashboards get to leave when the server ends; their pipes are cut then."""

# The page asks a host of the world for a font: nothing of ours should, and without a network it would wait for it.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)

# Else the first keys would be lost: textual-serve's page waits for a click.
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


def run_server(command: str, listener: socket.socket, *, only_local: bool) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM; each tab runs `command`."""
    web.run_app(
        _TabServer(command, only_local=only_local).application(), sock=listener, print=None, access_log=None,
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether an address or name can be reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _TabServer(Server):
    """A Server whose links follow the name it was asked by, and which ends its tabs with itself."""

    def __init__(self, command: str, *, only_local: bool) -> None:
        super().__init__(command, title="vp-tui")
        self._only_local = only_local
        self._tabs: set[asyncio.Task[object]] = set()

    async def application(self) -> web.Application:
        """The pages behind the guard."""
        application = await self._make_app()
        application.middlewares.append(self._guard)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._only_local and not is_loopback(request.url.host or ""):
            raise web.HTTPForbidden(text=f"asked for as {request.host!r}: only localhost and 127.0.0.1 are answered")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text=f"asked by a page of {origin!r}: only our own is answered")
        return await handler(request)

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command has said where it is."""
        app.on_response_prepare.append(_set_policy)

    async def on_shutdown(self, app: web.Application) -> None:
        """Let every tab's dashboard leave; aiohttp would wait a minute for the readers to close their tabs."""
        for tab in self._tabs:
            tab.cancel()
        if self._tabs:
            await asyncio.wait(self._tabs, timeout=PATIENCE_SECONDS)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, with links to where the reader's browser found us: with ssh -L the port is another one there."""
        self.public_url = f"{request.scheme}://{request.host}"
        page = await super().handle_index(request)
        assert isinstance(page, web.Response)
        page.text = (page.text or "").replace("</body>", _FOCUS)
        # else a browser keeps a page it has left, with its dashboard, for the way back
        page.headers["Cache-Control"] = "no-store"
        return page

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One tab, from its opening to its end."""
        tab = asyncio.current_task()
        assert tab is not None
        self._tabs.add(tab)
        try:
            return await super().handle_websocket(request)
        finally:
            self._tabs.discard(tab)


async def _set_policy(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = _POLICY
