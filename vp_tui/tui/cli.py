"""The command line: `vp-tui` opens the dashboard, every command has --help with an example.

stdout carries results only, diagnostics go to stderr. This module has the commands that start something; cli_history,
cli_judge, cli_machine, cli_plans and cli_checkpoint have the others, all on the app of cli_app.
"""

import atexit
import gc
import os
import sys
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError, VpTuiError
from vp_tui.core.text import safe
from vp_tui.tui import cli_app, cli_checkpoint, cli_history, cli_judge, cli_machine, cli_plans, policy_line, streams
from vp_tui.tui.cli_app import app
from vp_tui.tui.cli_options import OPTIONS, config_options, proving

__all__ = ["app", "cli_checkpoint", "cli_history", "cli_judge", "cli_machine", "cli_plans", "main", "process"]


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


NoOracle = Annotated[bool, typer.Option("--no-oracle", help="Encode nothing in FP64; the reference stays unproved.")]
AutoSearch = Annotated[
    bool, typer.Option("--auto-search", help="After a FAIL, search for the operations to keep in FP32.")
]
Notify = Annotated[
    str,
    typer.Option(
        "--notify",
        metavar="CMD|URL",
        envvar="VP_TUI_NOTIFY",
        help="Command to start, or address to post to, when a run ends; VP_TUI_RUN_* has its fields.",
    ),
]
NotifyOn = Annotated[
    str,
    typer.Option(
        "--notify-on", metavar="fail|warn|always", envvar="VP_TUI_NOTIFY_ON", help="The least bad end to tell."
    ),
]
Resume = Annotated[
    str,
    typer.Option(
        "--resume", metavar="RUN|auto", help="Go on with an interrupted run; auto: the newest with these settings."
    ),
]


@app.command(epilog="Example: vp-tui run -m esm2-650m -i proteins.fasta --sample 10000 --json > run.json")
@config_options(*OPTIONS, model="", input="")
def run(
    context: typer.Context,
    config: dict[str, Any],
    repeats: Annotated[int, typer.Option("--repeats", metavar="N", min=1, help="Repeats, in fresh processes.")] = 1,
    baseline: Annotated[str, typer.Option("--baseline", metavar="NAME", help="Baseline to compare with.")] = "",
    no_oracle: NoOracle = False,
    auto_search: AutoSearch = False,
    notify: Notify = "",
    notify_on: NotifyOn = "always",
    resume: Resume = "",
    detach: cli_app.Detach = False,
    json: cli_app.AsJson = False,
) -> None:
    """Validate a precision on your own sequences.

    Progress goes to stderr, the result to stdout: a report, or with --json the run document (with --repeats an array
    of them). --resume RUN needs no other option; --resume auto starts a new run where there is nothing to go on with.
    """
    from vp_tui.core.runs.early import begun
    from vp_tui.core.runs.notify import request

    _require_fitting(cli_app.given(context), resume)
    request(os.environ, notify, notify_on)
    config["oracle"] = proving(config["oracle"], is_refused=no_oracle)
    is_single = repeats == 1 and not baseline and not auto_search
    with begun(cli_app.home()) if is_single else nullcontext() as early:
        # imported while the run's process imports
        from vp_tui.tui.commands.series import resume as go_on
        from vp_tui.tui.commands.series import validate

        home, against = cli_app.store(), baseline or None
        if resume:
            values = config if resume == "auto" else None
            code = go_on(home, values, resume, detach=detach, as_json=json, early=early)
        else:
            code = validate(
                home, config, count=repeats, baseline=against, auto_search=auto_search, detach=detach, as_json=json,
                early=early,
            )  # fmt: skip
    raise typer.Exit(code)


def _require_fitting(given: set[str], resume: str) -> None:
    """Raise UsageError for options of `run` that miss model or sequences, or do not go with --resume."""
    own = given - {"--detach", "--json", "--resume", "--notify", "--notify-on"}
    if resume and resume != "auto" and own:
        raise UsageError(f"--resume {resume} takes the settings of that run: omit {', '.join(sorted(own))}")
    if resume and own & {"--repeats", "--baseline", "--auto-search"}:
        raise UsageError("--resume cannot be combined with --repeats, --baseline or --auto-search: omit one of them")
    missing = {"--model", "--input"} - own
    if missing and (not resume or resume == "auto"):
        raise UsageError(f"missing option {' and '.join(sorted(missing))}; `vp-tui run --help` has an example")


@app.command(epilog="Example: vp-tui demo --fault overflow --no-tui")
@config_options("gates", "devices")
def demo(
    config: dict[str, Any],
    no_tui: Annotated[bool, typer.Option("--no-tui", help="Report on stderr and stdout; open no dashboard.")] = False,
    fault: Annotated[
        str, typer.Option("--fault", metavar="NAME", help="Inject a fault into checkpoint or engine.")
    ] = "",
    list_faults: Annotated[bool, typer.Option("--list-faults", help="List the faults and exit.")] = False,
    json: cli_app.AsJson = False,
) -> None:
    """Validate two tiny synthetic models on this machine.

    Makes two checkpoints and synthetic sequences in the cache, and validates FP16 against FP32 on the device there is.
    """
    from vp_tui.tui.commands.starting import print_faults, run_demo

    if list_faults:
        raise typer.Exit(print_faults())
    on_screen = not no_tui and not json and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    home = cli_app.store()
    raise typer.Exit(run_demo(home, **config, fault=fault or None, on_screen=on_screen, as_json=json))


