"""Runs in a real store, written by the real writer."""

import sqlite3

import pytest
from records import config

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
