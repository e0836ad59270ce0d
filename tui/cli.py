"""The command line: `vp-tui` opens the dashboard, every command has --help with an example.

stdout carries results only, diagnostics go to stderr. Everything heavy is imported inside a command.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ExitCode, UsageError, VpTuiError
from vp_tui.core.store.home import Home

app = typer.Typer(
    name="vp-tui", invoke_without_command=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
db = typer.Typer(help="The run store.", no_args_is_help=True)
app.add_typer(db, name="db")

# Newer typer bundles its own click; this is ClickException in either.
_ClickError: Any = typer.BadParameter.__mro__[2]

ATTENTION = "auto|flash|varlen|sdpa|flex"
Run = Annotated[str, typer.Argument(metavar="RUN", help="An id, a unique prefix of the uuid, a name, or `last`.")]
ThresholdsFile = Annotated[
    str, typer.Option("--thresholds", metavar="FILE", help="Limits to use instead of ours: TOML, name = number.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the run document (JSON) on stdout.")]


def _field(name: str, *flags: str, **more: Any) -> Any:
    """A typer option whose help is the description of the RunConfig field."""
    return typer.Option(*flags, help=RunConfig.model_fields[name].description, **more)


def _home() -> Home:
    return Home.from_environment(os.environ)


def _store() -> Home:
    """The home with a store of the current schema, dead runs declared interrupted."""
    from vp_tui.core.store.lifecycle import reconcile
    from vp_tui.migrations import upgrade

    home = _home()
    upgrade(home)
    reconcile(home)
    return home


def _version(asked: bool) -> None:
    if asked:
        from vp_tui.core import __version__

        typer.echo(f"vp-tui {__version__}")
        raise typer.Exit


@app.callback(epilog="Example: vp-tui demo")
def dashboard(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Validate FP16 against FP32 for protein and DNA language models; without a command, open the dashboard."""
    if context.invoked_subcommand is None:
        from vp_tui.tui.app import run_dashboard

        raise typer.Exit(run_dashboard(_home(), prepare=_store))


@app.command(epilog="Example: vp-tui run -m esm2-650m -i proteins.fasta --sample 10000 --json > run.json")
def run(
    model: Annotated[str, _field("model", "--model", "-m")],
    input: Annotated[str, _field("input", "--input", "-i")],
    precision: Annotated[str, _field("precision", "--precision", metavar="fp32|tf32|bf16|fp16")] = "fp16",
    reference: Annotated[str, _field("reference", "--reference", metavar="fp32|tf32|bf16|fp16")] = "fp32",
    sample: Annotated[int, _field("sample", "--sample")] = 10_000,
    seed: Annotated[int, _field("seed", "--seed")] = 0,
    strata: Annotated[str, _field("strata", "--strata", metavar="N,N")] = "",
    device: Annotated[str, _field("device", "--device")] = "auto",
    token_budget: Annotated[str, _field("token_budget", "--token-budget")] = "auto",
    attention: Annotated[str, _field("attention", "--attention", metavar=ATTENTION)] = "auto",
    trust_remote_code: Annotated[bool, _field("trust_remote_code", "--trust-remote-code")] = False,
    fp32_compare: Annotated[bool, _field("fp32_compare", "--fp32-compare")] = False,
    gates: Annotated[str, _field("gates", "--gates", metavar="mission|strict")] = "mission",
    thresholds: ThresholdsFile = "",
    oracle: Annotated[int, _field("oracle", "--oracle")] = 64,
    name: Annotated[str, _field("name", "--name")] = "",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="K=V", help="A note on the run; repeatable.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Print the run's id and return at once.")] = False,
    json: AsJson = False,
) -> None:
    """Validate a precision on real sequences; progress on stderr, the result on stdout."""
    from vp_tui.tui.commands import start_and_follow

    config = {
        "model": model, "input": input, "precision": precision, "reference": reference, "sample": sample, "seed": seed,
        "strata": strata, "device": device, "fp32_compare": fp32_compare, "gates": gates, "name": name,
        "token_budget": token_budget, "attention": attention, "trust_remote_code": trust_remote_code,
        "thresholds": thresholds, "oracle": oracle, "tags": _tags(tag or []),
    }  # fmt: skip
    raise typer.Exit(start_and_follow(_store(), config, detach=detach, as_json=json))