@app.command(epilog="Example: vp-tui embed -m esm2-650m -i proteins.fasta -o embeddings.npz")
@config_options(
    "model", "input", "precision", "device", "attention", "token_budget", "trust_remote_code",
    precision=RunConfig.model_fields["reference"].default,
)  # fmt: skip
def embed(
    config: dict[str, Any],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="File to write: .npz, .safetensors or .pt.")
    ],
) -> None:
    """Write the embeddings of all sequences, in input order."""
    from vp_tui.tui.commands.starting import run_embed

    raise typer.Exit(run_embed(cli_app.home(), config, output))


_EsmPrecision = Annotated[
    str, typer.Option("--esm-precision", metavar=cli_app.PRECISIONS, help="The protein model's, if another.")
]
_DnabertPrecision = Annotated[
    str, typer.Option("--dnabert-precision", metavar=cli_app.PRECISIONS, help="The DNA model's, if another.")
]
_CandidateEsm = Annotated[
    str, typer.Option("--candidate-esm", metavar="MODEL", help="Another protein model, as the candidate.")
]
_CandidateClassifier = Annotated[
    str, typer.Option("--candidate-classifier", metavar="PTH", help="Its classifier, if another.")
]
_Truth = Annotated[str, typer.Option("--truth", metavar="TSV", help="True labels of frames, chunks or contigs.")]


@app.command(epilog="Example: vp-tui virnucpro -i contigs.fasta --classifier 500_model.pth --json > virnucpro.json")
@config_options("precision", "device", "attention", "gates", "thresholds")
def virnucpro(
    config: dict[str, Any],
    input: Annotated[
        str,
        typer.Option(
            "--input", "-i", metavar="FASTA", help="Contigs or reads: FASTA or FASTQ; - reads standard input."
        ),
    ],
    chunk: Annotated[
        int, typer.Option("--chunk", metavar="N", min=30, max=3000, help="Bases per chunk: 300 or 500.")
    ] = 500,
    esm: Annotated[str, typer.Option("--esm", metavar="MODEL", help="Protein model.")] = "esm2-3b",
    dnabert: Annotated[str, typer.Option("--dnabert", metavar="MODEL", help="DNA model.")] = "dnabert-s",
    esm_precision: _EsmPrecision = "",
    dnabert_precision: _DnabertPrecision = "",
    classifier: Annotated[
        str, typer.Option("--classifier", metavar="PTH", help="Classifier, as VirNucPro's 500_model.pth.")
    ] = "",
    candidate_esm: _CandidateEsm = "",
    candidate_classifier: _CandidateClassifier = "",
    truth: _Truth = "",
    sample: Annotated[int, typer.Option("--sample", metavar="N", min=0, help="Maximum number of contigs; 0: all.")] = 0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the sample.")] = 0,
    json: cli_app.AsJson = False,
) -> None:
    """Validate VirNucPro's whole front end in both precisions.

    Contigs are cut into chunks and six frames, both models embed them, the classifier labels them, and the labels of
    both precisions are compared and kept as a run. With --candidate-esm the labels of that model in --precision are
    compared with those of --esm in fp32.
    """
    from vp_tui.tui.commands.virnucpro import run_virnucpro

    options = {
        "input": input, "chunk": chunk, "esm": esm, "dnabert": dnabert, "classifier": classifier, "sample": sample,
        "seed": seed, "esm_precision": esm_precision, "dnabert_precision": dnabert_precision,
        "candidate_esm": candidate_esm, "candidate_classifier": candidate_classifier, "truth": truth,
    }  # fmt: skip
    raise typer.Exit(run_virnucpro(cli_app.store(), config | options, as_json=json))


def main() -> int:
    """Run the command of sys.argv; an error becomes one line on stderr and its exit code."""
    streams.prepare()
    return streams.finished(_promised)


def _promised() -> int:
    with policy_line.promised(sys.argv[1:]):
        code = _called()
        if code:
            policy_line.keep()
        return code


def _called() -> int:
    try:
        streams.require_text(sys.argv[1:])
        app(prog_name="vp-tui")
    except SystemExit as ended:
        # typer has reported wrong usage, Ctrl+C and a closed pipe by now
        return 0 if streams.is_closed_pipe() else int(ended.code or 0)
    except VpTuiError as error:
        sys.stderr.write(f"error: {safe(error)}\n")
        return error.exit_code
    return 0


def process() -> int:
    """Run the console script in a process of its own, without the garbage collections at its end (0.15 s)."""
    atexit.register(gc.freeze)
    return main()


if __name__ == "__main__":
    sys.exit(process())
