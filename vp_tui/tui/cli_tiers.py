"""The command that compares the number formats of a device."""

from typing import Annotated, Any

import typer

from vp_tui.tui.cli_app import AsJson, app, store
from vp_tui.tui.cli_options import config_options


@app.command(epilog="Example: vp-tui tiers -m esm2-650m -i proteins.fasta --output tiers.html")
@config_options(
    "model", "input", "sample", "seed", "device", "attention", "token_budget", "gates", "thresholds", "fp32_compare",
    "trust_remote_code", "oracle",
)  # fmt: skip
def tiers(
    config: dict[str, Any],
    format: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", help="Repeatable (default: all of this device, and emulated ones)."),
    ] = None,
    classifier: Annotated[
        str,
        typer.Option("--classifier", metavar="PTH", help="Count label flips of this classifier of the embeddings."),
    ] = "",
    again: Annotated[bool, typer.Option("--again", help="Repeat runs that the store has already.")] = False,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Also write .svg, .html, .md or .json.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Compare all number formats in accuracy, speed and energy.

    Validates one format after the other against FP32, each as an ordinary run of the store, and marks the fastest that
    passes. Emulated formats show accuracy only. An interrupted command continues with the format it was at.
    --classifier takes a file like VirNucPro's 500_model.pth that was trained on the embeddings of this model alone.
    """
    from vp_tui.tui.commands.tiers import run_tiers

    home, formats = store(), format or []
    code = run_tiers(home, config, formats=formats, classifier=classifier, again=again, file=output, as_json=json)
    raise typer.Exit(code)
