"""Driving the app without a terminal."""

import time
from contextlib import asynccontextmanager
from pathlib import Path

import fakes
import pytest

from vp_tui.core.store.home import Home
from vp_tui.tui.app import VpTuiApp


class Driven:
    """An app under a Pilot, its fake world, and its picture as text."""

    def __init__(self, app, pilot, backend):
        self.app, self.pilot, self.backend = app, pilot, backend

    @property
    def rows(self):
        """The picture, line by line, modals included."""
        return ["".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self):
        return "\n".join(self.rows)

    async def until(self, condition, seconds=5.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not reached within {seconds} s:\n{self.text}"
            await self.pilot.pause(0.01)

    async def until_text(self, words):
        await self.until(lambda: words in self.text)

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()


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
