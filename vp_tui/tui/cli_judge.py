"""The commands that judge embeddings and runs: judge, baseline, compare, export, calibrate, policy."""

from typing import Annotated, Any

import typer

from vp_tui.core.config import RunConfig
from vp_tui.core.formats import BUILT_IN
from vp_tui.tui.cli_app import FORMATS, PRECISIONS, TABLES, AsJson, Detach, Group, Output, Reason, Run, app, store
from vp_tui.tui.cli_options import OPTIONS, config_options

_NOT_CALIBRATED = ("fp32_compare", "gates", "name", "tags", "thresholds")

baseline = typer.Typer(cls=Group, help="Pin, list and retire baselines.", no_args_is_help=True)
app.add_typer(baseline, name="baseline")

BaselineName = Annotated[str, typer.Option("--name", metavar="N", help="Name of the baseline.")]


@baseline.command("set", epilog="Example: vp-tui baseline set last --name release-1 --reason 'driver 570, torch 2.13'")
def baseline_set(run: Run, reason: Reason, name: BaselineName = "default") -> None:
    """Pin a run, or all completed repeats of its group.

    A baseline applies to comparable runs only, so one name may cover several models, data sets and machines. An older
    baseline with the same name for the same configuration is retired.
    """
    from vp_tui.tui.commands.baselines import pin

    pin(store(), run, name=name, reason=reason)


@baseline.command("list", epilog="Example: vp-tui baseline list --all --json")
def baseline_list(
    everything: Annotated[bool, typer.Option("--all", help="Include retired baselines.")] = False,
    json: AsJson = False,
) -> None:
    """List the baselines, newest first."""
    from vp_tui.tui.commands.baselines import print_baselines

    print_baselines(store(), everything=everything, as_json=json)


@baseline.command("unset", epilog="Example: vp-tui baseline unset release-1 --reason 'wrong data'")
def baseline_unset(
    name: Annotated[str, typer.Argument(metavar="N", help="Name of the baseline.")], reason: Reason
) -> None:
    """Retire a baseline; its runs can then be deleted."""
    from vp_tui.tui.commands.baselines import unpin

    unpin(store(), name, reason=reason)


@app.command(epilog="Example: vp-tui judge esm2-650m production.h5 -i proteins.fasta")
@config_options("sample", "seed", "strata", "device", "trust_remote_code", "gates", "name", "tags", "thresholds")
def judge(
    config: dict[str, Any],
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="File or folder of embeddings, or a checkpoint.")
    ],
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help="The same: what is to be judged.")],
    input: Annotated[
        str, typer.Option("--input", "-i", metavar="FASTA", help="The sequences; needed where a side is a checkpoint.")
    ] = "",
    precision: Annotated[
        str, typer.Option("--precision", metavar=PRECISIONS, help="The candidate's, if its file does not say (fp16).")
    ] = "",
    reference_precision: Annotated[
        str, typer.Option("--reference", metavar=PRECISIONS, help="The reference's, if its file does not say (fp32).")
    ] = "",
    truth: Annotated[str, typer.Option("--truth", metavar="TSV", help="True labels of predictions.")] = "",
    id_column: Annotated[str, typer.Option("--id-column", metavar="NAME", help="Column of ids in predictions.")] = "",
    label_column: Annotated[str, typer.Option("--label-column", metavar="NAME", help="Their column of labels.")] = "",
    score_column: Annotated[
        str, typer.Option("--score-column", metavar="NAME", help="Their column with the probability of virus.")
    ] = "",
    detach: Detach = False,
    json: AsJson = False,
) -> None:
    """Judge embeddings or predictions that any program wrote.

    Both sides are matched by id and judged by the measures of a run; the result is kept as a run. Files: .npz,
    .safetensors, .npy with -i, .pt as VirNucPro and fair-esm write them, HDF5, Parquet, or a folder of them. A
    checkpoint on one side is encoded in fp32 (--sample sequences at most). Predictions: VirNucPro's
    prediction_results.txt and prediction_results_highestscore.csv, or any .csv, .tsv or .txt with a header.
    """
    from vp_tui.tui.commands.judged import checked
    from vp_tui.tui.commands.starting import start_and_follow

    said = {"precision": precision, "reference": reference_precision}
    tables = {"truth": truth, "id-column": id_column, "label-column": label_column, "score-column": score_column}
    home = store()
    asked = checked(home, config, reference, candidate, fasta=input, said=said, tables=tables)
    raise typer.Exit(start_and_follow(home, asked, detach=detach, as_json=json))


