"""`vp-tui serve`: the dashboard in a browser, on a local address unless a public one is allowed."""

import errno
import importlib.util
import secrets
import socket
import sys

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.store.home import Home
from vp_tui.tui.commands import output
from vp_tui.tui.web import tab_command

NOT_ENCRYPTED = "whoever has its address controls your runs, and nothing is encrypted"


def serve_dashboard(home: Home, host: str, port: int, *, allow_public: bool) -> int:
    """Print the address and serve until Ctrl+C or SIGTERM, then close every tab's dashboard; port 0: any free one.

    Raises:
        UsageError: textual-serve is missing, the address is public without `allow_public`, or it is not available.
    """
    if importlib.util.find_spec("textual_serve") is None:
        raise UsageError("textual-serve is not installed: pip install 'vp-tui[web]'")
    from vp_tui.tui.web.server import is_loopback, run_server

    if not is_loopback(host) and not allow_public:
        raise UsageError(
            f"--host {host!r} is reachable from other machines, and {NOT_ENCRYPTED}; use 127.0.0.1 and forward "
            "the port with `ssh -L 8000:localhost:8000 HOST`, or add --allow-public"
        )
    with _listen(host, port) as listener:
        name = f"[{host}]" if ":" in host else host
        token = secrets.token_urlsafe(16)
        output.result(f"http://{name}:{listener.getsockname()[1]}/?token={token}")
        sys.stdout.flush()
        if not is_loopback(host):
            output.say(f"reachable from other machines, and {NOT_ENCRYPTED}")
        output.say("open this address in a browser, with its token; Ctrl+C stops the server, runs continue")
        run_server(tab_command(home), listener, token, only_local=not allow_public)
    return ExitCode.GOOD


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"--port {port} is in use on {host}; use another one, or 0 for any free port") from error
        raise UsageError(f"cannot listen on --host {host!r} --port {port}: {error.strerror}") from error
