"""Driving the app without a terminal."""

from contextlib import asynccontextmanager
from pathlib import Path

import compared_runs
import fakes
import pytest
from driven import Driven

from vp_tui.core.store.home import Home
from vp_tui.tui.app import VpTuiApp


@pytest.fixture
def drive(monkeypatch):
    """`async with drive(snapshot, .., size=(80, 24)) as driven`: the store is read when the block begins."""
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)

    @asynccontextmanager
    async def driving(
        *made, size=(80, 24), rows=(), run_id=None, trouble=None, home="/nonexistent", backend=None, **backend_options
    ):
        store = fakes.FakeStore(*made, rows=rows)
        store.trouble = trouble
        backend = backend or fakes.FakeBackend(store, **backend_options)
        app = VpTuiApp(Home(Path(home)), run_id, backend=backend)
        async with app.run_test(size=size, notifications=True) as pilot:
            driven = Driven(app, pilot, backend)
            if trouble is None:
                await driven.until(lambda: app.view is not None)
            await pilot.pause()
            yield driven

    return driving


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Names of runs worth comparing -> id; `home` is their store, which nobody changes."""
    return compared_runs.made(tmp_path_factory.mktemp("compare"))


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "a.fasta"
    path.write_text(">a\nMKV\n")
    return str(path)
