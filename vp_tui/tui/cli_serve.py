"""The command that shows the dashboard in a browser: serve."""

from typing import Annotated

import typer

from vp_tui.tui.cli_app import app, home


@app.command(epilog="Example: vp-tui serve, and on your own machine: ssh -L 8000:localhost:8000 HOST")
def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="0 takes a free one.")] = 8000,
    allow_public: Annotated[
        bool, typer.Option("--allow-public", help="Listen beyond this machine, though there is no password.")
    ] = False,
) -> None:
    """Show the dashboard in a browser, a tab of its own for everyone who opens the page; Ctrl+C ends it."""
    from vp_tui.tui.commands.serve import serve_dashboard

    raise typer.Exit(serve_dashboard(home(), host, port, allow_public=allow_public))
