"""The commands of the store itself: db path, upgrade, backup, check, prune."""

from typing import Annotated

import typer

from vp_tui.tui.cli_app import app, home, store

db = typer.Typer(help="The run store.", no_args_is_help=True)
app.add_typer(db, name="db")


@db.command("path", epilog="Example: sqlite3 -readonly \"$(vp-tui db path)\" 'select count(*) from run'")
def db_path() -> None:
    """Print where the store is."""
    typer.echo(home().database)


@db.command("upgrade", epilog="Example: vp-tui db upgrade")
def db_upgrade() -> None:
    """Create the store, or bring it to the newest schema."""
    from vp_tui.core.store.tables import REVISION
    from vp_tui.migrations import upgrade

    before = upgrade(home())
    typer.echo(f"{home().database}: schema {REVISION}" + (f", was {before}" if before != REVISION else ", as it was"))


@db.command("backup", epilog="Example: vp-tui db backup")
def db_backup(
    keep: Annotated[int, typer.Option("--keep", min=1, metavar="N", help="Backups to keep, this one too.")] = 3,
) -> None:
    """Copy the store beside itself, safely while runs go on, check the copy and print its path."""
    from vp_tui.tui.commands.care import back_up

    back_up(store(), keep)


@db.command("check", epilog="Example: vp-tui db check")
def db_check() -> None:
    """Check every page and every reference of the store: slow on a big one, and changes nothing."""
    from vp_tui.tui.commands.care import check_store

    raise typer.Exit(check_store(home()))


@db.command("prune", epilog="Example: vp-tui db prune --keep 50")
def db_prune(
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="N", help="Newest runs that keep everything.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this it is only told.")] = False,
) -> None:
    """Drop rows of sequences and embeddings of old runs; runs, their measures and baselines stay. A dry run first."""
    from vp_tui.tui.commands.care import prune_store

    prune_store(store(), keep, apply=apply)
