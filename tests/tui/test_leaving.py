"""Leaving with several active runs, and what the Search screen says until there is a search."""

from dataclasses import replace

import pytest
import snapshots

from vp_tui.tui.screens.leave import MOST, QuestionScreen
from vp_tui.tui.screens.main_screen import NO_RUNS
from vp_tui.tui.screens.search import hints

SIZES = [(60, 16), (80, 24), (120, 40), (200, 50)]


def queued(number):
    return [replace(snapshots.running().run, id=43 + index, status="queued") for index in range(number)]


@pytest.mark.parametrize("size", SIZES)
async def test_with_several_active_runs_each_is_named_and_it_is_said_which_one_stops(drive, size):
    async with drive(snapshots.running(), rows=tuple(queued(2)), run_id=42, size=size) as driven:
        await driven.press("q")
        await driven.until_text("3 runs are active")
        assert all(f"#{number} nightly" in driven.text for number in (42, 43, 44))
        assert "stop only #42" in driven.text
        await driven.press("s")
        await driven.until(lambda: driven.app._exit)
        assert driven.backend.stopped == [42]


async def test_leaving_several_runs_alone_stops_none(drive):
    async with drive(snapshots.running(), rows=tuple(queued(2))) as driven:
        await driven.press("q", "l")
        await driven.until(lambda: driven.app._exit)
        assert driven.backend.stopped == []


async def test_a_long_queue_is_counted_and_not_listed(drive):
    async with drive(snapshots.running(), rows=tuple(queued(20)), size=(60, 16)) as driven:
        await driven.press("q")
        await driven.until_text(f"and {21 - MOST} more")
        await driven.press("escape")
        await driven.until(lambda: not isinstance(driven.app.screen, QuestionScreen))
        assert not driven.app._exit


# -- Search


def with_details(snapshot, **details):
    return replace(snapshot, measures={"details": details})


def test_a_birthplace_of_nan_stands_before_the_modules_that_round_badly():
    details = {
        "nonfinite": [{"module": "layers.3.softmax", "count": 12}, {"module": "layers.4", "count": 99}],
        "rounding": [{"module": "layers.0.wo", "ratio": 1.9}, {"module": "layers.1.wo", "ratio": 1.6}],
        "headroom": [{"module": "layers.2", "bits": 0.5, "max_abs": 5e4}],
    }
    rows = hints(with_details(snapshots.failed_gate(), **details)).plain.splitlines()
    assert any(row.startswith("! ") and "layers.3.softmax (12 values)" in row for row in rows)
    marked = {row.split()[1]: row.split()[0] for row in rows if row.startswith("  ") and "layers" in row}
    assert marked == {"layers.0.wo": "~", "layers.1.wo": "~", "layers.2": "!"}


def test_without_numbers_of_modules_the_reason_is_said():
    assert "after the last sequence" in hints(snapshots.running()).plain
    assert "ended early" in hints(snapshots.ended()).plain
    assert "no operation needs FP32" in hints(snapshots.passed()).plain


@pytest.mark.parametrize("size", SIZES)
async def test_the_search_screen_says_what_it_will_do_and_what_to_read_meanwhile(drive, size):
    async with drive(snapshots.failed_gate(), size=size) as driven:
        await driven.press("4")
        await driven.until_text("Search for FP32-only operations")
        assert "Run #42" in driven.text
        assert driven.app.screen.max_scroll_x == 0
        await driven.press("m")
        await driven.until_text("run #42")
    async with drive(size=size) as driven:
        await driven.press("4")
        await driven.until_text(NO_RUNS)
