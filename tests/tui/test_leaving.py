"""Leaving the dashboard with several active runs."""

from dataclasses import replace

import pytest
import snapshots

from vp_tui.tui.screens.leave import MOST, QuestionScreen

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
