"""The bell and the title of the terminal at the end of a run."""

from dataclasses import replace

import snapshots

from vp_tui.tui import bell

ACTIVE = snapshots.running().run
DONE = replace(ACTIVE, status="completed", verdict="FAIL", name="night\x1b]0;owned\x07")


def test_a_run_that_ends_is_told_once_and_one_that_was_over_before_never():
    before = bell.active_ids((ACTIVE, replace(DONE, id=1)))
    assert [run.id for run in bell.ended(before, (DONE, replace(DONE, id=1)))] == [ACTIVE.id]
    assert bell.ended(bell.active_ids((DONE,)), (DONE,)) == ()


def test_a_name_cannot_steer_the_terminal_through_its_title():
    words = bell.title_of((replace(DONE, id=1), DONE))
    assert words == f"vp-tui: #{ACTIVE.id} FAIL night]0;owned and 1 more"
    assert bell.title_bytes(words).count("\x07") == 1


async def test_the_dashboard_rings_when_the_run_in_front_ends(drive, monkeypatch):
    rung = []
    async with drive(snapshots.running()) as driven:
        await driven.until(lambda: driven.app.view is not None)
        monkeypatch.setattr(driven.app, "bell", lambda: rung.append(1))
        shown = snapshots.passed()
        driven.backend.store.put(replace(shown, run=replace(shown.run, id=ACTIVE.id)))
        await driven.until_text("PASS  all 10,000")
    assert rung == [1]
