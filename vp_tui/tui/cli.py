"""The command line: `vp-tui` opens the dashboard, every command has --help with an example.

stdout carries results only, diagnostics go to stderr. What starts something stands here; the commands of the history,
of judging, of speed, of the store and of the browser are in cli_history, cli_judge, cli_bench, cli_store and cli_serve,
all on the app of cli_app.
"""

import os
import sys
from typing import Annotated, Any

import typer

from vp_tui.core.errors import ExitCode, VpTuiError
from vp_tui.tui import cli_app, cli_bench, cli_history, cli_judge, cli_serve, cli_store
from vp_tui.tui.cli_app import app

__all__ = ["app", "cli_bench", "cli_history", "cli_judge", "cli_serve", "cli_store", "main"]

# Newer typer bundles its own click; this is ClickException in either.
_ClickError: Any = typer.BadParameter.__mro__[2]


def _version(asked: bool) -> None:
    if asked:
        from vp_tui import __version__

        typer.echo(f"vp-tui {__version__}")
        raise typer.Exit


@app.callback(epilog="Example: vp-tui demo")
def dashboard(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Validate FP16 against FP32 for protein and DNA language models; without a command, open the dashboard."""
    if context.invoked_subcommand is None:
        from vp_tui.tui.dashboard import run_dashboard

        raise typer.Exit(run_dashboard(cli_app.home(), prepare=cli_app.store))


@app.command(epilog="Example: vp-tui run -m esm2-650m -i proteins.fasta --sample 10000 --json > run.json")
def run(
    model: cli_app.Model,
    input: cli_app.Input,
    precision: cli_app.Precision = "fp16",
    reference: cli_app.Reference = "fp32",
    sample: cli_app.Sample = 10_000,
    seed: cli_app.Seed = 0,
    strata: cli_app.Strata = "",
    device: cli_app.Device = "auto",
    token_budget: cli_app.TokenBudget = "auto",
    attention: cli_app.Attention = "auto",
    trust_remote_code: cli_app.TrustRemoteCode = False,
    fp32_compare: cli_app.Fp32Compare = False,
    gates: cli_app.Gates = "mission",
    thresholds: cli_app.ThresholdsFile = "",
    oracle: cli_app.Oracle = 64,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Fresh processes, one after the other.")] = 1,
    baseline: Annotated[str, typer.Option("--baseline", metavar="NAME", help="Compare with it at the end.")] = "",
    name: cli_app.Name = "",
    tag: cli_app.Tags = None,
    detach: cli_app.Detach = False,
    json: cli_app.AsJson = False,
) -> None:
    """Validate a precision on real sequences; progress on stderr, the result on stdout (with --repeats an array)."""
    from vp_tui.tui.commands.series import validate

    config = {
        "model": model, "input": input, "precision": precision, "reference": reference, "sample": sample, "seed": seed,
        "strata": strata, "device": device, "fp32_compare": fp32_compare, "gates": gates, "name": name,
        "token_budget": token_budget, "attention": attention, "trust_remote_code": trust_remote_code,
        "thresholds": thresholds, "oracle": oracle, "tags": cli_app.pairs(tag or [], "--tag"),
    }  # fmt: skip
    home, against = cli_app.store(), baseline or None
    raise typer.Exit(validate(home, config, count=repeats, baseline=against, detach=detach, as_json=json))


@app.command(epilog="Example: vp-tui demo --fault overflow --no-tui")
def demo(
    no_tui: Annotated[bool, typer.Option("--no-tui", help="Report on stderr and stdout, open no dashboard.")] = False,
    fault: Annotated[str, typer.Option("--fault", metavar="NAME", help="Plant a fault in checkpoint or engine.")] = "",
    list_faults: Annotated[bool, typer.Option("--list-faults", help="List the faults and end.")] = False,
    gates: cli_app.Gates = "mission",
    json: cli_app.AsJson = False,
) -> None:
    """Make two tiny checkpoints and synthetic sequences, validate FP16 against FP32 on whatever device there is."""
    from vp_tui.tui.commands.starting import print_faults, run_demo

    if list_faults:
        raise typer.Exit(print_faults())
    on_screen = not no_tui and not json and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    raise typer.Exit(run_demo(cli_app.store(), fault=fault or None, gates=gates, on_screen=on_screen, as_json=json))


@app.command(epilog="Example: vp-tui embed -m esm2-650m -i proteins.fasta -o embeddings.npz")
def embed(
    model: cli_app.Model,
    input: cli_app.Input,
    output: Annotated[str, typer.Option("--output", "-o", help="File to write: .npz, .safetensors or .pt.")],
    precision: Annotated[str, typer.Option("--precision", help="fp32, tf32, bf16 or fp16.")] = "fp32",
    device: cli_app.Device = "auto",
    attention: cli_app.Attention = "auto",
    token_budget: cli_app.TokenBudget = "auto",
    trust_remote_code: cli_app.TrustRemoteCode = False,
) -> None:
    """Write the embeddings of all sequences, in input order."""
    from vp_tui.tui.commands.starting import run_embed

    config = {
        "model": model, "input": input, "precision": precision, "device": device, "attention": attention,
        "token_budget": token_budget, "trust_remote_code": trust_remote_code,
    }  # fmt: skip
    raise typer.Exit(run_embed(cli_app.home(), config, output))


@app.command(epilog="Example: vp-tui virnucpro -i contigs.fasta --classifier 500_model.pth --json > virnucpro.json")
def virnucpro(
    input: Annotated[str, typer.Option("--input", "-i", help="Contigs or reads: FASTA or FASTQ, plain or gzip.")],
    chunk: Annotated[int, typer.Option("--chunk", min=30, max=3000, help="Bases per chunk, 300 or 500.")] = 500,
    esm: Annotated[str, typer.Option("--esm", metavar="MODEL", help="Reads the proteins.")] = "esm2-3b",
    dnabert: Annotated[str, typer.Option("--dnabert", metavar="MODEL", help="Reads the bases.")] = "dnabert-s",
    classifier: Annotated[str, typer.Option("--classifier", metavar="PTH", help="VirNucPro's 500_model.pth.")] = "",
    precision: cli_app.Precision = "fp16",
    device: cli_app.Device = "auto",
    sample: Annotated[int, typer.Option("--sample", min=0, help="Contigs to draw; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the sample.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """VirNucPro's front end in both precisions: contigs, chunks, frames, both models, labels and their agreement."""
    from vp_tui.tui.commands.virnucpro import run_virnucpro

    options = {
        "input": input, "chunk": chunk, "esm": esm, "dnabert": dnabert, "classifier": classifier,
        "precision": precision, "device": device, "sample": sample, "seed": seed,
    }  # fmt: skip
    raise typer.Exit(run_virnucpro(cli_app.store(), options, as_json=json))


@app.command(epilog="Example: vp-tui doctor --json")
def doctor(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Versions, device, kernels that will be used and why, store health, terminal."""
    from vp_tui.tui.commands.doctor import examine

    raise typer.Exit(examine(cli_app.home(), as_json=json))


def main() -> int:
    """The console script: every error becomes one line on stderr and its exit code."""
    try:
        code = app(prog_name="vp-tui", standalone_mode=False)
    except _ClickError as error:
        error.show()
        code = ExitCode.USAGE
    except VpTuiError as error:
        sys.stderr.write(f"error: {error}\n")
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our stdout has gone (`| head`); Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.INTERNAL
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