def _tags(pairs: Sequence[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair or pair.startswith("="):
            raise UsageError(f"--tag {pair!r}: write it as key=value")
    return dict(pair.split("=", 1) for pair in pairs)


@app.command(epilog="Example: vp-tui demo --fault overflow --no-tui")
def demo(
    no_tui: Annotated[bool, typer.Option("--no-tui", help="Report on stderr and stdout, open no dashboard.")] = False,
    fault: Annotated[str, typer.Option("--fault", metavar="NAME", help="Plant a fault in checkpoint or engine.")] = "",
    list_faults: Annotated[bool, typer.Option("--list-faults", help="List the faults and end.")] = False,
    gates: Annotated[str, _field("gates", "--gates", metavar="mission|strict")] = "mission",
    json: AsJson = False,
) -> None:
    """Make two tiny checkpoints and synthetic sequences, validate FP16 against FP32 on whatever device there is."""
    from vp_tui.tui.commands import print_faults, run_demo

    if list_faults:
        raise typer.Exit(print_faults())
    on_screen = not no_tui and not json and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    raise typer.Exit(run_demo(_store(), fault=fault or None, gates=gates, on_screen=on_screen, as_json=json))


@app.command(epilog="Example: vp-tui runs --json | jq '.[0].verdict'")
def runs(json: Annotated[bool, typer.Option("--json", help="An array of short run documents.")] = False) -> None:
    """List the runs, newest first."""
    from vp_tui.tui.commands import print_runs

    print_runs(_store(), as_json=json)


@app.command(epilog="Example: vp-tui show last --json")
def show(
    run: Run,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Measure again from the stored embeddings; the run stays as it is.")
    ] = False,
    thresholds: ThresholdsFile = "",
    json: AsJson = False,
) -> None:
    """Show one run in full: verdict, findings, every measure, what the gates could not have seen, speed."""
    from vp_tui.tui.commands import print_run

    if thresholds and not recompute:
        raise UsageError("--thresholds judges a stored run anew: give --recompute too")
    print_run(_store(), run, recompute=recompute, thresholds=thresholds, as_json=json)


@app.command(epilog="Example: vp-tui watch last --once")
def watch(
    run: Run,
    once: Annotated[bool, typer.Option("--once", help="Show the state as it is and end.")] = False,
    json: AsJson = False,
) -> None:
    """Follow a run to its end, however it was started; Ctrl+C leaves it running."""
    from vp_tui.tui.commands import watch_run

    raise typer.Exit(watch_run(_store(), run, once=once, as_json=json))


@app.command(epilog="Example: vp-tui stop last")
def stop(run: Run) -> None:
    """Stop a run; what it has stored so far is kept."""
    from vp_tui.tui.commands import stop_run

    stop_run(_store(), run)


@app.command(epilog="Example: vp-tui embed -m esm2-650m -i proteins.fasta -o embeddings.npz")
def embed(
    model: Annotated[str, _field("model", "--model", "-m")],
    input: Annotated[str, _field("input", "--input", "-i")],
    output: Annotated[str, typer.Option("--output", "-o", help="File to write: .npz, .safetensors or .pt.")],
    precision: Annotated[str, typer.Option("--precision", help="fp32, tf32, bf16 or fp16.")] = "fp32",
    device: Annotated[str, _field("device", "--device")] = "auto",
    attention: Annotated[str, _field("attention", "--attention", metavar=ATTENTION)] = "auto",
    token_budget: Annotated[str, _field("token_budget", "--token-budget")] = "auto",
    trust_remote_code: Annotated[bool, _field("trust_remote_code", "--trust-remote-code")] = False,
) -> None:
    """Write the embeddings of all sequences, in input order."""
    from vp_tui.tui.commands import run_embed

    config = {
        "model": model, "input": input, "precision": precision, "device": device, "attention": attention,
        "token_budget": token_budget, "trust_remote_code": trust_remote_code,
    }  # fmt: skip
    raise typer.Exit(run_embed(_home(), config, output))


@app.command(epilog="Example: vp-tui virnucpro -i contigs.fasta --classifier 500_model.pth --json > virnucpro.json")
def virnucpro(
    input: Annotated[str, typer.Option("--input", "-i", help="Contigs or reads: FASTA or FASTQ, plain or gzip.")],
    chunk: Annotated[int, typer.Option("--chunk", min=30, max=3000, help="Bases per chunk, 300 or 500.")] = 500,
    esm: Annotated[str, typer.Option("--esm", metavar="MODEL", help="Reads the proteins.")] = "esm2-3b",
    dnabert: Annotated[str, typer.Option("--dnabert", metavar="MODEL", help="Reads the bases.")] = "dnabert-s",
    classifier: Annotated[str, typer.Option("--classifier", metavar="PTH", help="VirNucPro's 500_model.pth.")] = "",
    precision: Annotated[str, _field("precision", "--precision", metavar="fp32|tf32|bf16|fp16")] = "fp16",
    device: Annotated[str, _field("device", "--device")] = "auto",
    sample: Annotated[int, typer.Option("--sample", min=0, help="Contigs to draw; 0 takes all.")] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the sample.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """VirNucPro's front end in both precisions: contigs, chunks, frames, both models, labels and their agreement."""
    from vp_tui.tui.virnucpro import run_virnucpro

    options = {
        "input": input, "chunk": chunk, "esm": esm, "dnabert": dnabert, "classifier": classifier,
        "precision": precision, "device": device, "sample": sample, "seed": seed,
    }  # fmt: skip
    raise typer.Exit(run_virnucpro(_store(), options, as_json=json))


@app.command(epilog="Example: vp-tui doctor --json")
def doctor(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Versions, device, kernels that will be used and why, store health, terminal."""
    from vp_tui.tui.doctor import examine

    raise typer.Exit(examine(_home(), as_json=json))


@db.command("path", epilog="Example: sqlite3 -readonly \"$(vp-tui db path)\" 'select count(*) from run'")
def db_path() -> None:
    """Print where the store is."""
    typer.echo(_home().database)


@db.command("upgrade", epilog="Example: vp-tui db upgrade")
def db_upgrade() -> None:
    """Create the store, or bring it to the newest schema."""
    from vp_tui.core.store.tables import REVISION
    from vp_tui.migrations import upgrade

    before = upgrade(_home())
    typer.echo(f"{_home().database}: schema {REVISION}" + (f", was {before}" if before != REVISION else ", as it was"))


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
