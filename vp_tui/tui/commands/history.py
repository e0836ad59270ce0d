"""Commands for stored runs: list, show, follow, stop, rerun, tag and delete."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from vp_tui.core import text as fmt
from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.events import Finding
from vp_tui.core.report.document import run_document, short_document
from vp_tui.core.runs import launch
from vp_tui.core.store import upkeep
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.text import plural, safe
from vp_tui.core.thresholds import read_thresholds
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import module_output
from vp_tui.tui.commands.follow import exit_code, follow
from vp_tui.tui.commands.starting import start_and_follow
from vp_tui.tui.runs_text import VS_BASE, chosen_columns, runs_table
from vp_tui.tui.text import report


def print_runs(home: Home, query: str, *, sort: str | None, limit: int, columns: str, as_json: bool) -> None:
    """Print the matching runs; `limit` 0 means no limit, `columns` are names with commas between them.

    Raises:
        UsageError: an invalid query or an unknown column.
    """
    chosen = chosen_columns(columns)
    with Reader(home) as reader:
        # one more than the limit, to detect a cut
        found = reader.history(query, sort=sort, limit=limit + 1 if limit else None)
        against = _against(reader, found) if VS_BASE in chosen else None
    runs = found[:limit] if limit else found
    if as_json:
        output.result(output.dumped([short_document(run) for run in runs]))
    elif query.strip() and not runs:
        output.result(f"no run matches {safe(query)}")
    else:
        # a file or a pipe gets every column
        output.result(runs_table(runs, output.width(), columns=chosen, against=against))
    if len(found) > len(runs):
        sys.stdout.flush()
        output.say(f"there are more than these {fmt.plural(len(runs), 'run')}: --limit 0 shows all")


def _against(reader: Reader, runs: Sequence[RunRow]) -> Callable[[RunRow], str]:
    """Return how a run stands against the newest baseline that fits it."""
    # the screens' own words; nothing else of this command needs them
    from vp_tui.tui.deltas import delta
    from vp_tui.tui.poller import pinned

    baselines = pinned(reader, tuple(runs))
    return lambda run: delta(run, baselines).cell


def print_run(home: Home, run: str, *, recompute: bool, thresholds: str, as_json: bool) -> None:
    """Print one run; with `recompute` its measures come from the stored embeddings, with the limits in `thresholds`."""
    with Reader(home) as reader:
        snapshot = reader.snapshot(reader.find(run))
    if recompute:
        snapshot = _measured_again(home, snapshot, thresholds)
    output.result(output.dumped(run_document(snapshot)) if as_json else report(snapshot))


def _measured_again(home: Home, snapshot: RunSnapshot, thresholds: str) -> RunSnapshot:
    """Return the run with recomputed measures, findings and verdict; results that need the model are kept."""
    limits = read_thresholds(Path(thresholds)) if thresholds else None
    arguments = ["--run", str(snapshot.run.id), *(["--thresholds", limits.model_dump_json()] if limits else [])]
    again = module_output(home, "recompute", arguments)
    output.say("recomputed from the stored embeddings; the stored run is unchanged")
    return replace(
        snapshot,
        run=replace(snapshot.run, verdict=again["verdict"], sentence=again["sentence"]),
        config={**snapshot.config, "thresholds": again["thresholds"]},
        measures=again["measures"],
        findings=tuple(Finding(**finding) for finding in again["findings"]),
    )


def watch_run(home: Home, run: str, *, once: bool, as_json: bool) -> int:
    with Reader(home) as reader:
        run_id = reader.find(run)
        snapshot = reader.snapshot(run_id)
    if not once:
        snapshot = follow(home, run_id)
    output.print_run(snapshot, as_json=as_json)
    return exit_code(snapshot)


def stop_run(home: Home, run: str, *, force: bool = False) -> None:
    with Reader(home) as reader:
        run_id = reader.find(run)
        if not reader.run(run_id).is_active:
            raise UsageError(f"run #{run_id} is already {reader.run(run_id).status}")
    launch.stop(home, run_id, force=force)
    with Reader(home) as reader:
        output.result(f"run #{run_id} is {reader.run(run_id).status}")


def rerun_run(home: Home, run: str, *, detach: bool, as_json: bool) -> int:
    """Start the configuration of a run again, as originally requested.

    Raises:
        UsageError: another version wrote the configuration, and this one cannot read it.
    """
    with Reader(home) as reader:
        snapshot = reader.snapshot(reader.find(run))
    try:
        config = RunConfig.model_validate(dict(snapshot.config))
    except ValidationError as error:
        raise UsageError(
            f"cannot read the configuration of run #{snapshot.run.id}: it has "
            f"{plural(error.error_count(), 'difference')} from this version; start a new run with `vp-tui run`"
        ) from error
    return start_and_follow(home, launch.as_requested(config), detach=detach, as_json=as_json)


def tag_run(home: Home, run: str, tags: Mapping[str, str], remove: Sequence[str]) -> None:
    """Set and remove tags, then print all tags of the run, one per line.

    Raises:
        UsageError: a tag to remove does not exist.
    """
    with Reader(home) as reader:
        run_id = reader.find(run)
        missing = [key for key in remove if key not in reader.run(run_id).tags]
    if missing:
        raise UsageError(f"run #{run_id} has no tag {', '.join(map(repr, missing))}")
    for key in remove:
        upkeep.untag(home, run_id, key)
    if tags:
        upkeep.tag(home, run_id, tags)
    with Reader(home) as reader:
        left = reader.run(run_id).tags
    output.say(f"run #{run_id} has {plural(len(left), 'tag')}")
    for key, value in left.items():
        output.result(f"{safe(key)}={safe(value)}")


def delete_run(home: Home, run: str, *, yes: bool) -> None:
    """Delete a run after confirmation.

    Raises:
        UsageError: no terminal to confirm, the run is active, or an active baseline refers to it.
    """
    with Reader(home) as reader:
        row = reader.run(reader.find(run))
    named = f"run #{row.id} {row.uuid[:8]}{f' {safe(row.name)!r}' if row.name else ''}"
    if not yes and not output.confirmed(f"delete {named} with all its rows and files? [y/N] ", "delete"):
        output.say(f"{named} is kept")
        return
    upkeep.delete_run(home, row.id)
    output.result(f"{named} is deleted")
