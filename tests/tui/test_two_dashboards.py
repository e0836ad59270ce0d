"""Two dashboards on one store agree: what is done in one is seen in the other at its next look."""

from contextlib import asynccontextmanager

import stored_runs
from played import dashboard, newest, playing, soon

from vp_tui.core.store.reader import Reader
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.backend import Backend

SOON_S = 5.0
"""A look is taken four times a second; the rest is for other tests on the same cores."""


@asynccontextmanager
async def watching(home):
    """`async with watching(home) as (other, seen)`: the hands of one dashboard and the eyes of another."""
    app = VpTuiApp(home, backend=Backend(home))
    async with app.run_test(size=(120, 40)) as pilot:

        async def seen(condition, seconds=SOON_S):
            await soon(pilot, lambda: app.view is not None and condition(app.view), seconds)

        await seen(lambda view: view.runs, seconds=10)
        yield Backend(home), seen


async def test_tags_notes_and_baselines_of_one_show_in_the_other(home):
    old, run_id = stored_runs.complete(home), stored_runs.complete(home)
    async with watching(home) as (other, seen):
        other.annotate(run_id, {"gpu": "h200"}, "after the driver update")
        await seen(lambda view: view.runs[0].tags == {"gpu": "h200"} and view.runs[0].note == "after the driver update")
        other.annotate(run_id, {}, None)
        await seen(lambda view: not view.runs[0].tags and view.snapshot.run.note is None)
        other.pin(old, name="default", reason="the first good one")
        await seen(lambda view: [one.run.id for one in view.baselines] == [old])
        await seen(lambda view: view.baseline is not None and view.baseline.run.id == old)
        other.unpin("default", reason="no longer")
        await seen(lambda view: view.baselines == () and view.baseline is None)


async def test_a_run_deleted_in_one_is_gone_from_the_other_which_shows_the_newest_left(home):
    old, run_id = stored_runs.complete(home), stored_runs.complete(home)
    async with watching(home) as (other, seen):
        await seen(lambda view: view.snapshot.run.id == run_id)
        other.delete(run_id)
        await seen(lambda view: [run.id for run in view.runs] == [old] and view.snapshot.run.id == old)
        other.delete(old)
        await seen(lambda view: view.runs == () and view.snapshot is None)


async def test_a_run_started_after_the_deletion_of_the_one_with_its_number_is_shown_whole(home):
    first = stored_runs.complete(home, name="first")
    async with watching(home) as (other, seen):
        await seen(lambda view: view.snapshot.run.name == "first" and view.snapshot.similarity)
        other.delete(first)
        assert stored_runs.complete(home, name="second", stopped="failed") == first
        await seen(lambda view: view.snapshot is not None and view.snapshot.run.name == "second")
        with Reader(home) as reader:
            whole = reader.snapshot(first)
        await seen(lambda view: view.snapshot == whole)


def test_a_run_stopped_in_one_is_cancelled_in_both(home):
    with playing(home, "good", speed=4) as process, dashboard(home) as one, dashboard(home) as two:
        for terminal in (one, two):
            terminal.wait_for(lambda text: "SAFE SO FAR" in text, seconds=20)
        one.press("x")
        one.wait_for(lambda text: "Stop run #1" in text)
        one.press("s")
        process.wait(10)
        one.wait_for(lambda text: "CANCELLED" in text)
        two.wait_for(lambda text: "CANCELLED" in text, seconds=SOON_S)
        assert newest(home).status == "cancelled"
