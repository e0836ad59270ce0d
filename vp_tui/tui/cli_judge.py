"""The commands that hold one run against another: baseline, compare, export, calibrate, policy."""

from typing import Annotated

import typer

from vp_tui.tui import cli_app
from vp_tui.tui.cli_app import FORMATS, Output, Reason, Run, app, store

baseline = typer.Typer(help="Pinned baselines: what later runs are held against.", no_args_is_help=True)
app.add_typer(baseline, name="baseline")

BaselineName = Annotated[str, typer.Option("--name", metavar="N", help="Name of the baseline.")]


@baseline.command("set", epilog="Example: vp-tui baseline set last --name release-1 --reason 'driver 570, torch 2.13'")
def baseline_set(run: Run, reason: Reason, name: BaselineName = "default") -> None:
    """Pin a run; where it is one of several repeats, all completed ones of its group.

    A baseline holds for runs that are comparable with it: one name may stand for several models, data sets and
    machines. An older one with the same name for the same question is replaced and kept as history.
    """
    from vp_tui.tui.commands.baselines import pin

    pin(store(), run, name=name, reason=reason)


@baseline.command("list", epilog="Example: vp-tui baseline list --all --json")
def baseline_list(
    everything: Annotated[bool, typer.Option("--all", help="Those that were replaced or given up, too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="An array of baselines.")] = False,
) -> None:
    """List the baselines, newest first."""
    from vp_tui.tui.commands.baselines import print_baselines

    print_baselines(store(), everything=everything, as_json=json)


@baseline.command("unset", epilog="Example: vp-tui baseline unset release-1 --reason 'wrong data'")
def baseline_unset(
    name: Annotated[str, typer.Argument(metavar="N", help="Name of the baseline.")], reason: Reason
) -> None:
    """Give a baseline up; it stays in the history, and its runs may be deleted again."""
    from vp_tui.tui.commands.baselines import unpin

    unpin(store(), name, reason=reason)


@app.command(epilog="Example: vp-tui compare baseline:release-1 last --format md > comparison.md")
def compare(
    base: Annotated[str, typer.Argument(metavar="A", help="The baseline: a run, `baseline` or `baseline:NAME`.")],
    candidate: Annotated[str, typer.Argument(metavar="B", help="What is held against it: a run.")],
    format: Annotated[str, typer.Option("--format", metavar=FORMATS, help="How to write it.")] = "table",
    output: Output = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything, not differences only.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Inconclusive or suspect is exit code 6, not 0.")] = False,
) -> None:
    """Compare run B with run A; a repeat stands for all completed runs of its group. The comparison is stored.

    Exit codes: 0 equivalent, identical or improved; 3 regressed; 4 the candidate fails on its own; 5 not comparable or
    no such baseline; 6 inconclusive or suspect (with --strict); 7 a run without a result.
    """
    from vp_tui.tui.commands.judging import compare_runs

    home, name = store(), format
    code = compare_runs(home, base, candidate, format=name, file=output, everything=everything, strict=strict)
    raise typer.Exit(code)


@app.command(epilog="Example: vp-tui export last 12 --format csv --output runs.csv")
def export(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, each as `show` takes it.")],
    format: Annotated[str, typer.Option("--format", metavar=FORMATS, help="How to write them.")] = "json",
    output: Output = "",
) -> None:
    """Write runs with all measures and their rows per sequence."""
    from vp_tui.tui.commands.judging import export_runs

    export_runs(store(), runs, format=format, file=output)


@app.command(epilog="Example: vp-tui calibrate -m esm2-650m -i proteins.fasta --repeats 5")
def calibrate(
    model: cli_app.Model,
    input: cli_app.Input,
    repeats: Annotated[int, typer.Option("--repeats", min=3, max=50, help="Runs per side; twice as many run.")] = 5,
    precision: cli_app.Precision = "fp16",
    reference: cli_app.Reference = "fp32",
    sample: cli_app.Sample = 10_000,
    seed: cli_app.Seed = 0,
    strata: cli_app.Strata = "",
    device: cli_app.Device = "auto",
    token_budget: cli_app.TokenBudget = "auto",
    attention: cli_app.Attention = "auto",
    trust_remote_code: cli_app.TrustRemoteCode = False,
    oracle: cli_app.Oracle = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the noise floor as JSON.")] = False,
) -> None:
    """Measure how far repeats of one unchanged configuration lie apart (A/A): what a comparison must exceed.

    Later comparisons of runs on the same model, data, precision and machine use it by themselves.
    """
    from vp_tui.tui.commands.calibration import calibrate as measure

    config = {
        "model": model, "input": input, "precision": precision, "reference": reference, "sample": sample, "seed": seed,
        "strata": strata, "device": device, "token_budget": token_budget, "attention": attention, "oracle": oracle,
        "trust_remote_code": trust_remote_code, "name": "calibration",
    }  # fmt: skip
    raise typer.Exit(measure(store(), config, repeats, as_json=json))


@app.command(epilog='Example: eval "$(vp-tui policy -m esm2-3b --env)"')
def policy(
    model: cli_app.Model,
    precision: Annotated[
        str, typer.Option("--precision", metavar="fp16|bf16|tf32", help="What is hoped for.")
    ] = "fp16",
    device: cli_app.Device = "auto",
    env: Annotated[bool, typer.Option("--env", help="Print one line for `eval`; the reason goes to stderr.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """What production should run in now: the precision that the newest run of this checkpoint here allows, or fp32.

    With --env anything that goes wrong still prints the line that switches FP16 off.
    """
    from vp_tui.tui.commands.policy import print_policy

    print_policy(store, model, precision, device=device, as_env=env, as_json=json)
