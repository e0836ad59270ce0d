"""Pinning a run as a baseline, and giving one up, on a real store."""

import stored_runs
from on_store import active_baselines, runs_screen
from textual.widgets import Button

from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.upkeep import delete_run
from vp_tui.tui.screens.run_forms import PinScreen


async def test_a_group_is_pinned_under_a_name_and_for_a_reason(home):
    ids = stored_runs.group_of(home, stored_runs.STEADY)
    async with runs_screen(home) as shown:
        await shown.press("b")
        await shown.until_text("all completed runs of its group")
        assert shown.app.screen.query_one("#do", Button).disabled
        await shown.press("ctrl+s")
        await shown.until_text("! A reason")
        await shown.type("quiet machine")
        await shown.press("tab", *["backspace"] * 7)
        await shown.until_text("! A name")
        await shown.type("release-1")
        await shown.press("ctrl+s")
        await shown.until_text("baseline 'release-1': runs #1..#5")
        assert {(one.name, one.reason, one.run_ids) for one in active_baselines(home)} == {
            ("release-1", "quiet machine", tuple(ids))
        }
        await shown.until(lambda: shown.table.copy_text().count("x  base") == 5)
        assert not isinstance(shown.app.screen, PinScreen)


async def test_the_baseline_that_will_be_replaced_is_named(home):
    set_baseline(home, [stored_runs.complete(home)], reason="the old one")
    stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("b")
        await shown.until_text("~ replaces 'default': run #1, the old one")
        await shown.press("tab", "x")
        await shown.until(lambda: "replaces" not in shown.text)
        await shown.press("escape")
        await shown.until(lambda: not isinstance(shown.app.screen, PinScreen))
        assert [one.run_ids for one in active_baselines(home)] == [(1,), (1,)]


async def test_a_run_that_is_pinned_already_can_be_given_up_with_a_reason(home):
    set_baseline(home, [stored_runs.complete(home)], reason="the old one", name="release-1")
    async with runs_screen(home) as shown:
        await shown.press("b")
        await shown.until_text("'release-1', the old one")
        give_up = shown.app.screen.query_one("#unpin", Button)
        assert give_up.disabled
        await shown.type("wrong driver")
        await shown.until(lambda: not give_up.disabled)
        await shown.press("tab", "tab", "tab", "enter")
        await shown.until_text("baseline 'release-1' retired")
        assert active_baselines(home) == ()
        await shown.until(lambda: " base " not in shown.table.copy_text())


async def test_only_a_name_that_the_run_has_can_be_given_up(home):
    set_baseline(home, [stored_runs.complete(home)], reason="the old one", name="release-1")
    async with runs_screen(home) as shown:
        await shown.press("b", "w", "tab", "x")
        await shown.until(lambda: shown.app.screen.query_one("#unpin", Button).disabled)
        assert not shown.app.screen.query_one("#do", Button).disabled


async def test_the_store_is_read_at_once_after_a_change_of_ours(home, monkeypatch):
    stored_runs.complete(home)
    woken = []
    monkeypatch.setattr("vp_tui.tui.poller.Poller.wake", lambda _: woken.append(1))
    async with runs_screen(home) as shown:
        await shown.press("b", "w", "ctrl+s")
        await shown.until(lambda: woken == [1])


async def test_what_the_store_refuses_is_said_in_the_form(home):
    stored_runs.complete(home, dataset={"n": 40})
    stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("b", "w")
        delete_run(home, 2)
        await shown.press("ctrl+s")
        await shown.until_text("! no run 2")
        assert isinstance(shown.app.screen, PinScreen)
