"""The dashboard under a Pilot over a real store, on its Runs screen."""

from contextlib import asynccontextmanager

from driven import Driven

from vp_tui.core.store.reader import Reader
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.panels.runs_table import RunsTable


class OnStore(Driven):
    @property
    def table(self):
        return self.app.main_screen.query_one(RunsTable)

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
