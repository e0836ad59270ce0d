"""The Runs screen over a real store: filter, older runs, export, comparison."""

import sqlite3

import stored_runs
from form_parts import choices_of, opened
from on_store import runs_screen

from vp_tui.core.config import Judged
from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.query.fields import FIELDS
from vp_tui.tui.panels.filter_bar import FilterBar
from vp_tui.tui.screens.new_run import NewRunScreen


async def test_the_filter_asks_the_real_store_in_the_language_of_the_command_line(home):
    stored_runs.complete(home, name="quick", tags={"gpu": "h200"})
    stored_runs.complete(home, stopped="failed")
    async with runs_screen(home) as shown:
        await shown.press("slash")
        await shown.type("tag.gpu:h200")
        await shown.press("enter")
        await shown.until_text("/ tag.gpu:h200  1 of 2")
        assert shown.table.chosen.name == "quick"
        await shown.press("slash")
        await shown.type(" speed:zzz")
        await shown.press("enter")
        await shown.until_text("query, character 20: ")
        assert shown.app.main_screen.query_one(FilterBar).is_open
        assert shown.table.row_count == 1


async def test_the_files_of_a_judged_run_are_no_model_and_no_sequences_of_a_new_run(home):
    stored_runs.complete(home, model="/m/own", input="/d/own.fa")
    sides = Judged(reference="/j/a.npz", candidate="/j/b.npz")
    judged = stored_runs.complete(home, model=sides.reference, input=sides.candidate, judged=sides)
    async with runs_screen(home) as shown:
        await shown.press("r")
        await shown.until_text(f"#{judged} judged files")
        assert not isinstance(shown.app.screen, NewRunScreen)
        await opened(shown)
        await shown.until(lambda: choices_of(shown)[:2] == ["/m/own", "esm2-8m"])
        assert not [value for value in choices_of(shown) if value.startswith("/j/")]


async def test_the_reason_why_a_filter_is_refused_is_shown_to_its_last_field(home):
    stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("slash")
        await shown.type("foo:bar")
        await shown.press("enter")
        await shown.until(lambda: [field.name for field in FIELDS if field.name not in shown.text] == [])


async def test_a_filter_follows_the_store(home):
    stored_runs.complete(home)
    async with runs_screen(home) as shown:
        await shown.press("slash")
        await shown.type("status:failed")
        await shown.press("enter")
        await shown.until_text("status:failed  0 of 1")
        stored_runs.complete(home, stopped="failed")
        await shown.until_text("/ status:failed  1 of 2")


async def test_runs_older_than_those_of_the_view_are_in_the_history_too(home):
    run_id = stored_runs.complete(home)
    connection = sqlite3.connect(home.database)
    names = [row[1] for row in connection.execute("PRAGMA table_info(run)") if row[1] not in {"id", "uuid"}]
    with connection:
        connection.executemany(
            f"INSERT INTO run (uuid, {', '.join(names)}) SELECT ?, {', '.join(names)} FROM run WHERE id = ?",
            [(f"{number:032x}", run_id) for number in range(600)],
        )
    connection.close()
    async with runs_screen(home) as shown:
        await shown.until(lambda: shown.table.row_count == 601)
        assert len(shown.app.view.runs) == 500
        await shown.press("end")
        assert shown.table.chosen.id == 1
        await shown.press("D", "1", "ctrl+s")
        await shown.until(lambda: shown.table.row_count == 600)
        assert shown.table.chosen.id == 2


async def test_marked_runs_are_exported_else_the_one_under_the_cursor(home, tmp_path):
    for _ in range(3):
        stored_runs.complete(home)
    target = tmp_path / "out.html"
    async with runs_screen(home) as shown:
        await shown.press("e")
        await shown.until_text("Export run #3")
        await shown.press("escape", "space", "end", "space", "e")
        await shown.until_text("Export runs #1, #3")
        shown.app.screen.query_one("#path").value = str(target)
        await shown.press("ctrl+s")
        await shown.until(target.exists)
        assert "esm2" in target.read_text()


async def test_a_run_is_shown_against_the_baseline_that_fits_it(home):
    set_baseline(home, stored_runs.group_of(home, stored_runs.STEADY), reason="x")
    stored_runs.complete(home, tokens_per_s=900.0)
    async with runs_screen(home) as shown:
        # 10 % against five runs may be noise
        await shown.until_text("against 'default' (#5): speed not judged, lowest similarity no worse")
        assert "#5 =" in shown.text
        assert shown.table.copy_text().count("x  base") == 5
