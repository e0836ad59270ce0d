"""Runs in a real store, written by the real writer."""

import sqlite3

import pytest
from records import compared, config, finished, four_strata, planned, result

from vp_tui.core.store import lifecycle
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.writer import RunWriter


@pytest.fixture
def sql(home):
    """sql(statement, *values) -> rows, on a connection of its own."""

    def execute(statement, *values):
        connection = sqlite3.connect(home.database)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    return execute


@pytest.fixture
def queued(home):
    """queued(**config) -> id of a new queued run."""
    return lambda **changes: lifecycle.create_run(home, config(**changes))


@pytest.fixture
def started(home, queued):
    """started() -> id of a new run in status starting, worked on by this process."""

    def start(**changes):
        run_id = queued(**changes)
        lifecycle.register_worker(home, run_id, lifecycle.this_worker())
        lifecycle.start(home, run_id, "cpu")
        return run_id

    return start


@pytest.fixture
def write(home):
    """write(run id, *events): through the writer thread, all of them in the store afterwards."""

    def put_all(run_id, *events):
        with RunWriter(home, run_id) as writer:
            for event in events:
                writer.put(event)

    return put_all


@pytest.fixture
def reader(home):
    with Reader(home) as opened:
        yield opened


DATASET = {"sha256": "da" * 32, "name": "reads.faa", "cuts": [64, 128], "tokenizer": "esm2", "seed": 0} | {
    "n": 30,
    "strata": {"short": 10, "medium": 10, "long": 10},
}
MODEL = {"weights_sha256": "ea" * 32, "pooling": "residues", "kind": "esm2", "given": "esm2-8m", "parameters": 7}
ENVIRONMENT = {"torch": "2.13.0+cpu", "device": "cpu", "device_name": "x86_64", "threads": 1}


@pytest.fixture
def completed(started, write, sql):
    """completed(config, dataset=.., model=.., environment=.., results=.., **RunFinished) -> id of a whole run."""

    def complete(asked=None, *, dataset=None, model=None, environment=None, results=None, **end):
        run_id = started(**(asked or {}))
        facts = {"dataset": DATASET | (dataset or {}), "model": MODEL | (model or {})}
        rows = tuple(result(i, seq_hash=100 + i) for i in range(3)) if results is None else tuple(results)
        write(
            run_id,
            planned(**facts, environment=ENVIRONMENT | (environment or {})),
            compared(results=rows),
            finished(**{"strata": four_strata(), "measures": {}} | end),
        )
        sql("UPDATE run SET done = total WHERE id = ?", run_id)
        return run_id

    return complete
