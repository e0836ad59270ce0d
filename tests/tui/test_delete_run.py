"""Deleting a run from the history of a real store."""

import pytest
import stored_runs
from on_store import row_of, runs_screen
from textual.widgets import Button

from vp_tui.core.errors import RunNotFoundError
from vp_tui.core.store.baselines import set_baseline
from vp_tui.tui.screens.run_forms import DeleteScreen


async def test_the_number_must_be_typed_and_the_cursor_stays_in_its_place(home):
    for _ in range(4):
        stored_runs.complete(home)
    folder = home.run_folder(row_of(home, 3).uuid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.log").write_bytes(b"x" * 3000)
    async with runs_screen(home) as shown:
        await shown.press("down", "space", "D")
        await shown.until_text("30 sequences, 0 alerts")
        assert "KiB)" in shown.text
        await shown.type("2")
        await shown.until_text("! Type 3")
        await shown.press("ctrl+s")
        assert shown.app.screen.query_one("#do", Button).disabled
        await shown.press("backspace", "3", "ctrl+s")
        await shown.until_text("#3 deleted")
        await shown.until(lambda: shown.table.row_count == 3)
        assert shown.table.chosen.id == 2
        assert shown.table.cursor_row == 1
        assert "selected" not in shown.text
        assert not folder.exists()
    with pytest.raises(RunNotFoundError):
        row_of(home, 3)


async def test_a_run_that_became_a_baseline_meanwhile_is_kept_and_the_form_says_why(home):
    run_id = stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("D", "1")
        await shown.until_text("sequences,")
        set_baseline(home, [run_id], reason="x")
        await shown.press("ctrl+s")
        await shown.until_text("! run 1 belongs to the baseline 'default'")
        assert isinstance(shown.app.screen, DeleteScreen)
        assert row_of(home, run_id).id == run_id


async def test_the_mark_of_a_deleted_run_does_not_pass_to_the_next_one_with_its_number(home):
    stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("space", "D", "1", "ctrl+s")
        await shown.until_text("validate your own")
        assert stored_runs.complete(home) == 1
        await shown.until(lambda: shown.table.row_count == 1)
        assert "*" not in shown.table.copy_text()


async def test_the_last_run_gone_leaves_words_and_no_cursor(home):
    stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("D", "1", "ctrl+s")
        await shown.until_text("validate your own")
        await shown.press("D", "t", "ctrl+s", "space", "o")
        assert shown.app.current_mode == "runs"
