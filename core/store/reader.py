"""Reading: one short SELECT per question, never a transaction left open, status derived from facts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Select, Table, func, select

from vp_tui.core.errors import RunNotFoundError, StoreError
from vp_tui.core.events import AlertRaised, BlockEncoded, Finding, GpuSample, SequenceResult, StratumStats
from vp_tui.core.store import tables
from vp_tui.core.store.engine import reader_engine, require_current_schema, store_errors
from vp_tui.core.store.home import Home
from vp_tui.core.store.lifecycle import abandoned
from vp_tui.core.store.rows import from_json
from vp_tui.core.store.snapshot import RunRow, RunSnapshot, SimilarityPoint

_T = TypeVar("_T")
_SCOPES = ("short", "medium", "long", "all")


class Reader:
    """A read-only view of the store for one thread; use as a context manager.

    Raises:
        StoreError: from every method, when the store is missing, locked, foreign or of another version.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        if not home.database.exists():
            raise StoreError(f"no store at {home.database}; `vp-tui db upgrade` creates it")
        self._engine = reader_engine(home.database)
        with self._reading() as connection:
            require_current_schema(connection, home.database)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()

    def data_version(self) -> int:
        """A number that changes whenever another connection has committed."""
        with self._reading() as connection:
            return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())

    def runs(self, limit: int = 500) -> tuple[RunRow, ...]:
        """The newest runs, newest first."""
        with self._reading() as connection:
            rows = connection.execute(_run_rows().order_by(tables.run.c.id.desc()).limit(limit)).mappings().all()
            return tuple(_run_row(row, _tags(connection, row["id"]), self._home) for row in rows)

    def latest_run_id(self) -> int | None:
        """The id of the newest run, or None."""
        with self._reading() as connection:
            return connection.execute(select(func.max(tables.run.c.id))).scalar()

    def find(self, text: str) -> int:
        """The id of the run meant by an id, `last`, a unique uuid prefix or a name (the newest of that name).

        Raises:
            RunNotFoundError: none or several.
        """
        run = tables.run
        if text == "last":
            newest = self.latest_run_id()
            if newest is None:
                raise RunNotFoundError("there is no run yet; start with `vp-tui demo`")
            return newest
        with self._reading() as connection:
            number = _as_id(text)
            if number is not None and connection.execute(select(run.c.id).where(run.c.id == number)).scalar():
                return number
            named = connection.execute(select(func.max(run.c.id)).where(run.c.name == text)).scalar()
            if named is not None:
                return int(named)
            matching = (
                connection.execute(
                    select(run.c.id).where(func.substr(run.c.uuid, 1, len(text)) == text.lower()).limit(2)
                )
                .scalars()
                .all()
            )
        if len(matching) == 1 and text:
            return int(matching[0])
        many = "several runs begin" if matching and text else "no run has that id or name, and no uuid begins"
        raise RunNotFoundError(f"{many} with {text!r}; `vp-tui runs` lists them")

    def run(self, run_id: int) -> RunRow:
        """One run.

        Raises:
            RunNotFoundError: no such run.
        """
        with self._reading() as connection:
            return _run_row(_one(connection, run_id), _tags(connection, run_id), self._home)

    def snapshot(self, run_id: int, *, since: RunSnapshot | None = None) -> RunSnapshot:
        """Everything about one run; rows that `since` already has are not read again.

        Raises:
            RunNotFoundError: no such run.
        """
        if since is not None and since.run.id != run_id:
            since = None
        with self._reading() as connection:
            row = _one(connection, run_id)
            return RunSnapshot(
                run=_run_row(row, _tags(connection, run_id), self._home),
                config=from_json(row["config_json"]),
                dataset=from_json(row["dataset_json"]),
                model=from_json(row["model_json"]),
                environment=from_json(row["environment_json"]),
                arms=from_json(row["arms_json"]),
                speedup=from_json(row["speedup_json"]),
                measures=from_json(row["measures_json"]),
                findings=tuple(Finding(**item) for item in from_json(row["findings_json"] or "[]")),
                strata=_strata(connection, run_id),
                blocks=_appended(connection, run_id, tables.block_sample, BlockEncoded, since.blocks if since else ()),
                similarity=_appended(
                    connection, run_id, tables.similarity_sample, SimilarityPoint, since.similarity if since else ()
                ),
                gpu=_appended(connection, run_id, tables.gpu_sample, GpuSample, since.gpu if since else ()),
                alerts=_appended(connection, run_id, tables.alert, AlertRaised, since.alerts if since else ()),
                folder=str(self._home.run_folder(row["uuid"])),
            )

    def worst_sequences(self, run_id: int, limit: int = 10) -> tuple[SequenceResult, ...]:
        """The sequences with the lowest cosine; those without one first."""
        table = tables.sequence_result
        columns = [table.c[name] for name in SequenceResult.__dataclass_fields__]
        with self._reading() as connection:
            rows = connection.execute(
                select(*columns)
                .where(table.c.run_id == run_id)
                .order_by(table.c.cosine.asc().nulls_first(), table.c.seq_idx)
                .limit(limit)
            ).mappings()
            return tuple(SequenceResult(**row) for row in rows)

    def count_results(self, run_id: int) -> int:
        """Compared sequences with a row."""
        table = tables.sequence_result
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).where(table.c.run_id == run_id)).scalar_one())

    def count_runs(self) -> int:
        """How many runs there are."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.run)).scalar_one())

    def quick_check(self) -> str:
        """SQLite's own check of the file: `ok`, or what is wrong."""
        with self._reading() as connection:
            return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One short transaction; database errors become StoreError."""
        with store_errors(self._home.database, "read"), self._engine.connect() as connection:
            yield connection


def _as_id(text: str) -> int | None:
    """`text` as a run id; None for what is no number, or more than SQLite's 64 bits can hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _run_rows() -> Select[Any]:
    """Every column of run, with the number of its alerts and the worst cosine so far."""
    run, alert, stratum = tables.run, tables.alert, tables.stratum
    alerts = select(func.count()).where(alert.c.run_id == run.c.id).scalar_subquery()
    worst = select(stratum.c.cosine_min).where(stratum.c.run_id == run.c.id, stratum.c.scope == "all").scalar_subquery()
    return select(run, alerts.label("num_alerts"), worst.label("cosine_min"))


