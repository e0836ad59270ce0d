"""The Compare screen over a real store: groups of runs, a baseline, runs that cannot be compared, hostile names."""

import re
from contextlib import asynccontextmanager

import pytest
from compared_runs import FIRST, SLOW

from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.backend import Backend
from vp_tui.tui.messages import OpenComparison
from vp_tui.tui.panels.comparison_charts import DistributionChart
from vp_tui.tui.panels.rows import Rows
from vp_tui.tui.screens.compare import VIEWS
from vp_tui.tui.screens.export import ExportScreen

SIZES = [(60, 16), (80, 24), (120, 40), (200, 50)]


# one worker for both modules that use these runs: making them takes seconds
pytestmark = pytest.mark.xdist_group("compared")


@pytest.fixture
def compared(drive, runs, monkeypatch):
    """`async with compared(base, candidate, size=..) as driven`: sides are ids, names of runs, or baseline:NAME."""
    monkeypatch.setattr(VpTuiApp, "DEFAULT_MODE", "compare")

    def side(of):
        return str(runs.get(of, of))

    @asynccontextmanager
    async def comparing(base=None, candidate=None, size=(80, 24), until="Accuracy:"):
        home = runs["home"]
        async with drive(home=home.root, backend=Backend(home), size=size) as driven:
            if base is not None:
                driven.app.post_message(OpenComparison(side(base), side(candidate)))
                # the first one loads scipy
                await driven.until(lambda: until in driven.text, seconds=20)
                await driven.pilot.pause()
            yield driven

    return comparing


def focused(driven):
    return driven.app.screen.focused


def table(driven, name):
    return driven.app.screen.query_one(f"#{name}", Rows)


async def test_before_the_first_comparison_the_screen_says_how_to_get_one(compared):
    async with compared() as driven:
        await driven.until_text("No comparison yet")
        assert [words for words in ("space", "press c", "b sets") if words not in driven.text] == []
        before = driven.text
        for key in ("v", "R", "s", "e"):
            await driven.press(key)
        assert driven.text == before
        assert [words for words in ("v View", "s Swap", "e Export") if words in driven.text] == []


async def test_an_empty_store_asks_for_a_run_first(drive):
    async with drive() as driven:
        await driven.press("3")
        await driven.until_text("validate your own")


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_runs_verdict_and_sentence(compared, size):
    async with compared("baseline:default", SLOW, size=size) as driven:
        rows = [row for row in driven.rows if row.strip()]
        assert rows[0].startswith(f" A  run {FIRST} +4")
        assert rows[1].startswith(" B  run 16 +4")
        assert "esm2-8m  fp16 vs fp32" in rows[1]
        assert "= default" in rows[0]
        assert rows[2].startswith(" Accuracy: identical (IDENTICAL), all: ")
        told = " ".join(" ".join(rows[3:6]).split())
        assert "! Speed: B is worse (REGRESSED), end-to-end tokens/s (a" in told
        assert size[0] < 80 or "-10.0%" in told
        assert "! REGRESSED end-to-end tok/s" in driven.text
        assert all(len(row) <= size[0] for row in driven.rows)


async def test_the_table_shows_differences_with_interval_and_limit_and_says_more_about_the_row_in_hand(compared):
    async with compared("baseline:default", SLOW) as driven:
        assert "1/4 differences: 6 of 8 metrics" in driven.text
        row = next(row for row in driven.rows if "tok/s            medium" in row)
        assert " ".join(row.split()) == "! REGRESSED tok/s medium 1000 900 -10.0% [-10.3, -9.7] 5%"
        assert "IDENTICAL" not in "".join(driven.rows[6:])
        assert "end-to-end tokens/s -10.0% [-10.3, -9.7], p 0.004" in " ".join(driven.rows[-3:])
        await driven.press("end", "down")
        await driven.press(*["down"] * 5)
        assert "end-to-end time +11.1%" in " ".join(driven.rows[-3:])


async def test_only_what_got_worse_and_back(compared):
    improved = re.compile(r"IMPROVED\s+end-to-end")
    async with compared(SLOW, "hostile", size=(120, 40)) as driven:
        assert improved.search(driven.text), driven.text
        await driven.press("R")
        assert "1/4 only what got worse: 4 of " in driven.text
        assert not improved.search(driven.text)
        assert "! REGRESSED" in driven.text
        await driven.press("R")
        assert improved.search(driven.text)


