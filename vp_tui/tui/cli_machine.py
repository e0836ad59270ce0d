"""The commands about this machine: serve the dashboard to a browser, measure throughput, check the installation."""

from typing import Annotated, Any

import typer

from vp_tui.core.formats import BUILT_IN
from vp_tui.tui import cli_app
from vp_tui.tui.cli_app import app
from vp_tui.tui.cli_options import config_options


@app.command(epilog="Example: vp-tui serve, and on your own machine: ssh -L 8000:localhost:8000 HOST")
def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0: any free one.")] = 8000,
    allow_public: Annotated[
        bool, typer.Option("--allow-public", help="Allow an address that other machines can reach, unencrypted.")
    ] = False,
) -> None:
    """Show the dashboard in a browser.

    Every browser tab gets its own dashboard. Ctrl+C ends the server; runs continue.
    """
    from vp_tui.tui.commands.serve import serve_dashboard

    raise typer.Exit(serve_dashboard(cli_app.home(), host, port, allow_public=allow_public))


@app.command(epilog="Example: vp-tui bench --model esm2-3b --random-weights --peers")
@config_options("token_budget", "device")
def bench(
    config: dict[str, Any],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="MODEL", help="Repeatable (default: esm2-3b, esm2-650m, dnabert-s)."),
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Random weights instead of a checkpoint: speed only.")
    ] = False,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            "--precision",
            metavar=f"{cli_app.PRECISIONS}|{'|'.join(BUILT_IN)}",
            help="Repeatable, or with commas (default: the first four). FP8 and fp16-acc16 alternate with fp16.",
        ),
    ] = None,
    lengths: Annotated[
        str, typer.Option("--lengths", metavar="virnucpro|uniref|FASTA", help="Sequence lengths (default: uniref).")
    ] = "",
    peers: Annotated[
        bool, typer.Option("--peers", help="Also measure transformers, and faesm and fair-esm if installed.")
    ] = False,
    tokens: Annotated[
        int, typer.Option("--tokens", metavar="N", help="Tokens per timed block (0: enough for 0.25 s).")
    ] = 0,
    json: cli_app.AsJson = False,
) -> None:
    """Measure throughput against device limits and peers.

    Exit code 0 once everything was measured. Ctrl+C ends the command after the current step, prints what was measured
    so far and exits with 130.
    """
    from vp_tui.tui.commands.bench import run_bench

    options = {
        "models": model, "random_weights": random_weights, "precisions": precision, "lengths": lengths,
        "peers": peers, "tokens": tokens,
    }  # fmt: skip
    raise typer.Exit(run_bench(cli_app.home(), config | options, as_json=json))


@app.command(epilog="Example: vp-tui doctor --json")
def doctor(json: cli_app.AsJson = False) -> None:
    """Check device, kernels, versions, store and terminal."""
    from vp_tui.tui.commands.doctor import examine

    raise typer.Exit(examine(cli_app.home(), as_json=json))
