"""Tags and a note, as they are written and as they are stored."""

import pytest
import stored_runs
from on_store import row_of, runs_screen

from vp_tui.core.errors import UsageError
from vp_tui.core.store import upkeep
from vp_tui.tui.screens.run_forms import AnnotateScreen, tags_of, text_of


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("gpu=h200 release=1.4", {"gpu": "h200", "release": "1.4"}),
        ("gpu=h200,release=1.4, x=", {"gpu": "h200", "release": "1.4", "x": ""}),
        ('gpu="H 200, new" a=b=c', {"gpu": "H 200, new", "a": "b=c"}),
        ('"two words=it\'s"', {"two words": "it's"}),
        ("n#1=#2", {"n#1": "#2"}),
        ("  ", {}),
    ],
)
def test_tags_are_separated_by_blanks_and_commas(text, tags):
    assert tags_of(text) == tags


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gpu", "tag 'gpu'"),
        ("=h200", "not key=value"),
        ("a=1 a=2", "a key is repeated"),
        ('gpu="h', "unclosed quote"),
    ],
)
def test_wrong_tags_are_explained(text, words):
    with pytest.raises(UsageError, match=words):
        tags_of(text)


@pytest.mark.parametrize("value", ["h200", "H 200", "a,b", 'say "x"', "back\\slash", "", "'", "#"])
def test_what_is_stored_can_be_read_from_the_line_again(value):
    assert tags_of(text_of({"key": value, "other": "1"})) == {"key": value, "other": "1"}


async def test_tags_and_note_are_saved_and_what_is_taken_out_is_gone(home):
    run_id = stored_runs.complete(home, tags={"gpu": "h200", "old": "yes"})
    async with runs_screen(home) as shown:
        await shown.press("t")
        await shown.until_text("gpu=h200 old=yes")
        await shown.press("end", *["backspace"] * 8)
        await shown.type(",x")
        await shown.until_text("! tag 'x'")
        await shown.press("ctrl+s")
        assert isinstance(shown.app.screen, AnnotateScreen)
        await shown.type("=y")
        await shown.press("tab")
        await shown.type("new [driver]")
        await shown.press("ctrl+s")
        await shown.until_text("note new [driver]")
        assert "tags gpu=h200 x=y" in shown.text
        row = row_of(home, run_id)
        assert (dict(row.tags), row.note) == ({"gpu": "h200", "x": "y"}, "new [driver]")


async def test_an_empty_note_takes_it_away_and_esc_changes_nothing(home):
    run_id = stored_runs.complete(home)
    upkeep.note(home, run_id, "old")
    async with runs_screen(home) as shown:
        await shown.press("t", "tab", *["backspace"] * 3, "escape")
        await shown.until(lambda: not isinstance(shown.app.screen, AnnotateScreen))
        assert row_of(home, run_id).note == "old"
        await shown.press("t", "tab", *["backspace"] * 3, "ctrl+s")
        await shown.until(lambda: row_of(home, run_id).note is None)


async def test_a_run_that_has_gone_meanwhile_is_said_in_the_form(home):
    run_id = stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("t")
        upkeep.delete_run(home, run_id)
        await shown.press("ctrl+s")
        await shown.until_text(f"! no run {run_id}")
