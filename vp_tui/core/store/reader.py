"""Read access: short SELECTs, no open transactions, status derived from facts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, func, select

from vp_tui.core.errors import DamagedRowError, RunNotFoundError, StoreError
from vp_tui.core.events import Finding, SequenceResult, StratumStats
from vp_tui.core.store import device_rows, step_rows, tables
from vp_tui.core.store.baselines import DEFAULT, Baseline, baseline_run, read_baselines
from vp_tui.core.store.engine import can_write, file_at, reader_engine, require_current_schema, store_errors
from vp_tui.core.store.groups import RunGroup, newest_calibration, read_group
from vp_tui.core.store.growing import samples
from vp_tui.core.store.history import history_statement, read_rows, run_rows
from vp_tui.core.store.home import Home
from vp_tui.core.store.pairs import Metrics, Pairs, metrics, paired
from vp_tui.core.store.rows import finite, from_json, mapping
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.store.transitions import StatusChange, read_changes

UUID_DIGITS = 8
"""Minimum length of a number that may be a uuid prefix: ids are shorter."""
_JSON = ("config", "dataset", "model", "environment", "arms", "speedup", "measures")


class Reader:
    """A read-only view of the store for one thread; use as a context manager.

    Raises:
        StoreError: from every method, when the store is missing, locked, foreign or of another version.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        if not home.database.exists():
            raise StoreError(f"no store at {home.database}; `vp-tui db upgrade` creates it")
        self._file = file_at(home.database)
        self._engine = reader_engine(home.database)
        with self._reading() as connection:
            require_current_schema(connection, home.database)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    def data_version(self) -> int:
        """Return a number that changes whenever another connection commits.

        Raises:
            StoreError: also if the file was deleted or replaced, as SQLite would keep reading the old one.
        """
        if file_at(self._home.database) != self._file:
            raise StoreError(f"the store at {self._home.database} was deleted or replaced while it was read")
        if not can_write(self._home.database):
            # no connection stays open that could count the commits of others
            return self._looks()
        with self._reading() as connection:
            return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())

    def _looks(self) -> int:
        log = self._home.database.with_name(f"{self._home.database.name}-wal")
        stats = [path.stat() for path in (self._home.database, log) if path.exists()]
        return hash(tuple((one.st_mtime_ns, one.st_size) for one in stats))

    def runs(self, limit: int = 500) -> tuple[RunRow, ...]:
        """Return the newest runs, newest first."""
        with self._reading() as connection:
            return read_rows(connection, history_statement("", None, limit), self._home)

    def history(self, query: str = "", *, sort: str | None = None, limit: int | None = None) -> tuple[RunRow, ...]:
        """Return the runs that match a query, newest first or sorted by a field (`-speedup`: descending).

        A missing value matches nothing and is sorted last. The stored status is queried: reconcile first.

        Raises:
            UsageError: invalid query or field, with the position.
        """
        statement = history_statement(query, sort, limit)
        with self._reading() as connection:
            return read_rows(connection, statement, self._home)

    def latest_run_id(self) -> int | None:
        """Return the id of the newest run, or None."""
        with self._reading() as connection:
            return connection.execute(select(func.max(tables.run.c.id))).scalar()

    def find(self, text: str) -> int:
        """Return the id of a run given as id, `last`, `baseline`, unique uuid prefix or name (its newest run).

        A short number is always an id, never a uuid prefix: the id of a deleted run must not match another run.
        `baseline` is the active baseline called "default", `baseline:NAME` the one called NAME.

        Raises:
            RunNotFoundError: no match, or several.
        """
        run = tables.run
        if text == "last":
            newest = self.latest_run_id()
            if newest is None:
                raise RunNotFoundError("no runs yet; start with `vp-tui demo`")
            return newest
        with self._reading() as connection:
            if text == "baseline" or text.startswith("baseline:"):
                return baseline_run(connection, text.partition(":")[2] or DEFAULT)
            number = _as_id(text)
            if number is not None and connection.execute(select(run.c.id).where(run.c.id == number)).scalar():
                return number
            if named := connection.execute(select(func.max(run.c.id)).where(run.c.name == text)).scalar():
                return int(named)
            matching: Sequence[int] = ()
            if text and (number is None or len(text) >= UUID_DIGITS):
                begins = func.substr(run.c.uuid, 1, len(text)) == text.lower()
                matching = connection.execute(select(run.c.id).where(begins).limit(2)).scalars().all()
        if len(matching) == 1:
            return int(matching[0])
        many = "several runs begin" if matching else "no run has that id or name, and no uuid begins"
        raise RunNotFoundError(f"{many} with {text!r}; `vp-tui runs` lists them")

    def run(self, run_id: int) -> RunRow:
        """Return one run.

        Raises:
            RunNotFoundError: no such run.
        """
        with self._reading() as connection:
            return _one(connection, run_id, self._home)

    def snapshot(self, run_id: int, *, since: RunSnapshot | None = None, most: int | None = None) -> RunSnapshot:
        """Return everything about one run; rows already in `since` are not read again.

        With `most`, samples of a long run are merged and only the newest alerts are kept (core.store.growing);
        `since` must have been read with the same `most`.

        Raises:
            RunNotFoundError: no such run.
        """
        with self._reading() as connection:
            run = _one(connection, run_id, self._home)
            texts = _texts(connection, run_id)
            return RunSnapshot(
                run=run,
                **{name: texts[name] for name in _JSON},
                findings=texts["findings"],
                strata=_strata(connection, run_id),
                folder=str(self._home.run_folder(run.uuid)),
                devices=device_rows.read(self._home.run_folder(run.uuid)),
                step_seconds=step_rows.read(connection, run_id),
                # the id of a deleted run is reused
                **samples(
                    connection, run_id, since if since is not None and since.run.uuid == run.uuid else None, most
                ),
            )

    def step_seconds(self, run_id: int) -> tuple[int, Mapping[str, float]] | None:
        """Return the run's id and the seconds of its steps; None for a run that did not record them."""
        with self._reading() as connection:
            seconds = step_rows.read(connection, run_id)
        return (run_id, seconds) if seconds else None

    def worst_sequences(self, run_id: int, limit: int = 10) -> tuple[SequenceResult, ...]:
        """Return the sequences with the lowest cosine; those without a cosine first."""
        table = tables.sequence_result
        columns = [table.c[name] for name in SequenceResult.__dataclass_fields__]
        with self._reading() as connection:
            order = (table.c.cosine.asc().nulls_first(), table.c.seq_idx)
            found = select(*columns).where(table.c.run_id == run_id).order_by(*order).limit(limit)
            return tuple(SequenceResult(**row) for row in connection.execute(found).mappings())

    def results(self, run_id: int) -> tuple[SequenceResult, ...]:
        """Return every compared sequence, in the order of the embeddings."""
        table = tables.sequence_result
        columns = [table.c[name] for name in SequenceResult.__dataclass_fields__]
        with self._reading() as connection:
            rows = connection.execute(select(*columns).where(table.c.run_id == run_id).order_by(table.c.seq_idx))
            return tuple(SequenceResult(**row) for row in rows.mappings())

    def paired(self, run_a: int, run_b: int) -> Pairs:
        with self._reading() as connection:
            return paired(connection, run_a, run_b)

    def metrics(self, run_ids: Sequence[int]) -> dict[int, Metrics]:
        """Return the stored metrics of several runs by run id.

        Raises:
            RunNotFoundError: a run does not exist.
        """
        with self._reading() as connection:
            return metrics(connection, run_ids)

    def group(self, group_id: int) -> RunGroup:
        """Return a group of repeats with the ids of its runs.

        Raises:
            RunNotFoundError: no such group.
        """
        with self._reading() as connection:
            return read_group(connection, group_id)

    def newest_calibration(self, perf_key: str) -> int | None:
        with self._reading() as connection:
            return newest_calibration(connection, perf_key)

    def key_facts(self, run_id: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the facts behind the accuracy key and the performance key; empty before the run is planned.

        Raises:
            RunNotFoundError: no such run.
        """
        run = tables.run
        with self._reading() as connection:
            row = connection.execute(
                select(run.c.accuracy_facts_json, run.c.perf_facts_json).where(run.c.id == run_id)
            ).one_or_none()
        if row is None:
            raise RunNotFoundError(f"no run {run_id}; `vp-tui runs` lists them")
        return mapping(row[0]), mapping(row[1])

    def baselines(self, *, active: bool = False) -> tuple[Baseline, ...]:
        with self._reading() as connection:
            return read_baselines(connection, active=active)

    def timeline(self, run_id: int) -> tuple[StatusChange, ...]:
        with self._reading() as connection:
            return read_changes(connection, run_id)

    def count_results(self, run_id: int) -> int:
        table = tables.sequence_result
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).where(table.c.run_id == run_id)).scalar_one())

    def count_runs(self) -> int:
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.run)).scalar_one())

    def quick_check(self) -> str:
        """Return the result of SQLite's quick check: `ok`, or the first problem."""
        with self._reading() as connection:
            return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One short transaction; database errors become StoreError."""
        with store_errors(self._home.database, "read"), self._engine.connect() as connection:
            yield connection


def _as_id(text: str) -> int | None:
    """Return `text` as a run id; None if it is not a number or exceeds 64 bits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _one(connection: Connection, run_id: int, home: Home) -> RunRow:
    found = read_rows(connection, run_rows().where(tables.run.c.id == run_id), home)
    if not found:
        raise RunNotFoundError(f"no run {run_id}; `vp-tui runs` lists them")
    return found[0]


def _strata(connection: Connection, run_id: int) -> tuple[StratumStats, ...]:
    table = tables.stratum
    columns = [table.c[name] for name in StratumStats.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(table.c.run_id == run_id)).mappings()
    found = {row["scope"]: StratumStats(**{name: finite(value) for name, value in row.items()}) for row in rows}
    return tuple(found[scope] for scope in ("short", "medium", "long", "all") if scope in found)


def _texts(connection: Connection, run_id: int) -> Mapping[str, Any]:
    run = tables.run
    columns = [run.c[f"{name}_json"].label(name) for name in (*_JSON, "findings")]
    row = connection.execute(select(*columns).where(run.c.id == run_id)).mappings().one()
    found: dict[str, Any] = {}
    for name, text in row.items():
        try:
            found[name] = _findings(from_json(text)) if name == "findings" else _of_shape(name, mapping(text))
        except (DamagedRowError, TypeError) as error:
            raise DamagedRowError(
                f"run {run_id}: its stored {name} cannot be read; the other runs are not affected, and "
                f"`vp-tui delete {run_id}` removes it"
            ) from error
    return found


def _of_shape(name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the value of a JSON column; TypeError if it is not of the shape that the screens read."""
    if name in {"arms", "measures"} and not all(isinstance(one, Mapping) for one in value.values()):
        raise TypeError(name)
    if name == "config" and "model" not in value:
        raise TypeError(name)
    return value


def _findings(value: Any) -> tuple[Finding, ...]:
    return tuple(Finding(**item) for item in value or ())
