"""The Live screen under a Pilot: charts, focus, several runs, states of a run, and what its keys do."""

import re
from dataclasses import replace

import parts
import pytest
import snapshots

from vp_tui.tui import explain
from vp_tui.tui.panels.chart import TOPICS, ChartPanel
from vp_tui.tui.screens.export import ExportScreen
from vp_tui.tui.screens.run_forms import PinScreen

SIZES = [(60, 16), (80, 24), (120, 40), (160, 45), (200, 50)]
TITLES = ["similarity", "histogram: ", "tokens/s of each", "GPU, last "]
COUNTED = "histogram: similarity, 300 sequences"
IDLE = parts.gpu_sample(utilization=0.0, power_w=75.0)


def shown_charts(driven):
    """Places of the charts on the screen, in the order of their slots."""
    return [chart._place for chart in driven.app.screen.query(ChartPanel) if chart.region.area]


def title_of(driven, slot=0):
    return driven.app.screen.query_one(f"#chart{slot}").copy_text().splitlines()[0]


def counted(driven, run_id=42):
    driven.backend.results = {run_id: snapshots.results()}
    return driven


# -- charts


async def test_where_one_chart_fits_v_goes_round_all_of_them(drive):
    async with drive(snapshots.running()) as driven:
        for place in (1, 2, 3, 0):
            await driven.press("v")
            await driven.until(lambda place=place: shown_charts(driven) == [f"{place + 1}/4"])
            assert TITLES[place] in driven.text


@pytest.mark.parametrize(("size", "num"), [((80, 24), 1), ((120, 40), 2), ((160, 44), 2), ((160, 45), 4)])
async def test_as_many_charts_stand_beside_each_other_as_there_is_room_for(drive, size, num):
    async with drive(snapshots.running(), size=size) as driven:
        await driven.until(lambda: shown_charts(driven) == [f"{place + 1}/4" for place in range(num)])


@pytest.mark.parametrize("size", [(120, 40), (200, 50)])
async def test_v_enlarges_one_chart_after_the_other_with_a_word_in_the_title_and_goes_back_to_all(drive, size):
    async with drive(snapshots.running(), size=size) as driven:
        await driven.until(lambda: len(shown_charts(driven)) > 1)
        before, small = shown_charts(driven), driven.app.screen.query_one("#chart0").size
        for place in range(4):
            await driven.press("v")
            await driven.until(lambda place=place: shown_charts(driven) == [f"{place + 1}/4 enlarged,"])
            assert f"enlarged, {TITLES[place]}" in title_of(driven)
            assert driven.app.screen.query_one("#chart0").size.width > 1.9 * small.width
        await driven.press("v")
        await driven.until(lambda: shown_charts(driven) == before)


async def test_v_enlarges_the_chart_in_focus_which_keeps_the_focus(drive):
    async with drive(snapshots.running(), size=(120, 40)) as driven:
        driven.app.screen.query_one("#chart1").focus()
        await driven.press("v")
        await driven.until(lambda: shown_charts(driven) == ["2/4 enlarged,"])
        assert driven.app.screen.focused.topic == "histogram"


async def test_without_a_gpu_the_first_chart_has_the_height_of_the_two_others(drive):
    async with drive(snapshots.on_cpu(), size=(200, 50)) as driven:
        await driven.until(lambda: shown_charts(driven) == ["1/3", "2/3", "3/3"])
        first, *others = (driven.app.screen.query_one(f"#chart{slot}").region for slot in range(3))
        assert first.height == sum(one.height for one in others)
        assert driven.text.count("a CPU says nothing about a GPU") == 1
        assert "speed and GPU" not in driven.text


@pytest.mark.parametrize("size", [(120, 40), (200, 50)])
async def test_without_alerts_the_charts_have_the_rows_of_their_list(drive, size):
    async def rows_of(made):
        async with drive(made(), size=size) as driven:
            await driven.until(lambda: len(shown_charts(driven)) > 1)
            return driven.app.screen.query_one("#charts").region.height

    assert await rows_of(snapshots.running) > await rows_of(snapshots.failed_gate)


# -- the cursor of a chart


