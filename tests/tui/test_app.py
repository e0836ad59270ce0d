"""The dashboard under a Pilot, at the sizes people have."""

import re
from dataclasses import replace

import pytest
import snapshots

from vp_tui.core.errors import ExitCode
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.messages import StoreRead
from vp_tui.tui.panels.runs_table import RunsTable
from vp_tui.tui.panels.welcome import QUESTION
from vp_tui.tui.screens.leave import QuestionScreen

SIZES = [(60, 16), (80, 24), (120, 40), (200, 50)]


def strata_rows(driven):
    names = ("short", "medium", "long", "all")
    return [row for row in driven.rows if row.strip(" \u2502").split(" ")[0] in names]


@pytest.mark.parametrize("size", SIZES)
async def test_the_verdict_and_the_whole_table_are_on_every_size_of_screen(drive, size):
    async with drive(snapshots.running(), size=size) as driven:
        assert "SAFE SO FAR" in driven.text
        ratios = [re.search(r"\d\.\d\dx", row).group() for row in strata_rows(driven)]
        assert ratios == ["2.11x", "2.04x", "1.97x", "2.04x"]
        assert all("0.999" in row for row in strata_rows(driven))


async def test_eighty_columns_show_every_important_number(drive):
    async with drive(snapshots.running()) as driven:
        head = [
            "#42 nightly",
            "FP16 against FP32",
            "63%",
            "6,300 of 10,000",
            "02:31 left",
            "step 3 of 6",
            "FASTER  2.04x",
        ]
        body = ["2.1k/3.3k", "0.9994000", "below", "NaN", "Inf", "182k", "util 93%", "71.2/140 GiB", "612/700 W"]
        assert [word for word in [*head, *body, "no problems, no notes"] if word not in driven.text] == []


