"""The command line: `vp-tui` opens the dashboard, every command has --help with an example.

stdout carries results only, diagnostics go to stderr. This module has the commands that start runs; cli_history,
cli_judge, cli_machine, cli_plans, cli_tiers, cli_embed, cli_virnucpro and cli_checkpoint have the others.
"""

import atexit
import gc
import os
import sys
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from vp_tui.core.errors import UsageError, VpTuiError
from vp_tui.core.text import safe
from vp_tui.tui import (
    cli_app,
    cli_checkpoint,
    cli_embed,
    cli_history,
    cli_judge,
    cli_machine,
    cli_plans,
    cli_tiers,
    cli_virnucpro,
    policy_line,
    streams,
)
from vp_tui.tui.cli_app import app
from vp_tui.tui.cli_options import OPTIONS, Emulate, config_options, emulated, proving

__all__ = [
    "app",
    "cli_checkpoint",
    "cli_embed",
    "cli_history",
    "cli_judge",
    "cli_machine",
    "cli_plans",
    "cli_tiers",
    "cli_virnucpro",
    "main",
    "process",
]


def _version(asked: bool) -> None:
    if asked:
        from vp_tui import __version__

        typer.echo(f"vp-tui {__version__}")
        raise typer.Exit


@app.callback(epilog=cli_app.ENVIRONMENT)
def dashboard(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Validate FP16 against FP32 for protein and DNA language models; without a command, open the dashboard."""
    if context.invoked_subcommand is None:
        from vp_tui.tui.dashboard import run_dashboard

        raise typer.Exit(run_dashboard(cli_app.home(), prepare=cli_app.store))


NoOracle = Annotated[
    bool,
    typer.Option("--no-oracle", help="Encode nothing in FP64, as --oracle 0; the reference stays unproved."),
]
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
        "--notify-on", metavar="fail|warn|always", envvar="VP_TUI_NOTIFY_ON", help="The least severe end to report."
    ),
]
Resume = Annotated[
    str,
    typer.Option(
        "--resume", metavar="RUN|auto", help="Continue an interrupted run; auto: the newest with these settings."
    ),
]


@app.command(epilog="Example: vp-tui run -m esm2-650m -i proteins.fasta --sample 10000 --json > run.json")
@config_options(*OPTIONS, model="", input="")
def run(
    context: typer.Context,
    config: dict[str, Any],
    repeats: Annotated[int, typer.Option("--repeats", metavar="N", min=1, help="Repeats, in fresh processes.")] = 1,
    baseline: Annotated[str, typer.Option("--baseline", metavar="NAME", help="Baseline to compare with.")] = "",
    emulate: Emulate = "",
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
    of them). --resume RUN needs no other option; --resume auto starts a new run where there is nothing to continue.
    """
    from vp_tui.core.runs.early import begun
    from vp_tui.core.runs.notify import request

    config = _settings(config, cli_app.given(context), resume, emulate=emulate, no_oracle=no_oracle)
    request(os.environ, notify, notify_on)
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


def _settings(config: dict[str, Any], given: set[str], resume: str, *, emulate: str, no_oracle: bool) -> dict[str, Any]:
    """Return the settings that the options of `run` give; raise UsageError for options that exclude each other."""
    _require_fitting(given, resume)
    if no_oracle and "--oracle" in given:
        raise UsageError("--no-oracle and --oracle exclude each other: use one of them")
    return config | emulated(emulate, given) | {"oracle": proving(config["oracle"], is_refused=no_oracle)}


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