async def test_v_goes_through_four_views_and_back_to_the_first(compared):
    async with compared("same", "broken") as driven:
        titles = ["1/4 differences", "2/4 similarity", "3/4 largest losses", "4/4 differing"]
        for title, at in zip([*titles, titles[0]], [*VIEWS, VIEWS[0]], strict=True):
            assert title in driven.text
            assert sum(other in driven.text for other in titles) == 1
            assert focused(driven).id == at
            await driven.press("v")


async def test_larger_screens_show_charts_beside_the_table_and_the_largest_shows_everything(compared):
    async with compared("same", "broken", size=(120, 40)) as driven:
        assert all(words in driven.text for words in ("1/4 differences", "2/4 similarity", "tokens/s over time"))
        assert "3/4" not in driven.text
        # one of the two was timed
        assert "B" in driven.text.split("tokens/s over time")[1]
        await driven.press("v")
        assert "1/4" not in driven.text
        assert "short   \u2591 A 10 median" in driven.text
    async with compared("same", "broken", size=(200, 50)) as driven:
        assert all(f"{place}/4" in driven.text for place in (1, 2, 3, 4))
        await driven.press("v", "v")
        assert focused(driven).id == "pairs"
        await driven.press("tab")
        assert focused(driven).id == "unlike"
        await driven.press("v")
        assert focused(driven).id == "differences"


async def test_a_resize_shows_more_or_less_of_the_same_comparison(compared):
    async with compared("same", "broken", size=(60, 16)) as driven:
        await driven.pilot.resize_terminal(200, 50)
        await driven.until_text("4/4")
        await driven.pilot.resize_terminal(60, 16)
        await driven.until(lambda: "4/4" not in driven.text)
        assert "! Accuracy: B fails its gates (FAIL)" in driven.text
        await driven.pilot.resize_terminal(20, 6)
        await driven.pilot.pause()
        await driven.press("v", "v", "v", "v", "R")


async def test_what_cannot_be_compared_is_said_first_with_old_and_new(compared):
    async with compared("baseline:default", "elsewhere") as driven:
        assert driven.rows[0].startswith(" ~ different device: numbers side by side, no verdict on speed")
        assert driven.rows[1].strip() == "device_name: x86_64 -> H200"
        assert driven.rows[2].startswith(" A  ")
        await driven.press("v", "v", "v")
        rows = table(driven, "unlike")._grid.rows
        assert rows[0].cells == ("performance", "device_name", "x86_64", "H200")
        assert [row.cells[0] for row in rows] == ["performance"] + ["environment"] * (len(rows) - 1)
        assert driven.app.screen.query_one("#notes").display


async def test_a_run_held_against_itself_is_told_so(compared):
    async with compared("same", "same") as driven:
        assert driven.rows[0].startswith(" ~ run 21 on both sides")


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]])
async def test_hostile_names_steer_nothing(compared, size):
    async with compared("broken", "hostile", size=size) as driven:
        for _ in range(4):
            assert "\x1b" not in driven.text
            assert "\u202e" not in driven.text
            assert all(len(row) <= size[0] for row in driven.rows)
            assert " B  run 27 (" in driven.text
            assert " vs fp32" in driven.text
            await driven.press("v")
        assert table(driven, "differences").row_count == 5


async def test_errors_are_told_in_words_with_what_to_do_next(compared, runs):
    wrong = {
        ("same", "active"): "is queued",
        ("same", "failed"): "is failed and has no result to compare",
        ("gone", "same"): "no run",
        ("same", "gone"): "no run",
        ("baseline:nope [red]", "same"): "no active baseline is called 'nope [red]'",
    }
    async with compared() as driven:
        for sides, words in wrong.items():
            base, candidate = (str(runs.get(side, side)) for side in sides)
            driven.app.post_message(OpenComparison(base, candidate))
            await driven.until(lambda end=f"#{candidate} with": f"cannot compare {end}" in driven.text, seconds=20)
            await driven.until_text(words)
            assert "Press 2" in driven.text
        await driven.press("v", "e")
        assert not isinstance(driven.app.screen, ExportScreen)


