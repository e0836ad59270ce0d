"""Maintenance of runs: tags, notes, deletion, and pruning of old details."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, RowMapping, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from vp_tui.core.errors import RunNotFoundError, StoreError, UsageError
from vp_tui.core.events import now_us
from vp_tui.core.files import parts
from vp_tui.core.store import caches, kept_blocks, tables
from vp_tui.core.store.endings import ending_of
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import writing
from vp_tui.core.store.liveness import Worker, is_running, start_ticks
from vp_tui.core.store.snapshot import ACTIVE

_DETAILS = (tables.sequence_result, tables.block_sample, tables.gpu_sample, tables.similarity_sample)
_BASELINE_RUNS = (
    select(tables.baseline_member.c.run_id)
    .join(tables.baseline, tables.baseline.c.id == tables.baseline_member.c.baseline_id)
    .where(tables.baseline.c.retired_at_us.is_(None))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Details that `prune` removed, or would remove."""

    run_ids: tuple[int, ...]
    rows: Mapping[str, int]
    """Rows by table."""
    files: tuple[Path, ...]
    """Embeddings of those runs."""
    unfinished: tuple[Path, ...]
    """Partial files left by killed processes."""
    cached: tuple[Path, ...]
    """Cached files beyond the size that the caches may have."""
    bytes: int
    """What becomes free: a file that has another name elsewhere frees nothing."""


def tag(home: Home, run_id: int, tags: Mapping[str, str]) -> None:
    """Set tags of a run; an existing key gets the new value.

    Raises:
        RunNotFoundError: no such run.
    """
    with writing(home, "tag a run of") as connection:
        _require(connection, run_id)
        statement = upsert(tables.run_tag)
        statement = statement.on_conflict_do_update(
            index_elements=["run_id", "key"], set_={"value": statement.excluded.value}
        )
        rows = [{"run_id": run_id, "key": key, "value": value} for key, value in tags.items()]
        if rows:
            connection.execute(statement, rows)


def untag(home: Home, run_id: int, key: str) -> bool:
    """Remove a tag; return False if the run did not have it.

    Raises:
        RunNotFoundError: no such run.
    """
    table = tables.run_tag
    with writing(home, "untag a run of") as connection:
        _require(connection, run_id)
        gone = connection.execute(delete(table).where(table.c.run_id == run_id, table.c.key == key))
        return gone.rowcount > 0


def note(home: Home, run_id: int, text: str | None) -> None:
    """Set the note of a run; None removes it.

    Raises:
        RunNotFoundError: no such run.
    """
    with writing(home, "note on a run of") as connection:
        _require(connection, run_id)
        connection.execute(update(tables.run).where(tables.run.c.id == run_id).values(note=text))


def delete_run(home: Home, run_id: int) -> None:
    """Delete a run with all its rows and its folder.

    Raises:
        RunNotFoundError: no such run.
        UsageError: the run is active or belongs to an active baseline.
        StoreError: its rows were deleted, but its folder could not be removed.
    """
    with writing(home, "delete a run of") as connection:
        row = _require(connection, run_id)
        if row["status"] in ACTIVE and ending_of(row, home) is None:
            raise UsageError(f"run {run_id} is {row['status']}; stop it first with `vp-tui stop {run_id}`")
        _require_no_baseline(connection, run_id)
        member = tables.baseline_member
        # Only retired baselines are left; they keep the run's uuid in their own row.
        connection.execute(delete(member).where(member.c.run_id == run_id))
        connection.execute(delete(tables.run).where(tables.run.c.id == run_id))
    folder = home.run_folder(row["uuid"])
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"run {run_id} was deleted, but its folder {folder} was not: {error.strerror}") from error