@app.command(epilog="Example: vp-tui compare baseline:release-1 last --format md > comparison.md")
def compare(
    base: Annotated[str, typer.Argument(metavar="A", help="Baseline: a run, `baseline` or `baseline:NAME`.")],
    candidate: Annotated[str, typer.Argument(metavar="B", help="Candidate run.")],
    format: Annotated[str, typer.Option("--format", metavar=FORMATS, help="Output format.")] = "table",
    output: Output = "",
    everything: Annotated[bool, typer.Option("--all", help="All metrics, not only differences.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 6 when inconclusive or suspect.")] = False,
) -> None:
    """Compare run B with baseline A.

    A repeat stands for all completed runs of its group. The comparison is stored.

    Exit codes: 0 equivalent, identical or improved; 3 regressed; 4 the candidate fails its own validation; 5 not
    comparable or no such baseline; 6 inconclusive or suspect (with --strict); 7 a run without a result.
    """
    from vp_tui.tui.commands.judging import compare_runs

    home, name = store(), format
    code = compare_runs(home, base, candidate, format=name, file=output, everything=everything, strict=strict)
    raise typer.Exit(code)


@app.command(epilog="Example: vp-tui export last 12 --format csv --table runs --output runs.csv")
def export(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Runs: id, prefix of the uuid, name, `last` or `baseline`.")
    ],
    format: Annotated[str, typer.Option("--format", metavar=FORMATS, help="Output format.")] = "json",
    table: Annotated[
        str, typer.Option("--table", metavar=TABLES, help="Table of a csv file (default: sequences).")
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE|FOLDER", help="Output file (default: stdout).")
    ] = "",
) -> None:
    """Export runs with all measures and per-sequence rows.

    A csv file has one kind of row. With an existing folder as --output and without --table all tables are written.
    """
    from vp_tui.tui.commands.judging import export_runs

    export_runs(store(), runs, format=format, table=table, file=output)


@app.command(epilog="Example: vp-tui calibrate -m esm2-650m -i proteins.fasta --repeats 5")
@config_options(*(name for name in OPTIONS if name not in _NOT_CALIBRATED), oracle=0)
def calibrate(
    config: dict[str, Any],
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=3, max=50, help="Runs per side; twice as many in all.")
    ] = 5,
    json: AsJson = False,
) -> None:
    """Measure run-to-run noise with A/A repeats.

    Later comparisons of runs with the same model, data, precision and machine use the result.
    """
    from vp_tui.tui.commands.calibration import calibrate as measure

    raise typer.Exit(measure(store(), config | {"name": "calibration"}, repeats, as_json=json))


@app.command(epilog='Example: eval "$(vp-tui policy -m esm2-3b --env)"')
@config_options("model", "device")
def policy(
    config: dict[str, Any],
    precision: Annotated[
        str,
        typer.Option("--precision", metavar=f"fp16|bf16|tf32|{'|'.join(BUILT_IN)}", help="Precision to evaluate."),
    ] = RunConfig.model_fields["precision"].default,
    env: Annotated[bool, typer.Option("--env", help="Print lines for `eval`, with the reason on stderr.")] = False,
    target: Annotated[
        str,
        typer.Option("--for", metavar="fork|virnucpro|json", help="Lines for this program, as --env (default: fork)."),
    ] = "",
    json: AsJson = False,
) -> None:
    """Print the precision that production should use.

    It is the requested precision where a run of this checkpoint on this GPU is evidence for it (300 sequences of every
    stratum, faster than fp32, no later failure), else fp32. With --env the lines that switch FP16 off are printed
    even after an error.
    """
    from vp_tui.tui.commands.policy import print_policy

    options = {"device": config["device"], "as_env": env or bool(target), "as_json": json, "target": target or "fork"}
    print_policy(store, config["model"], precision, **options)
