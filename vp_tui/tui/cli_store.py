"""The commands of the store itself: db path, upgrade, backup, check, prune."""

from typing import Annotated

import typer

from vp_tui.tui.cli_app import app, home, store

db = typer.Typer(help="Maintain the store: path, upgrade, backup, check, prune.", no_args_is_help=True)
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
    keep: Annotated[int, typer.Option("--keep", min=1, metavar="N", help="Backups to keep, including this one.")] = 3,
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


@db.command("prune", epilog="Example: vp-tui db prune --keep 50")
def db_prune(
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="N", help="Number of newest runs to keep whole.")],
    apply: Annotated[bool, typer.Option("--apply", help="Apply the changes (default: dry run).")] = False,
) -> None:
    """Delete per-sequence rows and embeddings of old runs.

    Runs, their measures and baselines are kept.
    """
    from vp_tui.tui.commands.care import prune_store

    prune_store(store(), keep, apply=apply)
