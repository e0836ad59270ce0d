"""The commands that look at runs and look after them: runs, show, watch, stop, rerun, tag, delete."""

from typing import Annotated

import typer

from vp_tui.core.errors import UsageError
from vp_tui.core.store.query.fields import FIELDS, OPERATORS
from vp_tui.tui.cli_app import AsJson, Detach, Run, ThresholdsFile, app, pairs, store

_WIDTH = max(len(field.name) for field in FIELDS)


def _query_help() -> str:
    """The fields of the query language, a line each."""
    lines = []
    for field in FIELDS:
        what, _, more = field.what.partition("; ")
        lines.append(f"{field.name:<{_WIDTH}}  {' '.join(OPERATORS[field.kind]):<13}  {what}")
        lines += [f"    {text}" for text in (more, ", ".join(field.choices)) if text]
    return "\n".join(["\b", "Fields:", *lines])


_RUNS_EPILOG = f"""Example: vp-tui runs model:esm2 status:failed 'speedup<1.8' tag.gpu:h200 since:7d

A word without a field is looked for in model, input, name and note. Terms next to each other must all hold; OR, NOT and
brackets are written as they are. Put a term with < or > or blanks in quotes of the shell, and inside them a value with
blanks in double quotes: 'name:"two words"'. A run without the value matches nothing and is never sorted first.

{_query_help()}
"""


@app.command(epilog=_RUNS_EPILOG)
def runs(
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY", help="What the runs must be like.")] = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar="KEY", help="A field, as speedup, -speedup (largest first), metric.M2.min.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, metavar="N", help="Show at most N; 0 shows all.")] = 500,
    json: Annotated[bool, typer.Option("--json", help="An array of short run documents.")] = False,
) -> None:
    """List the runs that match a query, newest first."""
    from vp_tui.tui.commands.history import print_runs

    print_runs(store(), " ".join(query or []), sort=sort or None, limit=limit, as_json=json)


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
    from vp_tui.tui.commands.history import print_run

    if thresholds and not recompute:
        raise UsageError("--thresholds judges a stored run anew: give --recompute too")
    print_run(store(), run, recompute=recompute, thresholds=thresholds, as_json=json)


@app.command(epilog="Example: vp-tui watch last --once")
def watch(
    run: Run,
    once: Annotated[bool, typer.Option("--once", help="Show the state as it is and end.")] = False,
    json: AsJson = False,
) -> None:
    """Follow a run to its end, however it was started; Ctrl+C leaves it running."""
    from vp_tui.tui.commands.history import watch_run

    raise typer.Exit(watch_run(store(), run, once=once, as_json=json))


@app.command(epilog="Example: vp-tui stop last")
def stop(run: Run) -> None:
    """Stop a run; what it has stored so far is kept."""
    from vp_tui.tui.commands.history import stop_run

    stop_run(store(), run)


@app.command(epilog="Example: vp-tui rerun last --detach")
def rerun(run: Run, detach: Detach = False, json: AsJson = False) -> None:
    """Run the same configuration again, in the precision that was asked for then."""
    from vp_tui.tui.commands.history import rerun_run

    raise typer.Exit(rerun_run(store(), run, detach=detach, as_json=json))


@app.command(epilog="Example: vp-tui tag last gpu=h200 release=1.4 --remove draft")
def tag(
    run: Run,
    tags: Annotated[list[str] | None, typer.Argument(metavar="K=V...", help="Tags to set.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="K", help="A tag to take away; repeatable.")
    ] = None,
) -> None:
    """Set and remove tags of a run, and print those it has."""
    from vp_tui.tui.commands.history import tag_run

    tag_run(store(), run, pairs(tags or [], "the tag"), remove or [])


@app.command(epilog="Example: vp-tui delete 12 --yes")
def delete(
    run: Run, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed without a terminal.")] = False
) -> None:
    """Delete a run with all its rows and its folder; what a baseline rests on stays."""
    from vp_tui.tui.commands.history import delete_run

    delete_run(store(), run, yes=yes)
