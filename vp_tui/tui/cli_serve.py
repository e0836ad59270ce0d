"""The command that shows the dashboard in a browser: serve."""

from typing import Annotated

import typer

from vp_tui.tui.cli_app import app, home


@app.command(epilog="Example: vp-tui serve, and on your own machine: ssh -L 8000:localhost:8000 HOST")
def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0: any free one.")] = 8000,
    allow_public: Annotated[
        bool, typer.Option("--allow-public", help="Allow an address that other machines can reach, without a password.")
    ] = False,
) -> None:
    """Show the dashboard in a browser.

    Every browser tab gets its own dashboard. Ctrl+C ends the server; runs continue.
    """
    from vp_tui.tui.commands.serve import serve_dashboard

    raise typer.Exit(serve_dashboard(home(), host, port, allow_public=allow_public))