async def test_a_finished_run_shows_its_verdict_sentence_and_speed(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.until_text("PASS  all 10,000 sequences")
        await driven.until_text("FASTER  2.05x (167k against 81.3k tokens/s); end to end 1.84x")
        await driven.pilot.resize_terminal(120, 40)
        await driven.until_text("2.05x (95% 2.02-2.08x)")


async def test_broken_values_are_marked_in_characters_not_only_in_colour(drive):
    async with drive(snapshots.failed_gate()) as driven:
        assert "FAIL  12 of 10,000 sequences hold NaN" in driven.text
        long = strata_rows(driven)[2]
        assert "!NaN" in long
        assert "!12" in long
        assert "FAIL V1 12 of 10,000 sequences become NaN or Inf" in driven.text
        assert "2 problems" in driven.text


async def test_a_failed_run_says_why_and_has_no_verdict(drive):
    async with drive(snapshots.ended()) as driven:
        assert "FAILED" in driven.text
        assert "FAILED  CUDA out of memory: 141 GiB asked for" in driven.text
        assert "no verdict" in driven.text
        assert "PASS" not in driven.text


async def test_a_killed_run_turns_interrupted_on_the_screen(drive):
    async with drive(snapshots.running()) as driven:
        driven.backend.store.put_silently(snapshots.ended("interrupted", "the process is gone"))
        await driven.until_text("INTERRUPTED")
        await driven.until_text("the process is gone")


async def test_the_reason_of_a_changed_precision_is_on_the_screen(drive):
    async with drive(snapshots.rolled_back()) as driven:
        assert "VIRNUCPRO_DISABLE_FP16=1 is set" in driven.text


async def test_while_loading_the_phase_is_shown_instead_of_numbers(drive):
    async with drive(snapshots.loading()) as driven:
        assert "loading esm2 in fp16" in driven.text
        assert "NO RESULT YET" in driven.text


async def test_speed_on_a_cpu_is_not_judged_and_no_gpu_is_missed(drive):
    async with drive(snapshots.on_cpu()) as driven:
        assert "SPEED NOT JUDGED  0.71x" in driven.text
        assert "GPU  " not in driven.text


async def test_without_runs_there_are_words_and_the_gpu(drive):
    async with drive() as driven:
        await driven.until_text(QUESTION[:40])
        assert "no NVIDIA GPU found" in driven.text
        assert all(step in driven.text for step in ("1  enter", "2  n ", "3  ? "))
        await driven.press("2")
        await driven.until_text(QUESTION[:40])


async def test_trouble_with_the_store_is_a_banner_that_goes_away(drive):
    async with drive(snapshots.passed(), trouble="database is locked") as driven:
        await driven.until_text("! database is locked")
        driven.backend.store.trouble = None
        await driven.until_text("PASS  all 10,000")
        assert "locked" not in driven.text


async def test_nothing_is_drawn_when_nothing_changes(drive, monkeypatch):
    async with drive(snapshots.running()) as driven:
        await driven.until_text("limit 0.99")
        updates = []
        monkeypatch.setattr("textual.widgets.Static.update", lambda *_args, **_more: updates.append(1))
        driven.backend.store.touch()
        reads = driven.backend.store.num_reads
        await driven.until(lambda: driven.backend.store.num_reads > reads)
        driven.app._fill()
        await driven.pilot.pause()
        assert updates == []


async def test_alerts_take_the_room_of_the_charts_and_give_it_back(drive):
    async with drive(snapshots.failed_gate()) as driven:
        assert "WARN M4" in driven.text
        await driven.press("a")
        # whole lines, with what to do
        await driven.until(lambda: "better is up" not in driven.text and "vp-tui search" in driven.text)
        await driven.press("a")
        await driven.until_text("better is up")


async def test_pause_holds_the_picture_and_space_shows_the_newest(drive):
    async with drive(snapshots.running(0.2)) as driven:
        await driven.press("space")
        await driven.until_text("~ Display paused")
        driven.backend.store.put(snapshots.running(0.4))
        await driven.until(lambda: driven.app.view.snapshot.run.done == 4000)
        await driven.pilot.pause()
        assert "2,000 of 10,000" in driven.text
        await driven.press("space")
        await driven.until_text("4,000 of 10,000")
        assert "paused" not in driven.text


@pytest.mark.parametrize("size", SIZES)
async def test_the_history_fits_and_shows_what_each_run_came_to(drive, size):
    async with drive(snapshots.running(), rows=snapshots.history(), size=size) as driven:
        await driven.press("2")
        await driven.until_text("interrupted")
        table = driven.app.screen.query_one(RunsTable)
        assert table.max_scroll_x == 0 or size[0] < 80
        words = (
            ("running 63%", "FAIL", "PASS", "0.9861130", "2.05x", "DNABERT-S")
            if size[0] >= 80
            else ("running 63%", "FAIL")
        )
        assert [word for word in words if word not in driven.text] == []


async def test_enter_opens_the_run_under_the_cursor_on_the_live_screen(drive):
    async with drive(snapshots.running(), snapshots.on_cpu()) as driven:
        await driven.press("2", "down")
        await driven.until_text("/home/u/.local")
        await driven.press("enter")
        await driven.until_text("#3 demo")
        assert driven.app.current_mode == "live"


async def test_the_cursor_stays_on_its_run_when_a_new_one_comes(drive):
    async with drive(snapshots.running(), snapshots.on_cpu()) as driven:
        await driven.press("2", "down")
        driven.backend.store.put(snapshots.snapshot(snapshots.row(99)))
        await driven.until(lambda: driven.app.screen.query_one(RunsTable).row_count == 3)
        assert driven.app.screen.query_one(RunsTable).chosen.id == 3


async def test_sorting_marks_its_column_and_puts_the_worst_first(drive):
    async with drive(snapshots.running(), rows=snapshots.history()) as driven:
        await driven.press("2", *"oooo")
        await driven.until_text("lowest<")
        assert driven.app.screen.query_one(RunsTable).runs[0].id == 41


async def test_leaving_is_immediate_when_nothing_runs(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.press("q")
        assert driven.app.return_code == ExitCode.GOOD


@pytest.mark.parametrize(("key", "is_left", "stopped"), [("l", True, []), ("s", True, [42]), ("escape", False, [])])
async def test_leaving_asks_while_a_run_is_active(drive, key, is_left, stopped):
    async with drive(snapshots.running()) as driven:
        await driven.press("q")
        await driven.until_text("continue")
        await driven.press(key)
        await driven.until(lambda: driven.app._exit if is_left else not isinstance(driven.app.screen, QuestionScreen))
        assert driven.backend.stopped == stopped


async def test_news_that_comes_while_the_app_ends_is_dropped(drive, monkeypatch):
    async with drive(snapshots.running()) as driven:
        app, news = driven.app, StoreRead(driven.app.view)
        take_apart = app._prune

        async def news_after(*nodes):
            await take_apart(*nodes)
            app.on_store_read(news)

        monkeypatch.setattr(app, "_prune", news_after)


async def test_ctrl_q_asks_like_q(drive):
    async with drive(snapshots.running()) as driven:
        await driven.press("ctrl+q")
        await driven.until_text("continue")


async def test_a_stop_that_fails_says_why_and_stays(drive):
    async with drive(snapshots.running(), refuse="the run is on another machine") as driven:
        await driven.press("q", "s")
        await driven.until_text("the run is on another machine")
        assert not driven.app._exit


async def test_stopping_asks_first_and_needs_an_active_run(drive):
    async with drive(snapshots.running()) as driven:
        await driven.press("x")
        await driven.until_text("Stop run #42")
        await driven.press("enter")
        assert driven.backend.stopped == []
        await driven.press("x", "s")
        await driven.until(lambda: driven.backend.stopped == [42])
    async with drive(snapshots.passed()) as driven:
        await driven.press("x")
        assert "Stop run" not in driven.text
        assert "x Stop" not in driven.text, "the key bar has only what works"


async def test_text_from_the_data_is_neither_markup_nor_control(drive):
    words = "[red]x[/red] [bold \x1b[2J\x9b"
    run = replace(snapshots.ended().run, status_reason=words, name=words, model=words, phase=words)
    shown = snapshots.snapshot(
        run, alerts=(snapshots.alert(sequence_id=words, message=words),), environment={"torch": words}
    )
    async with drive(shown, size=(120, 40)) as driven:
        assert "[red]x[/red]" in driven.text
        await driven.press("2")
        await driven.until_text("[red]x[/red]")
        assert "\x1b" not in driven.text
        assert "\x9b" not in driven.text


async def test_the_store_is_read_in_a_thread(drive):
    async with drive(snapshots.running()) as driven:
        assert "MainThread" not in driven.backend.reader_threads


@pytest.mark.parametrize("size", SIZES)
async def test_m_shows_the_report_of_the_run_and_m_closes_it(drive, size):
    async with drive(snapshots.passed(), size=size) as driven:
        await driven.until_text("PASS  all 10,000 sequences")
        await driven.press("m")
        await driven.until(lambda: driven.app.screen.query("#report"))
        assert driven.app.screen.query_one("#report").copy_text().startswith("#42 nightly")
        await driven.press("m")
        await driven.until_text("PASS  all 10,000 sequences")


@pytest.mark.parametrize("size", [*SIZES, (80, 32), (100, 33), (110, 34), (119, 36), (120, 32)])
async def test_the_whole_screen_fits_without_a_scrollbar(drive, size):
    async with drive(snapshots.passed(), size=size) as driven:
        await driven.until_text("PASS  all 10,000 sequences")
        assert driven.app.screen.max_scroll_y == 0


@pytest.mark.parametrize("number", "12345")
async def test_the_keys_of_an_empty_store_are_those_of_the_screen_they_stand_on(drive, monkeypatch, number):
    tried = []
    monkeypatch.setattr(VpTuiApp, "action_demo", lambda _: tried.append("demo"))
    monkeypatch.setattr(VpTuiApp, "action_new_run", lambda _: tried.append("new run"))
    async with drive() as driven:
        await driven.press(number)
        await driven.until_text("validate your own")
        first, second = (
            next(row for row in driven.rows if words in row).partition(words)[0].split()[1:]
            for words in ("try it", "validate your own")
        )
        await driven.press(*second)
        await driven.press(*first)
        assert tried == ["new run", "demo"]
