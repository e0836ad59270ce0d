"""The commands for stored runs (runs, show, watch, stop, rerun, tag, delete) and for the store itself (db)."""

from typing import Annotated, Any

import typer

from vp_tui.core.errors import UsageError
from vp_tui.core.store.query.fields import FIELDS, OPERATORS
from vp_tui.tui.cli_app import AsJson, Detach, Group, Run, app, home, pairs, store
from vp_tui.tui.cli_options import config_options

_WIDTH = max(len(field.name) for field in FIELDS)

db = typer.Typer(cls=Group, help="Maintain the store: upgrade, backup, check, restore, prune.", no_args_is_help=True)


def _query_help() -> str:
    """Return the fields of the query language, one line each."""
    lines = []
    for field in FIELDS:
        what, _, more = field.what.partition("; ")
        lines.append(f"{field.name:<{_WIDTH}}  {' '.join(OPERATORS[field.kind]):<13}  {what}")
        lines += [f"    {text}" for text in (more, ", ".join(field.choices)) if text]
    return "\n".join(["\b", "Fields:", *lines])


_RUNS_EPILOG = f"""Example: vp-tui runs model:esm2 status:failed 'speedup<1.8' tag.gpu:h200 since:7d

A word without a field is searched in model, input, name and note. Adjacent terms must all match; OR, NOT and brackets
are available. Quote terms with <, > or blanks for the shell, and inside them put a value with blanks in double quotes:
'name:"two words"'. A run without the value does not match and is sorted last.

{_query_help()}
"""


@app.command(epilog=_RUNS_EPILOG)
def runs(
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY", help="Conditions on the runs.")] = None,
    sort: Annotated[
        str,
        typer.Option("--sort", metavar="KEY", help="Field to sort by: speedup, -speedup (descending), metric.M2.min."),
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=10**9, metavar="N", help="Maximum number of runs; 0: all.")
    ] = 500,
    columns: Annotated[
        str, typer.Option("--columns", metavar="NAMES", help="Columns of the table: precision,vs base,time,device.")
    ] = "",
    json: AsJson = False,
) -> None:
    """List the runs that match a query, newest first."""
    from vp_tui.tui.commands.history import print_runs

    print_runs(store(), " ".join(query or []), sort=sort or None, limit=limit, columns=columns, as_json=json)


@app.command(epilog="Example: vp-tui show last --json")
@config_options("thresholds")
def show(
    config: dict[str, Any],
    run: Run,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Recompute the measures from the stored embeddings; store nothing.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Show one run: verdict, findings, measures and speed."""
    from vp_tui.tui.commands.history import print_run

    thresholds = config["thresholds"]
    if thresholds and not recompute:
        raise UsageError(f"--thresholds {thresholds!r} needs --recompute: a stored verdict keeps its own thresholds")
    print_run(store(), run, recompute=recompute, thresholds=thresholds, as_json=json)


@app.command(epilog="Example: vp-tui watch last --once")
def watch(
    run: Run,
    once: Annotated[bool, typer.Option("--once", help="Show the current state and exit.")] = False,
    json: AsJson = False,
) -> None:
    """Follow a run to its end; Ctrl+C leaves it running."""
    from vp_tui.tui.commands.history import watch_run

    raise typer.Exit(watch_run(store(), run, once=once, as_json=json))


@app.command(epilog="Example: vp-tui stop last")
def stop(
    run: Run,
    force: Annotated[bool, typer.Option("--force", help="Also end a run whose machine or container is gone.")] = False,
) -> None:
    """Stop a run; its stored results are kept."""
    from vp_tui.tui.commands.history import stop_run

    stop_run(store(), run, force=force)


@app.command(epilog="Example: vp-tui rerun last --detach")
def rerun(run: Run, detach: Detach = False, json: AsJson = False) -> None:
    """Run the same configuration again.

    The precision is the one requested then, even where VIRNUCPRO_DISABLE_FP16 replaced it.
    """
    from vp_tui.tui.commands.history import rerun_run

    raise typer.Exit(rerun_run(store(), run, detach=detach, as_json=json))


@app.command(epilog="Example: vp-tui tag last gpu=h200 release=1.4 --remove draft")
def tag(
    run: Run,
    tags: Annotated[list[str] | None, typer.Argument(metavar="K=V", help="Tags to set.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="K", help="Tag to remove. Repeatable.")
    ] = None,
) -> None:
    """Set, remove and print the tags of a run."""
    from vp_tui.tui.commands.history import tag_run

    tag_run(store(), run, pairs(tags or [], "the tag"), remove or [])


@app.command(epilog="Example: vp-tui delete 12 --yes")
def delete(
    run: Run, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; required without a terminal.")] = False
) -> None:
    """Delete a run with its rows and files.

    A run that an active baseline refers to is not deleted.
    """
    from vp_tui.tui.commands.history import delete_run

    delete_run(store(), run, yes=yes)


app.add_typer(db, name="db")


@db.command("path", epilog="Example: sqlite3 -readonly \"$(vp-tui db path)\" 'select count(*) from run'")
def db_path() -> None:
    """Print the path of the store."""
    typer.echo(home().database)


@db.command("upgrade", epilog="Example: vp-tui db upgrade")
def db_upgrade() -> None:
    """Create the store or upgrade its schema."""
    from vp_tui.core.store.tables import REVISION
    from vp_tui.migrations import upgrade

    before = upgrade(home())
    typer.echo(f"{home().database}: schema {REVISION}" + (f", was {before}" if before != REVISION else ", unchanged"))


@db.command("backup", epilog="Example: vp-tui db backup")
def db_backup(
    keep: Annotated[
        int, typer.Option("--keep", min=1, max=10**9, metavar="N", help="Backups to keep, including this one.")
    ] = 3,
) -> None:
    """Copy the store, check the copy and print its path.

    The copy is made next to the store and is consistent even while runs write to it.
    """
    from vp_tui.tui.commands.care import back_up

    back_up(store(), keep)


@db.command("check", epilog="Example: vp-tui db check")
def db_check() -> None:
    """Check every page and reference of the store.

    Changes nothing; slow on a large store.
    """
    from vp_tui.tui.commands.care import check_store

    raise typer.Exit(check_store(home()))


@db.command("restore", epilog="Example: vp-tui db restore --yes")
def db_restore(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; required without a terminal.")] = False,
) -> None:
    """Replace a corrupt store by its newest intact backup.

    The corrupt files are kept as runs.db.corrupt.TIME.
    """
    from vp_tui.tui.commands.care import restore_store

    restore_store(home(), yes=yes)


@db.command("prune", epilog="Example: vp-tui db prune --keep 50")
def db_prune(
    keep: Annotated[
        int | None, typer.Option("--keep", min=0, max=10**9, metavar="N", help="Number of newest runs to keep whole.")
    ] = None,
    cache: Annotated[
        str, typer.Option("--cache", metavar="SIZE", help="Size the caches may keep, as 10GB; the oldest files go.")
    ] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Apply the changes (default: dry run).")] = False,
) -> None:
    """Delete rows and embeddings of old runs, or cached files.

    Runs, their measures and baselines are kept.
    """
    from vp_tui.tui.commands.care import prune_store

    prune_store(store(), keep, cache=cache, apply=apply)