async def test_left_and_right_name_what_is_under_the_cursor_and_leaving_the_chart_takes_it_away(drive):
    async with drive(snapshots.running()) as driven:
        chart = driven.app.screen.query_one(ChartPanel)
        await driven.until(lambda: "short" in title_of(driven))
        chart.focus()
        await driven.press("left")
        await driven.until(lambda: re.search(r"1/4 . \w+, sequences 6,\d+ to 6,272, lowest: 0\.999", title_of(driven)))
        newest = title_of(driven)
        await driven.press("left")
        await driven.until(lambda: title_of(driven) != newest)
        await driven.press("right")
        await driven.until(lambda: title_of(driven) == newest)
        await driven.press("right")
        assert title_of(driven) == newest
        await driven.press("tab")
        await driven.until(lambda: "better is up" in title_of(driven))


async def test_in_a_chart_that_v_enlarged_the_arrows_point_at_once(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.until(lambda: "short" in title_of(driven))
        await driven.press("v", "v", "right")
        await driven.until(lambda: re.search(r"3/4 at sequence \d", title_of(driven)))


async def test_a_finished_run_of_few_sequences_names_each_of_them(drive):
    done = snapshots.passed()
    async with drive(snapshots.running()) as driven:
        counted(driven).backend.store.put(replace(done, run=replace(done.run, done=300, total=300)))
        await driven.until(lambda: "similarity of each sequence" in title_of(driven))
        driven.app.screen.query_one(ChartPanel).focus()
        await driven.press("right")
        await driven.until(lambda: "ORF_" in title_of(driven))


async def test_the_keys_of_the_cursor_are_told_only_where_there_is_something_to_point_at(drive):
    async with drive(snapshots.running(), size=(200, 50)) as driven:
        await driven.until(lambda: len(shown_charts(driven)) == 4)
        for slot, works in ((0, True), (1, False), (2, True), (3, False)):
            driven.app.screen.query_one(f"#chart{slot}").focus()
            await driven.until(lambda works=works: ("right Point" in driven.rows[-1]) is works)


async def test_the_chart_is_drawn_for_its_real_size_not_for_the_hidden_one(drive):
    async with drive(snapshots.running()) as driven:
        await driven.press("v", "v")
        await driven.until_text("100k")


async def test_the_histogram_counts_the_sequences_of_the_store_only_when_it_is_on_the_screen(drive):
    async with drive(snapshots.running()) as driven:
        counted(driven)
        await driven.pilot.pause()
        assert ("compared", 42) not in driven.backend.calls
        await driven.press("v")
        await driven.until_text(COUNTED)
        assert "!3" in driven.text


async def test_a_wide_screen_counts_by_itself_and_again_when_more_is_compared(drive):
    async with drive(snapshots.running(), size=(120, 40)) as driven:
        await driven.until_text("0 sequences")
        counted(driven).backend.store.put(snapshots.running(0.8))
        await driven.until_text(COUNTED)
        calls = driven.backend.calls.count(("compared", 42))
        driven.app._fill()
        await driven.pilot.pause()
        assert driven.backend.calls.count(("compared", 42)) == calls


async def test_a_histogram_of_another_run_is_not_shown_for_this_one(drive):
    other = replace(snapshots.passed(), run=replace(snapshots.passed().run, id=41, uuid="41"))
    async with drive(snapshots.running(), other, run_id=42) as driven:
        counted(driven)
        await driven.press("v")
        await driven.until_text(COUNTED)
        driven.backend.refuse = "the store is locked"
        driven.app._poller.choose(41)
        await driven.until_text("the store is locked")
        assert "Counting" in driven.text
        assert "300 sequences" not in driven.text


async def test_no_size_of_terminal_and_no_view_breaks_the_screen(drive):
    async with drive(snapshots.failed_gate(), size=(1, 1)) as driven:
        counted(driven)
        for size in [(20, 5), (40, 10), (79, 19), (80, 20), (120, 20), (300, 90), (1, 1)]:
            await driven.pilot.resize_terminal(*size)
            await driven.press("v", "a", "a")
        await driven.press("v")
        await driven.pilot.resize_terminal(80, 24)
        await driven.until(lambda: len(shown_charts(driven)) == 1)


@pytest.mark.parametrize("made", [snapshots.loading, snapshots.waiting])
async def test_views_without_data_say_why(drive, made):
    async with drive(made()) as driven:
        await driven.until_text("no data: ")
        await driven.press("v", "v", "v")
        await driven.until_text("no GPU reading yet")


# -- focus, help, copy


async def test_every_panel_is_reached_by_tab_has_a_topic_of_the_help_and_shows_its_focus(drive):
    async with drive(snapshots.passed(), size=(120, 40)) as driven:
        topics = []
        for _ in range(9):
            before = driven.app.screen.focused
            await driven.press("tab")
            focused = driven.app.screen.focused
            assert focused is not before
            topics.append(focused.topic)
            assert focused.styles.border_left[0] in {"outer", "heavy"}
        assert topics == [
            "header",
            "strata",
            "similarity",
            "histogram",
            "speed",
            "gpu",
            "header",
            "embeddings",
            "alerts",
        ]
        assert set(topics) | set(TOPICS.values()) <= set(explain.TOPICS)


async def test_the_focus_is_seen_without_colour_where_there_are_no_frames(drive):
    async with drive(snapshots.running()) as driven:
        await driven.press("tab", "tab")
        assert next(row for row in driven.rows if "stratum" in row).startswith("\u258c")
        await driven.press("tab")
        assert not any(row.startswith("\u258c") for row in driven.rows)
        assert driven.app.screen.focused.styles.border_title_style.reverse


async def test_a_chart_is_copied_as_text_and_explained_by_its_view(drive):
    async with drive(snapshots.running()) as driven:
        chart = driven.app.screen.query(ChartPanel).first()
        await driven.until(lambda: "medium" in chart.copy_text())
        await driven.press("v", "v", "v")
        assert chart.topic == "gpu chart"
        assert "612/700 W" in chart.copy_text()


# -- the baseline


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
async def test_without_a_baseline_there_is_no_column_and_with_one_it_fits(drive, size):
    run = replace(snapshots.running().run, accuracy_key="a", perf_key="p")
    base = replace(snapshots.passed(), run=replace(snapshots.passed().run, id=40, accuracy_key="a", perf_key="p"))
    async with drive(replace(snapshots.running(), run=run), base, run_id=42, size=size) as driven:
        assert "vs base" not in driven.text
        driven.backend.store.pinned = snapshots.baseline(accuracy="a", perf="p")
        driven.backend.store.touch()
        await driven.until(lambda: driven.app.view.baseline is not None)
        await driven.pilot.pause()
        assert ("vs base" in driven.text) == (size[0] >= 80)


# -- several runs


async def test_brackets_go_from_run_to_run_and_round(drive):
    async with drive(*snapshots.several(), run_id=42) as driven:
        await driven.until_text(">#42 63% cuda:0 | #43 12%")
        for key, run_id in (("]", 43), ("]", 44), ("]", 42), ("[", 44), ("[", 43)):
            await driven.press({"]": "right_square_bracket", "[": "left_square_bracket"}[key])
            await driven.until_text(f">#{run_id} ")


async def test_brackets_are_offered_where_there_is_another_run_only(drive):
    async with drive(snapshots.running()) as driven:
        assert ">#42" not in driven.text
        await driven.press("right_square_bracket")
        assert driven.app.view.snapshot.run.id == 42
        assert "[ ]" not in driven.rows[-1]


async def test_from_a_finished_run_the_bracket_goes_to_the_active_one(drive):
    done = replace(snapshots.passed(), run=replace(snapshots.passed().run, id=41, uuid="41"))
    async with drive(done, snapshots.running(), run_id=41) as driven:
        await driven.until_text("#41 nightly")
        await driven.press("left_square_bracket")
        await driven.until_text("#42 nightly")


# -- states of a run


async def test_a_stalled_run_says_so_without_any_news_from_the_store(drive, monkeypatch):
    monkeypatch.setattr("vp_tui.tui.screens.live.LOOK_S", 0.02)
    async with drive(snapshots.running()) as driven:
        assert "stalled" not in driven.text
        with monkeypatch.context() as impatient:
            impatient.setattr("vp_tui.tui.panels.header.SILENT_S", 0.0)
            await driven.until_text("~ Stalled: no heartbeat for 15 s")
        alive = snapshots.running()
        run = replace(
            alive.run,
            heartbeat_at_us=alive.run.heartbeat_at_us + 1_000_000,
            done=6400,
            progress=snapshots.comparing(6400),
        )
        driven.backend.store.put(replace(alive, run=run))
        await driven.until(lambda: "6,400 of" in driven.text and "stalled" not in driven.text)


# -- the GPU outside of a run, the embeddings


async def test_without_any_run_the_gpu_is_shown_as_it_is_now(drive):
    async with drive(gpu=IDLE) as driven:
        await driven.until_text("GPU    now 0%")
        assert "75/700 W" in driven.text


async def test_the_numbers_of_both_embeddings_stand_side_by_side(drive):
    async with drive(snapshots.measured(), size=(120, 40)) as driven:
        rows = {row.split("\u2502")[-2].split("  ")[0].strip(): row for row in driven.rows if row.count("\u2502") == 4}
        assert rows["mean"].split()[-3:-1] == ["0.012", "0.013"]
        assert rows["beyond 3 std"].split()[-3:-1] == ["0.42%", "0.43%"]


async def test_on_a_small_screen_the_numbers_of_the_embeddings_are_in_the_measures(drive):
    async with drive(snapshots.measured()) as driven:
        await driven.press("m")
        await driven.until_text("explains the gate")
        assert "0.013" in driven.app.screen.query_one("#report").copy_text()


# -- what one does with the run


async def test_c_compares_with_the_baseline_that_fits(drive, monkeypatch):
    asked = []
    monkeypatch.setattr("vp_tui.tui.screens.compare.CompareScreen.compare", lambda _self, *sides: asked.append(sides))
    run = replace(snapshots.passed().run, accuracy_key="a")
    base = replace(snapshots.passed(), run=replace(snapshots.passed().run, id=40))
    async with drive(replace(snapshots.passed(), run=run), base, run_id=42) as driven:
        driven.backend.store.pinned = snapshots.baseline(accuracy="a")
        driven.backend.store.touch()
        await driven.until(lambda: driven.app.view.baseline is not None)
        await driven.press("c")
        await driven.until(lambda: asked == [("baseline:nightly", "42")])


async def test_c_says_what_to_do_when_no_baseline_fits(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.press("c")
        await driven.until_text("b sets one")


async def test_e_asks_where_the_run_is_to_be_written(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.press("e")
        await driven.until(lambda: isinstance(driven.app.screen, ExportScreen))
        assert "run #42" in driven.text
        assert "run-42-nightly" in driven.app.screen.query_one("#path").value


async def test_b_asks_for_a_name_and_a_reason(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.press("b")
        await driven.until(lambda: isinstance(driven.app.screen, PinScreen))


async def test_b_says_why_an_unfinished_run_is_no_baseline(drive):
    async with drive(snapshots.running()) as driven:
        await driven.press("b")
        await driven.until_text("#42 is running")
        assert not isinstance(driven.app.screen, PinScreen)


async def test_without_a_run_the_keys_of_a_run_do_nothing_and_are_not_offered(drive):
    async with drive(size=(200, 50)) as driven:
        await driven.until_text("validate your own")
        before = driven.text
        await driven.press("c", "b", "e", "v", "a", "m", "x", "r")
        assert driven.text == before
        offered = driven.rows[-1]
        assert [
            word
            for word in (
                "Compare  ",
                "Baseline",
                "Export",
                "View",
                "Alerts",
                "Measures",
                "Stop",
                "Rerun",
                "Map",
                "Pause",
            )
            if word.strip() in offered.replace("3 Compare", "")
        ] == []
        assert "n New" in offered
        assert "enter Demo" in offered


async def test_the_whole_screen_fits_with_everything_on_it_and_after_any_resize(drive):
    full = replace(snapshots.failed_gate(), measures=snapshots.measured().measures)
    async with drive(full, *snapshots.several()[1:], run_id=42, size=(60, 16)) as driven:
        await driven.until_text("#44 queued")
        for size in [*SIZES, (80, 32), (100, 33), (119, 36), (120, 32), (170, 60)]:
            await driven.pilot.resize_terminal(*size)
            await driven.pilot.pause()
            assert (size, driven.app.screen.max_scroll_y, driven.app.screen.max_scroll_x) == (size, 0, 0)
            assert driven.app.screen.query_one("#bottom").region.bottom == size[1] - 1