async def test_an_error_of_the_backend_is_shown_and_the_next_comparison_replaces_it(drive):
    async with drive(refuse="the disk [red] is full") as driven:
        driven.app.post_message(OpenComparison("40", "41"))
        await driven.until_text("! cannot compare #41 with #40")
        assert "the disk [red] is full" in driven.text


async def test_the_screen_says_at_once_what_it_compares(compared, monkeypatch):
    async with compared() as driven:
        asked = []
        monkeypatch.setattr("vp_tui.tui.screens.compare.run_job", lambda *told: asked.append(told[1]))
        driven.app.post_message(OpenComparison("baseline:night", "41"))
        await driven.until_text("comparing #41 with baseline 'night' ..")
        assert asked == ["compare"]


async def test_swap_exchanges_both_sides_with_all_their_repeats(compared):
    async with compared("baseline:default", SLOW) as driven:
        await driven.press("v", "s")
        await driven.until_text("Speed: B is better (IMPROVED)")
        assert driven.rows[0].startswith(" A  run 16 +4")
        assert "2/4" in driven.text
        await driven.press("s")
        await driven.until_text("! Speed: B is worse (REGRESSED)")
        assert "Accuracy: identical (IDENTICAL)" in driven.text
        assert driven.rows[0].startswith(f" A  run {FIRST} +4 = default")


async def test_the_comparison_is_exported_as_the_command_does(compared, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with compared("baseline:default", SLOW) as driven:
        await driven.press("e")
        assert "Export the comparison of #16 with #11" in driven.text
        driven.app.screen.query_one("#format").value = "md"
        await driven.pilot.pause()
        await driven.press("ctrl+s")
        await driven.until((tmp_path / "comparison-16-with-11.md").exists)
        await driven.until(lambda: not isinstance(driven.app.screen, ExportScreen))
    assert "REGRESSED" in (tmp_path / "comparison-16-with-11.md").read_text()


async def test_copying_gives_the_whole_table_and_the_picture(compared):
    async with compared("same", "broken") as driven:
        text = table(driven, "differences").copy_text()
        assert "95% interval" in text
        assert len(text.splitlines()) == 1 + len(table(driven, "differences")._grid.rows)
        await driven.press("v")
        assert "\u2591 A 30" in driven.app.screen.query_one("#distribution").copy_text()


async def test_a_store_that_changes_writes_nothing_on_a_comparison(compared, monkeypatch):
    async with compared("same", "broken", size=(200, 50)) as driven:
        written = []
        monkeypatch.setattr("textual.widgets.Static.update", lambda *_: written.append("static"))
        monkeypatch.setattr("textual.widgets.DataTable.clear", lambda *_, **__: written.append("table"))
        for _ in range(3):
            driven.app.screen.show(driven.app.view)
            driven.app.screen.on_resize()
            await driven.pilot.pause()
        assert written == []
        monkeypatch.undo()
        drawn = []
        monkeypatch.setattr(DistributionChart, "drawn", lambda *_: drawn.append("chart"))
        monkeypatch.setattr("textual.widgets.DataTable.clear", lambda self, **_: drawn.append(self.id))
        await driven.press("R")
        assert drawn == ["differences"]


async def test_the_last_comparison_stays_and_its_candidate_is_the_run_that_is_meant(compared, runs):
    async with compared() as driven:
        assert driven.app.chosen.id == runs["active"]
        driven.app.post_message(OpenComparison(str(runs["same"]), str(runs["broken"])))
        await driven.until_text("! Accuracy: B fails")
        assert driven.app.chosen.id == runs["broken"]
        await driven.press("v", "v")
        await driven.press("5")
        await driven.press("3")
        await driven.until_text("3/4 largest losses")
        assert "! Accuracy: B fails" in driven.text


async def test_nothing_got_worse_is_said(compared):
    async with compared(SLOW, "baseline:default") as driven:
        assert "IMPROVED" in driven.text
        await driven.press("v", "R")
        assert "1/4 nothing got worse" in driven.text
        assert "nothing got worse in 8 metrics; R shows the differences" in driven.text
        assert "IMPROVED tok/s" not in driven.text
        assert table(driven, "differences").detail == ""