def _one(connection: Connection, run_id: int) -> RowMapping:
    row = connection.execute(_run_rows().where(tables.run.c.id == run_id)).mappings().one_or_none()
    if row is None:
        raise RunNotFoundError(f"no run {run_id}; `vp-tui runs` lists them")
    return row


def _tags(connection: Connection, run_id: int) -> Mapping[str, str]:
    tag = tables.run_tag
    rows = connection.execute(select(tag.c.key, tag.c.value).where(tag.c.run_id == run_id))
    return {key: value for key, value in rows}


def _run_row(row: RowMapping, tags: Mapping[str, str], home: Home) -> RunRow:
    """The row with its status as the facts have it: a run whose worker is gone reads as interrupted."""
    values = {name: row[name] for name in RunRow.__dataclass_fields__ if name in row}
    dead = abandoned(row, home)
    if dead is not None:
        values |= {"status": "interrupted", "status_reason": dead}
    return RunRow(**values, pid=row["worker_pid"], tags=tags)


def _strata(connection: Connection, run_id: int) -> tuple[StratumStats, ...]:
    table = tables.stratum
    columns = [table.c[name] for name in StratumStats.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(table.c.run_id == run_id)).mappings()
    found = {row["scope"]: StratumStats(**row) for row in rows}
    return tuple(found[scope] for scope in _SCOPES if scope in found)


def _appended(
    connection: Connection, run_id: int, table: Table, record: type[_T], known: tuple[_T, ...]
) -> tuple[_T, ...]:
    """The records of an append-only table in order, read from where `known` ends."""
    names: Any = record.__dataclass_fields__  # type: ignore[attr-defined]
    statement = select(*(table.c[name] for name in names)).where(table.c.run_id == run_id)
    rows = connection.execute(statement.order_by(table.c.id).limit(-1).offset(len(known))).mappings()
    return known + tuple(record(**row) for row in rows)
