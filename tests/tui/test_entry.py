"""Fields of forms: focus selects their text, enter goes on, keys act in their order, and a long run is asked about."""

from dataclasses import replace

import snapshots
from form_parts import fill, opened
from textual import events
from textual.widgets import Button, Input

from vp_tui.tui.panels.alerts import AlertList
from vp_tui.tui.panels.estimate import EstimateLines
from vp_tui.tui.panels.filter_bar import QueryInput
from vp_tui.tui.screens.leave import QuestionScreen
from vp_tui.tui.screens.new_run import LONG_S, NewRunScreen


async def test_what_is_typed_after_ctrl_u_stays_although_all_keys_are_there_at_once(drive):
    async with drive(snapshots.passed()) as driven:
        form = await opened(driven)
        field = form.query_one("#field-name", Input)
        field.value = "before"
        field.focus()
        await driven.pilot.pause()
        # as from a slow line: every key is there before the first one acts
        for key, letter in (
            ("end", None),
            ("x", "x"),
            ("ctrl+u", None),
            ("a", "a"),
            ("b", "b"),
            ("left", None),
            ("c", "c"),
        ):
            driven.app.post_message(events.Key(key, letter))
        await driven.until(lambda: field.value.endswith("b"))
        await driven.pilot.pause()
        assert field.value == "acb"


async def test_keys_go_on_although_the_field_that_had_the_last_one_is_gone(drive):
    """Open the tags of a run, type, leave them, filter: the field goes with its form."""
    async with drive(snapshots.passed()) as driven:
        await driven.press("2")
        await driven.until(lambda: driven.app.current_mode == "runs")
        for key, letter in (("t", "t"), ("a", "a"), ("escape", None), ("slash", "/"), ("n", "n"), ("q", "q")):
            driven.app.post_message(events.Key(key, letter))
        runs = driven.app.screen
        await driven.until(lambda: runs.query_one(QueryInput).value == "nq")
        assert driven.app.screen is runs


async def test_focus_selects_the_text_so_that_typing_replaces_it(drive):
    async with drive(snapshots.passed()) as driven:
        form = await opened(driven)
        await fill(driven, name="old name")
        form.query_one("#field-sample", Input).focus()
        await driven.pilot.pause()
        form.query_one("#field-name", Input).focus()
        await driven.press("n", "e", "w")
        assert form.query_one("#field-name", Input).value == "new"


async def test_enter_goes_through_the_fields_to_the_button_and_starts_nothing(drive, fasta):
    async with drive(snapshots.passed()) as driven:
        form = await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        form.query_one("#field-sample", Input).focus()
        await driven.press("enter")
        assert driven.app.focused is not form.query_one("#field-sample", Input)
        form.query_one("#field-name", Input).focus()
        await driven.press("enter")
        await driven.until(lambda: driven.app.focused is form.query_one("#start", Button))
        assert driven.backend.started == []
        await driven.press("enter")
        await driven.until(lambda: driven.backend.started)


async def test_enter_after_the_last_field_goes_to_the_first_wrong_one(drive):
    async with drive(snapshots.passed()) as driven:
        form = await opened(driven)
        form.query_one("#field-name", Input).focus()
        await driven.press("enter")
        await driven.until(lambda: driven.app.focused is form.query_one("#field-model", Input))


async def test_a_run_of_more_than_ten_minutes_is_asked_about_and_a_shorter_one_is_not(drive, fasta):
    for seconds, asks in ((LONG_S + 1, True), (LONG_S, False)):
        async with drive(snapshots.passed()) as driven:
            form = await opened(driven)
            await fill(driven, model="esm2-3b", input=fasta)
            form.query_one(EstimateLines).seconds = seconds
            await driven.press("ctrl+s")
            if asks:
                await driven.until(lambda: isinstance(driven.app.screen, QuestionScreen))
                await driven.press("escape")
                assert driven.backend.started == []
                assert driven.app.screen is form
                await driven.press("ctrl+s", "y")
            await driven.until(lambda: driven.backend.started)


async def test_esc_goes_back_to_the_screen_that_opened_the_run(drive):
    rows = (replace(snapshots.passed().run, id=40),)
    async with drive(snapshots.passed(), rows=rows) as driven:
        assert "esc Back" not in driven.text
        await driven.press("2", "enter")
        await driven.until(lambda: driven.app.current_mode == "live")
        assert "esc Back" in driven.text
        await driven.press("escape")
        await driven.until(lambda: driven.app.current_mode == "runs")
        await driven.press("1", "escape")
        assert driven.app.current_mode == "live"


async def test_what_is_told_while_a_form_is_open_waits_until_it_is_closed(drive):
    async with drive(snapshots.passed()) as driven:
        await opened(driven)
        driven.app.notify("exported to a file")
        await driven.pilot.pause()
        assert "exported to a file" not in driven.text
        await driven.press("escape", "escape")
        await driven.until_text("exported to a file")


async def test_why_a_key_does_nothing_stays_until_the_next_key(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.press("2", "c")
        await driven.until_text("no baseline fits")
        await driven.pilot.pause(0.2)
        assert "no baseline fits" in driven.text
        await driven.press("down")
        await driven.until(lambda: "no baseline fits" not in driven.text)


async def test_text_is_found_in_the_alerts_and_n_is_the_next_match_until_esc(drive):
    # alerts about sequences would be one line
    alerts = tuple(
        snapshots.alert(number, kind="gpu", severity="warn", message=f"clock number {number}") for number in range(30)
    )
    shown = snapshots.snapshot(snapshots.passed().run, alerts=alerts)
    async with drive(shown) as driven:
        listed = driven.app.screen.query_one(AlertList)
        await driven.press("slash", *"number 2", "enter")
        assert listed.highlighted == 2
        await driven.press("n")
        assert listed.highlighted == 20
        await driven.press("N")
        assert listed.highlighted == 2
        await driven.press("N")
        assert listed.highlighted == 29, "around the end"
        await driven.press("escape", "n")
        await driven.until(lambda: isinstance(driven.app.screen, NewRunScreen))