def prune(home: Home, keep: int | None, *, cache: int | None = None, apply: bool = False) -> Pruned:
    """Remove rows of sequences and samples, and embeddings, of all but the newest `keep` runs; metrics stay.

    None keeps all runs. With `cache` the caches are cut to that many bytes (core.store.caches).

    Active runs and runs of an active baseline are never touched and do not count. Partial files of killed processes
    are removed too, whichever run they belong to. Without `apply` nothing is changed and the result is a preview.

    Raises:
        UsageError: `keep` is negative.
        StoreError: rows were removed, but a file could not be.
    """
    if keep is not None and keep < 0:
        raise UsageError(f"cannot keep {keep} runs; 0 prunes all runs except baselines")
    with writing(home, "prune") as connection:
        runs = {} if keep is None else _old_runs(connection, keep)
        ids = tuple(runs)
        rows = {table.name: _count(connection, table.c.run_id, ids) for table in _DETAILS}
        files = tuple(path for uuid in runs.values() for path in _embeddings(home.run_folder(uuid)))
        unfinished = _unfinished(connection, home)
        cached = () if cache is None else caches.beyond(home, cache)
        num_bytes = caches.freed((*files, *unfinished, *cached))
        if apply:
            for table in _DETAILS:
                connection.execute(delete(table).where(table.c.run_id.in_(ids)))
            connection.execute(update(tables.run).where(tables.run.c.id.in_(ids)).values(archived_at_us=now_us()))
    try:
        for path in (*files, *unfinished, *cached) if apply else ():
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"rows were pruned, but a file was not: {error}") from error
    return Pruned(run_ids=ids, rows=rows, files=files, unfinished=unfinished, cached=cached, bytes=num_bytes)


def _embeddings(folder: Path) -> list[Path]:
    return sorted(path for pattern in ("*.safetensors", kept_blocks.PATTERN) for path in folder.glob(pattern))


def _unfinished(connection: Connection, home: Home) -> tuple[Path, ...]:
    """Return partial files whose writing process has ended.

    Empty while an active run has a process that is invisible here (another machine or container): the pid in a file
    name has no meaning then.
    """
    active = connection.execute(select(tables.run).where(tables.run.c.status.in_(ACTIVE))).mappings().all()
    if any(ending_of(row, home) is None and not _is_seen(row) for row in active):
        return ()
    return tuple(path for path, pid in parts(home.root) if start_ticks(pid) is None)


def _is_seen(row: RowMapping) -> bool:
    """Return True if the process of an active run is visible on this machine, or the run has none yet."""
    if row["worker_pid"] is None:
        return True
    return is_running(Worker(row["host"], row["boot_id"], row["worker_pid"], row["worker_start_ticks"]))


def _old_runs(connection: Connection, keep: int) -> dict[int, str]:
    """Return id -> uuid of finished, unpruned, non-baseline runs beyond the newest `keep`."""
    run = tables.run
    finished = select(run.c.id, run.c.uuid, run.c.archived_at_us).where(
        run.c.status.in_(tables.TERMINAL), run.c.id.not_in(_BASELINE_RUNS)
    )
    rows = connection.execute(finished.order_by(run.c.id.desc()).offset(keep).limit(-1)).all()
    return {row.id: row.uuid for row in reversed(rows) if row.archived_at_us is None}


def _count(connection: Connection, column: object, ids: tuple[int, ...]) -> int:
    return int(connection.execute(select(func.count()).where(column.in_(ids))).scalar_one())  # type: ignore[attr-defined]


def _require(connection: Connection, run_id: int) -> RowMapping:
    row = connection.execute(select(tables.run).where(tables.run.c.id == run_id)).mappings().one_or_none()
    if row is None:
        raise RunNotFoundError(f"no run {run_id}; `vp-tui runs` lists them")
    return row


def _require_no_baseline(connection: Connection, run_id: int) -> None:
    table, member = tables.baseline, tables.baseline_member
    statement = select(table.c.name).join(member, member.c.baseline_id == table.c.id)
    names = connection.execute(statement.where(member.c.run_id == run_id, table.c.retired_at_us.is_(None))).scalars()
    found = sorted(set(names))
    if found:
        raise UsageError(
            f"run {run_id} belongs to the baseline {', '.join(map(repr, found))} and cannot be deleted; retire it "
            f"first with `vp-tui baseline unset {found[0]}`"
        )
