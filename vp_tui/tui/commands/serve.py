"""What `vp-tui serve` does, once the command line is parsed: refuse what is dangerous, listen, say where, serve."""

import errno
import importlib.util
import socket
import sys

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.store.home import Home
from vp_tui.tui.commands import output
from vp_tui.tui.web import tab_command

NO_PASSWORD = "there is no password: whoever reaches the port controls your runs"


def serve_dashboard(home: Home, host: str, port: int, *, allow_public: bool) -> int:
    """Print the address and serve until Ctrl+C or SIGTERM, then end every tab's dashboard; port 0 takes a free one.

    Raises:
        UsageError: textual-serve is missing, the address is public without `allow_public`, or it cannot be had.
    """
    if importlib.util.find_spec("textual_serve") is None:
        raise UsageError("serve needs textual-serve, which is not installed: pip install 'vp-tui[web]'")
    from vp_tui.tui.web.server import is_loopback, run_server

    if not is_loopback(host) and not allow_public:
        raise UsageError(
            f"--host {host!r} can be reached from other machines, and {NO_PASSWORD}; listen on 127.0.0.1 and forward "
            "the port with `ssh -L 8000:localhost:8000 HOST` instead, or say --allow-public"
        )
    with _listen(host, port) as listener:
        name = f"[{host}]" if ":" in host else host
        output.result(f"http://{name}:{listener.getsockname()[1]}")
        sys.stdout.flush()
        if not is_loopback(host):
            output.say(f"open to other machines, and {NO_PASSWORD}")
        output.say("open it in a browser; Ctrl+C ends it and leaves runs alive")
        run_server(tab_command(home), listener, only_local=not allow_public)
    return ExitCode.GOOD


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"--port {port} is in use on {host}; give another one, or 0 for a free one") from error
        raise UsageError(f"cannot listen on --host {host!r} --port {port}: {error.strerror}") from error
