"""The dashboard under a Pilot over a real store, on its Runs screen."""

import time
from contextlib import asynccontextmanager

from vp_tui.core.store.reader import Reader
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.panels.runs_table import RunsTable


class OnStore:
    def __init__(self, app, pilot):
        self.app, self.pilot = app, pilot

    @property
    def text(self):
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def table(self):
        return self.app.board.query_one(RunsTable)

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

    async def type(self, words):
        """Into the line in focus, at once: a press of each key takes 40 ms."""
        self.app.focused.insert_text_at_cursor(words)
        await self.pilot.pause()


@asynccontextmanager
async def runs_screen(home, size=(80, 24)):
    """`async with runs_screen(home) as shown`: the history of the store is on the screen."""
    app = VpTuiApp(home)
    async with app.run_test(size=size, notifications=True) as pilot:
        shown = OnStore(app, pilot)
        await shown.until(lambda: app.view is not None)
        await shown.press("2")
        await shown.until(lambda: shown.table.row_count >= len(app.view.runs))
        yield shown


def row_of(home, run_id):
    with Reader(home) as reader:
        return reader.run(run_id)


def active_baselines(home):
    with Reader(home) as reader:
        return reader.baselines(active=True)
