"""The Compare screen over a real store: groups of runs, a baseline, runs that cannot be compared, hostile names."""

import sqlite3
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache

import pytest
import stored_runs
from stored_runs import complete, slow_down

from vp_tui.core.config import RunConfig
from vp_tui.core.report.evidence import BIN, FLOOR
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.upkeep import delete_run
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.backend import CoreBackend
from vp_tui.tui.messages import OpenComparison
from vp_tui.tui.panels import comparison, comparison_table
from vp_tui.tui.panels.comparison_charts import DistributionChart
from vp_tui.tui.panels.distributions import BASE, BOTH, CAND, LIMIT, picture
from vp_tui.tui.panels.rows import Rows, cells, fitted
from vp_tui.tui.screens.compare import VIEWS
from vp_tui.tui.screens.export import ExportScreen

SIZES = [(60, 16), (80, 24), (120, 40), (200, 50)]
HOSTILE = "[red]x[/] \x1b[31m\n\u202e" + "very-long-name" * 12
OTHERWISE = {
    "dataset": {"sha256": "00" * 32, "cuts": [32], "tokenizer": "other"},
    "checkpoint": {"weights_sha256": "11" * 32, "pooling": "first", "max_residues": 512},
    "environment": {
        "torch": "2.14.0", "device_name": "H200", "compute_capability": "9.0", "transformers": "5", "flash_attn": "3",
        "threads": 8, "schedule": "AB",
    },
}  # fmt: skip
"""Eight facts of the accuracy key, and five of the performance key besides."""
SLOW, FIRST = 20, 11
"""The newest of the slow runs, the first of the baseline."""


