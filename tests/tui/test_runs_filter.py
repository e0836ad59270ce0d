"""The filter of the history: the line it is written in, what it shows, and what it leaves alone."""

from dataclasses import replace

import snapshots
from made_history import DONE, history, showing, table
from textual.widgets import Input

from vp_tui.tui.panels.filter_bar import FilterBar


async def filtered(driven, query, *runs):
    driven.backend.answers[query] = runs
    await driven.press("slash")
    driven.app.screen.query_one("#filter", Input).value = query
    await driven.press("enter")
    await driven.until(lambda: not driven.app.screen.query_one(FilterBar).is_open)


async def test_a_filter_shows_what_matches_and_how_many(drive):
    async with showing(drive) as driven:
        await filtered(driven, "verdict:FAIL", history()[1])
        await driven.until_text("/ verdict:FAIL  1 of 5")
        assert [run.id for run in table(driven).runs] == [41]
        await driven.press("escape")
        await driven.until(lambda: table(driven).row_count == 5)
        assert "verdict:FAIL" not in driven.text


async def test_a_wrong_query_is_explained_and_the_last_good_list_stays(drive):
    async with showing(drive) as driven:
        await filtered(driven, "verdict:FAIL", history()[1])
        driven.backend.answers["verdict:BAD"] = "query, character 9: 'verdict' is never 'BAD'"
        await driven.press("slash")
        driven.app.screen.query_one("#filter", Input).value = "verdict:BAD"
        await driven.press("enter")
        await driven.until_text("! query, character 9: 'verdict' is never 'BAD'")
        assert [run.id for run in table(driven).runs] == [41]
        await driven.press("escape")
        await driven.until_text("/ verdict:FAIL  1 of 5")


async def test_a_filter_is_asked_once_for_every_new_view_and_not_more_often(drive):
    async with showing(drive) as driven:
        await filtered(driven, "name:x", history()[1])
        driven.backend.answers["name:x"] = history()[1:3]
        asked = driven.backend.calls.count(("history", "name:x"))
        driven.app._fill()
        await driven.pilot.pause(0.05)
        assert driven.backend.calls.count(("history", "name:x")) == asked
        driven.backend.store.put(snapshots.snapshot(replace(DONE, id=43)))
        await driven.until(lambda: table(driven).row_count == 2)
        assert driven.backend.calls.count(("history", "name:x")) == asked + 1
        await driven.until_text("2 of 6")


async def test_without_a_match_the_words_say_how_to_go_on_and_esc_brings_all_back(drive):
    async with showing(drive) as driven:
        await filtered(driven, "name:nobody")
        await driven.until_text("No run matches")
        await driven.press("escape", "down")
        await driven.until(lambda: table(driven).row_count == 5)
        assert table(driven).chosen.id == 41


async def test_letters_in_the_filter_are_no_keys(drive):
    async with showing(drive) as driven:
        await driven.press("slash", *"qxn2D")
        assert driven.app.screen.query_one("#filter", Input).value == "qxn2D"
        assert driven.app.screen.query_one(FilterBar).is_open


async def test_an_empty_query_is_no_filter(drive):
    async with showing(drive) as driven:
        await filtered(driven, "verdict:FAIL", history()[1])
        await filtered(driven, "  ")
        assert table(driven).row_count == 5


async def test_a_new_view_does_not_disturb_the_writing_of_the_next_query(drive):
    async with showing(drive) as driven:
        await filtered(driven, "verdict:FAIL", history()[1])
        await driven.press("slash", "x")
        driven.backend.answers["verdict:FAIL"] = history()[1:3]
        driven.backend.store.put(snapshots.snapshot(replace(DONE, id=43)))
        await driven.until(lambda: table(driven).row_count == 2)
        assert driven.app.focused.value == "verdict:FAILx"
        await driven.press("backspace", "enter")
        await driven.until_text("/ verdict:FAIL  2 of 6")


async def test_the_first_match_is_under_the_cursor_unless_its_run_matches_too(drive):
    async with showing(drive) as driven:
        await driven.press("down", "down")
        await filtered(driven, "verdict:PASS", *history()[1:])
        assert table(driven).chosen.id == 40
        await filtered(driven, "status:failed", history()[3], history()[4])
        assert table(driven).chosen.id == 38


async def test_the_field_in_hand_is_explained_and_completed(drive):
    async with showing(drive) as driven:
        await driven.press("slash", *"verdict", "colon", "f")
        await driven.until_text("PASS, WARN, FAIL, INVALID")
        await driven.until_text("/ verdict:fAIL")
        await driven.press("right")
        assert driven.app.focused.value == "verdict:FAIL"
