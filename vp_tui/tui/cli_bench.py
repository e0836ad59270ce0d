"""The command that measures speed: bench."""

from typing import Annotated

import typer

from vp_tui.tui import cli_app
from vp_tui.tui.cli_app import PRECISIONS, app


@app.command(epilog="Example: vp-tui bench --model esm2-3b --random-weights --peers")
def bench(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="As in run; repeatable. Left out: esm2-3b, esm2-650m and dnabert-s."),
    ] = None,
    random_weights: Annotated[
        bool,
        typer.Option("--random-weights", help="Build the named shape without a download; speed only."),
    ] = False,
    precision: Annotated[
        list[str] | None,
        typer.Option("--precision", metavar=PRECISIONS, help="Repeatable; left out: all four."),
    ] = None,
    lengths: Annotated[
        str,
        typer.Option("--lengths", metavar="virnucpro|uniref|FASTA", help="What is encoded; uniref if left out."),
    ] = "",
    peers: Annotated[
        bool, typer.Option("--peers", help="Other engines too: transformers, and faesm and fair-esm where installed.")
    ] = False,
    waterfall: Annotated[bool, typer.Option("--waterfall", help="What each technique gains, and its error.")] = False,
    tokens: Annotated[int, typer.Option("--tokens", help="Per timed block; 0: what a quarter second takes.")] = 0,
    token_budget: cli_app.TokenBudget = "auto",
    device: cli_app.Device = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the document (JSON) on stdout.")] = False,
) -> None:
    """Measure speed: ceilings of this device, this engine in every precision, and its peers, beside the goals.

    Missed goals are no error: the exit code is 0 once everything was measured. Ctrl+C ends it after the step in hand
    and prints what there is (exit code 130).
    """
    from vp_tui.tui.commands.bench import run_bench

    options = {
        "models": model, "random_weights": random_weights, "precisions": precision, "lengths": lengths,
        "peers": peers, "waterfall": waterfall, "tokens": tokens, "token_budget": token_budget, "device": device,
    }  # fmt: skip
    raise typer.Exit(run_bench(cli_app.home(), options, as_json=json))