def change(home, statement, *values):
    connection = sqlite3.connect(home.database)
    with connection:
        connection.execute(statement, values)
    connection.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Names of runs -> id, beside the five of the baseline `default` and five slow ones; `home` is the store."""
    from vp_tui.migrations import upgrade

    home = Home(tmp_path_factory.mktemp("compare") / "home")
    upgrade(home)
    slow = slow_down(home)
    assert slow[-1] == SLOW
    found = {"home": home, "slow": slow[-1], "same": complete(home)}
    found["elsewhere"] = complete(home, environment={"device_name": "H200"})
    found["unlike"] = complete(home, **OTHERWISE)
    found["broken"] = complete(home, name="broken")
    change(home, "UPDATE sequence_result SET cosine = 0.5 - seq_idx * 0.01 WHERE run_id = ?", found["broken"])
    statement = "UPDATE sequence_result SET cosine = NULL, nan_count = 2 WHERE run_id = ? AND seq_idx < ?"
    change(home, statement, found["broken"], 2)
    for name in ("nan", "also nan"):
        found[name] = complete(home, name=name)
        change(home, statement, found[name], 30)
    found["hostile"] = complete(home, name=HOSTILE[:80], model=HOSTILE)
    found["other"] = complete(home)
    change(home, "UPDATE sequence_result SET seq_hash = seq_hash + 1000 WHERE run_id = ?", found["other"])
    for name in ("broken", "hostile"):
        change(home, "UPDATE sequence_result SET sequence_id = ? || seq_idx WHERE run_id = ?", HOSTILE, found[name])
    change(home, "UPDATE sequence_result SET cosine = cosine - 1e-3 WHERE run_id = ?", found["hostile"])
    for run_id in (FIRST, found["broken"]):
        for block in range(4):
            change(
                home,
                "INSERT INTO block_sample (run_id, at_us, block, arm, stratum, sequences, tokens, encode_s, wall_s, "
                "is_warmup) VALUES (?, ?, ?, 'candidate', 'short', 8, 400, 0.1, 0.2, 0)",
                run_id, block * 1_000_000, block,
            )  # fmt: skip
    found["failed"] = complete(home, stopped="failed")
    found["gone"] = complete(home)
    found["active"] = lifecycle.create_run(home, RunConfig(model="esm2-8m", input="/data/reads.faa"))
    delete_run(home, found["gone"])
    return found


@pytest.fixture
def compared(runs, monkeypatch):
    """`async with compared(base, candidate, size=..) as driven`: sides are ids, names of runs, or baseline:NAME."""
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    monkeypatch.setattr(VpTuiApp, "DEFAULT_MODE", "compare")

    def side(of):
        return str(runs.get(of, of))

    @asynccontextmanager
    async def comparing(base=None, candidate=None, size=(80, 24), until="accuracy "):
        from conftest import Driven

        app = VpTuiApp(runs["home"], backend=CoreBackend(runs["home"]))
        async with app.run_test(size=size, notifications=True) as pilot:
            driven = Driven(app, pilot, app.backend)
            await driven.until(lambda: app.view is not None)
            await pilot.pause()
            if base is not None:
                app.post_message(OpenComparison(side(base), side(candidate)))
                # the first one loads scipy
                await driven.until(lambda: until in driven.text, seconds=20)
                await pilot.pause()
            yield driven

    return comparing


def focused(driven):
    return driven.app.screen.focused


def table(driven, name):
    return driven.app.screen.query_one(f"#{name}", Rows)


async def test_before_the_first_comparison_the_screen_says_how_to_get_one(compared):
    async with compared() as driven:
        await driven.until_text("Nothing is compared yet")
        assert [
            words for words in ("space marks a run", "c compares", "b pins a run") if words not in driven.text
        ] == []
        for key in ("v", "R", "s", "e"):
            await driven.press(key)
        await driven.until_text("there is no comparison to show yet")


async def test_an_empty_store_asks_for_a_run_first(drive):
    async with drive() as driven:
        await driven.press("3")
        await driven.until_text("press n, or try `vp-tui demo`")


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_runs_verdict_and_sentence(compared, size):
    async with compared("baseline:default", SLOW, size=size) as driven:
        rows = [row for row in driven.rows if row.strip()]
        assert rows[0].startswith(f" baseline   run {FIRST} +4")
        assert rows[1].startswith(" candidate  run 16 +4")
        assert "esm2-8m  fp16 vs fp32" in rows[1]
        assert "= default" in rows[0]
        assert rows[2].startswith(" ! REGRESSED  accuracy IDENTICAL, performance REGRESSED")
        assert "performance regressed: end-to-end tokens/s -10 %" in rows[3]
        assert "! REGRESSED end-to-end tok/s" in driven.text
        assert all(len(row) <= size[0] for row in driven.rows)


async def test_the_table_shows_differences_with_interval_and_limit_and_says_more_about_the_row_in_hand(compared):
    async with compared("baseline:default", SLOW) as driven:
        assert "1/4 differences: 6 of 8 metrics" in driven.text
        row = next(row for row in driven.rows if "tok/s            medium" in row)
        assert " ".join(row.split()) == "! REGRESSED tok/s medium 1000 900 -10.0 % [-10.3, -9.7] 5 %"
        assert "IDENTICAL" not in "".join(driven.rows[7:])
        assert "end-to-end tokens/s -10 % [-10.3 %, -9.7 %], p 0.004" in " ".join(driven.rows[-3:])
        await driven.press("end", "down")
        await driven.press(*["down"] * 5)
        assert "end-to-end time +11.1 %" in " ".join(driven.rows[-3:])


async def test_only_what_got_worse_and_back(compared):
    async with compared("same", "hostile", size=(120, 40)) as driven:
        assert "INCONCLUSIVE end-to-end" in driven.text
        await driven.press("R")
        assert "1/4 only what got worse: 3 of " in driven.text
        assert "INCONCLUSIVE end-to-end" not in driven.text
        assert "! REGRESSED" in driven.text
        await driven.press("R")
        assert "INCONCLUSIVE end-to-end" in driven.text


async def test_v_goes_through_four_views_and_back_to_the_first(compared):
    async with compared("same", "broken") as driven:
        titles = ["1/4 differences", "2/4 1 - cosine of both sides", "3/4 sequences that lost most", "4/4 what differs"]
        for title, at in zip([*titles, titles[0]], [*VIEWS, VIEWS[0]], strict=True):
            assert title in driven.text
            assert sum(other in driven.text for other in titles) == 1
            assert focused(driven).id == at
            await driven.press("v")


async def test_larger_screens_show_charts_beside_the_table_and_the_largest_shows_everything(compared):
    async with compared("same", "broken", size=(120, 40)) as driven:
        assert all(words in driven.text for words in ("1/4 differences", "2/4 1 - cosine", "tokens/s of both sides"))
        assert "3/4" not in driven.text
        # one of the two was timed
        assert "candidate" in driven.text.split("tokens/s of both sides")[1]
        await driven.press("v")
        assert "1/4" not in driven.text
        assert "short   \u2591 baseline 10 median" in driven.text
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
        assert "! FAIL" in driven.text
        await driven.pilot.resize_terminal(20, 6)
        await driven.pilot.pause()
        await driven.press("v", "v", "v", "v", "R")


async def test_what_cannot_be_compared_is_said_first_with_old_and_new(compared):
    async with compared("baseline:default", "elsewhere") as driven:
        assert driven.rows[0].startswith(" ~ performance not comparable: 1 fact differs")
        assert driven.rows[1].strip() == "device_name: x86_64 -> H200"
        assert driven.rows[2].startswith(" baseline ")
        await driven.press("v", "v", "v")
        rows = table(driven, "unlike")._grid.rows
        assert rows[0].cells == ("performance", "device_name", "x86_64", "H200")
        assert [row.cells[0] for row in rows] == ["performance"] + ["environment"] * (len(rows) - 1)
        assert "what to know" in driven.text


async def test_a_run_held_against_itself_is_told_so(compared):
    async with compared("same", "same") as driven:
        assert driven.rows[0].startswith(" ~ run 21 on both sides: held against itself")


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]])
async def test_hostile_names_steer_nothing(compared, size):
    async with compared("broken", "hostile", size=size) as driven:
        for _ in range(4):
            assert "\x1b" not in driven.text
            assert "\u202e" not in driven.text
            assert all(len(row) <= size[0] for row in driven.rows)
            assert " candidate  run 27 (" in driven.text
            assert " vs fp32" in driven.text
            await driven.press("v")
        assert table(driven, "differences").row_count > 5


async def test_errors_are_told_in_words_with_what_to_do_next(compared, runs):
    wrong = {
        ("same", "active"): "is queued; `vp-tui watch",
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
            assert "Press 2 and choose two completed runs" in driven.text
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
        await driven.until_text("IMPROVED  accuracy IDENTICAL")
        assert driven.rows[0].startswith(" baseline   run 16 +4")
        assert "2/4" in driven.text
        await driven.press("s")
        await driven.until_text("REGRESSED  accuracy IDENTICAL")
        assert driven.rows[0].startswith(f" baseline   run {FIRST} +4 = default")


async def test_the_comparison_is_exported_as_the_command_does(compared, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with compared("baseline:default", SLOW) as driven:
        await driven.press("e")
        assert "Export the comparison of #16 with #11" in driven.text
        driven.app.screen.query_one("#format").value = "md"
        await driven.pilot.pause()
        await driven.press("enter")
        await driven.until((tmp_path / "comparison-16-with-11.md").exists)
        await driven.until(lambda: not isinstance(driven.app.screen, ExportScreen))
    assert "REGRESSED" in (tmp_path / "comparison-16-with-11.md").read_text()


async def test_copying_gives_the_whole_table_and_the_picture(compared):
    async with compared("same", "broken") as driven:
        text = table(driven, "differences").copy_text()
        assert "95 % interval" in text
        assert len(text.splitlines()) == 1 + len(table(driven, "differences")._grid.rows)
        await driven.press("v")
        assert "\u2591 baseline 30" in driven.app.screen.query_one("#distribution").copy_text()


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
        before = len(stored_runs.comparisons_of(runs["home"], runs["broken"]))
        driven.app.post_message(OpenComparison(str(runs["same"]), str(runs["broken"])))
        await driven.until_text("! FAIL")
        assert len(stored_runs.comparisons_of(runs["home"], runs["broken"])) == before + 1
        assert driven.app.chosen.id == runs["broken"]
        await driven.press("v", "v")
        await driven.press("5")
        await driven.press("3")
        await driven.until_text("3/4 sequences that lost most")
        assert "! FAIL" in driven.text


async def test_nothing_got_worse_is_said(compared):
    async with compared(SLOW, "baseline:default") as driven:
        assert "IMPROVED" in driven.text
        await driven.press("v", "R")
        assert "1/4 nothing got worse" in driven.text
        assert "nothing got worse in 8 metrics; R shows the differences" in driven.text
        assert "IMPROVED tok/s" not in driven.text
        assert table(driven, "differences").detail == ""


# -- what the views are made of, without a screen


@pytest.fixture(scope="module")
def report(runs):
    """report(base, candidate) -> ComparisonReport, by the names of `runs`."""
    backend = CoreBackend(runs["home"])
    return cache(lambda *sides: backend.compare(*(str(runs.get(side, side)) for side in sides)))


def test_the_gravest_judgement_stands_first(report):
    rows = comparison_table.differences(report("same", "broken"), only_worse=False).rows
    outcomes = [row.cells[0] for row in rows]
    assert outcomes == sorted(outcomes, key=["FAIL", "REGRESSED", "SUSPECT", "INCONCLUSIVE"].index)
    assert {row.level for row in rows if row.cells[0] == "INCONCLUSIVE"} == {"warn"}
    assert {row.level for row in rows if row.cells[0] in {"FAIL", "REGRESSED"}} == {"fail"}


def test_without_a_difference_all_is_shown(report):
    grid = comparison_table.differences(report("baseline:default", 12), only_worse=False)
    assert grid.title == "no difference in 8 metrics"
    assert len(grid.rows) == 8


def test_columns_go_before_words_are_cut_and_the_change_stays(report):
    grid = comparison_table.differences(report("same", "hostile"), only_worse=False)
    titles = {width: [grid.columns[place].title for place in fitted(grid, width)] for width in (58, 78, 200)}
    assert titles[200][-3:] == ["limit", "p", "n"]
    assert titles[78][-1] == "95 % interval"
    assert titles[58] == ["verdict", "metric", "scope", "cand", "change"]
    for width in range(52, 200):
        widths = fitted(grid, width)
        assert sum(len(cell) for cell in cells(grid.rows[0], grid, widths)) <= width


def test_the_worst_sequences_are_marked_where_they_fail_the_limit(report):
    rows = comparison_table.worst(report("same", "broken")).rows
    assert [(row.cells[4], row.cells[5], row.level) for row in rows[:2]] == [("-", "all", "fail")] * 2
    assert rows[0].detail.endswith("NaN or Inf in the candidate now")
    assert rows[2].cells[3:5] == ("0.999987", "0.210000")
    assert rows[2].detail.endswith("at or below the limit 0.99 now")
    passing = comparison_table.worst(report("same", "hostile")).rows
    assert {row.level for row in passing} == {"plain"}
    assert passing[0].detail.endswith("above the limit 0.99")


def picture_rows(found, width, height):
    return picture(found.distributions, found.limits["cosine"], width, height).plain.splitlines()


def test_the_chart_tells_the_sides_apart_without_colour_and_marks_the_limit(report):
    rows = picture_rows(report("same", "broken"), 76, 15)
    assert rows[0] == f"all     {BASE} baseline 30  {CAND} candidate 30, 2 without a cosine  {BOTH} both"
    limit = rows[1].index(LIMIT)
    assert {row.index(LIMIT) for row in rows[1:-1]} == {limit}
    # all of the baseline passes, and nothing of the candidate
    assert BASE in rows[-2][:limit]
    assert CAND in rows[-2][limit:]
    assert not any(CAND in row[:limit] or BASE in row[limit:] for row in rows[1:])
    assert rows[-1].index("1e-2") == limit + 1


def test_a_single_sequence_among_many_is_seen_and_what_is_equal_lies_on_each_other(report):
    found = report("same", "same")
    rows = picture_rows(found, 76, 15)
    assert BOTH in rows[-2]
    assert not any(shade in row for row in rows[1:] for shade in (BASE, CAND))
    empty = (0,) * len(found.distributions[0].counts)
    lone = replace(found.distributions[0], n=10_000, counts=(*empty[:-5], 1, *empty[-4:]))
    assert BASE in picture([lone, *found.distributions[2:]], 0.99, 76, 8).plain.splitlines()[-2].partition(LIMIT)[2]


def test_an_error_of_exactly_the_limit_stands_on_the_failing_side(report):
    one = report("same", "broken").distributions[0]
    at_limit = round((-2 - FLOOR) / BIN)
    for place, side in ((at_limit, 2), (at_limit - 1, 0)):
        counts = tuple(int(other == place) for other in range(len(one.counts)))
        for width in (20, 40, 76, 190):
            row = picture([replace(one, n=1, counts=counts)], 0.99, width, 5).plain.splitlines()[-2]
            assert BASE in row.partition(LIMIT)[side]


@pytest.mark.parametrize("width", [12, 20, 40, 76, 118, 198])
@pytest.mark.parametrize("height", [3, 6, 15, 40])
def test_the_chart_keeps_to_its_room(report, width, height):
    for sides in (("same", "broken"), ("baseline:default", SLOW)):
        rows = picture_rows(report(*sides), width, height)
        assert len(rows) <= height
        assert max(map(len, rows)) <= max(width, 20)


def test_strata_stand_below_each_other_where_there_is_room(report):
    rows = picture_rows(report("same", "broken"), 76, 18)
    assert [row[:6].strip() for row in rows if "baseline" in row] == ["short", "medium", "long"]
    assert len(rows) == 18
    assert "median " in rows[0]


def test_nan_everywhere_and_no_pair_at_all_are_told_in_words(report):
    found = report("nan", "also nan")
    assert picture_rows(found, 76, 15) == ["no sequence of either side has a cosine: there is nothing to draw"]
    assert comparison_table.worst(found).without == "none of the 30 sequences on both sides lost similarity"
    told = [cell for row in comparison_table.differences(found, only_worse=False).rows for cell in row.cells]
    assert "nan" not in told
    apart = report("same", "other")
    assert comparison_table.worst(apart).without == "no sequence is on both sides"
    assert comparison.banner(apart, 76, 3).plain == "~ accuracy not comparable: no sequence is on both sides"


@pytest.mark.parametrize("most", [1, 3, 8, 20])
def test_many_differing_facts_leave_room_for_the_verdict(report, most):
    rows = comparison.banner(report("baseline:default", "unlike"), 76, most).plain.splitlines()
    assert rows[0] == "! accuracy and performance not comparable: 13 facts differ"
    assert len(rows) == 1 + min(most, 13)
    assert rows[-1].strip().startswith("and " if most < 13 else "transformers: none -> 5")
    nothing = comparison_table.differences(report("same", "unlike"), only_worse=False)
    assert (nothing.title, nothing.rows) == ("nothing could be judged", ())


def test_the_head_keeps_to_its_room_whatever_the_names_are(report):
    for sides in (("broken", "hostile"), ("baseline:default", "unlike"), ("same", "broken")):
        found = report(*sides)
        for width in range(58, 200, 7):
            for most in (1, 3, 8):
                rows = comparison.compared(found, width, most).plain.splitlines()
                assert len(rows) <= 3 + most
                rows += comparison.banner(found, width, most).plain.splitlines() if sides[1] == "unlike" else []
                assert max(map(len, rows)) <= width
                assert all(row.isprintable() for row in rows)


@pytest.mark.parametrize("sides", [("hostile", "broken"), ("broken", "hostile"), ("same", "hostile")])
def test_nothing_stored_reaches_a_table_as_it_is(report, sides):
    found = report(*sides)
    grids = (comparison_table.worst(found), comparison_table.unlike(found))
    told = [words for grid in grids for row in grid.rows for words in (*row.cells, row.detail)]
    assert told
    assert [words for words in (*told, *comparison_table.notes(found)) if not words.isprintable()] == []


def test_a_cut_sentence_says_that_it_is_cut(report):
    found = report("same", "broken")
    assert comparison.compared(found, 58, 2).plain.endswith("..")
    assert " ".join(comparison.compared(found, 58, 99).plain.split()).endswith(" ".join(found.sentence.split()))
    assert found.comparison.accuracy.sentence in list(comparison_table.notes(found))
