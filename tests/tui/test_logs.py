"""The Logs screen: a real log in a real folder, its moves and its alerts."""

import threading
from dataclasses import replace
from datetime import datetime

import pytest
import snapshots
import stored_runs

from vp_tui.core.store.transitions import StatusChange
from vp_tui.tui.backend import Backend
from vp_tui.tui.log_file import LogTail
from vp_tui.tui.panels.log_rows import as_text, rows
from vp_tui.tui.panels.log_view import LogView
from vp_tui.tui.panels.welcome import QUESTION

SIZES = [(60, 16), (80, 24), (120, 40), (200, 50)]


def us(text):
    return int(datetime.fromisoformat(f"2026-11-23 {text}").timestamp() * 1_000_000)


def log_of(*lines):
    return LogTail(path=None, lines=lines, num_lines=len(lines))


CHANGES = (
    StatusChange(at_us=us("18:05:01.500"), from_status="queued", to_status="starting", actor="run", reason=None),
    StatusChange(at_us=us("18:05:09"), from_status="running", to_status="failed", actor="run", reason="out of memory"),
)
LINES = (
    "2026-11-23 18:05:01,000 INFO reading checkpoint",
    "2026-11-23 18:05:02,000 ERROR no memory",
    "Traceback (most recent call last):",
    "2026-11-23 18:05:10,000 INFO the end",
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A snapshot whose run has a log in a folder, and a way to write to it; it is looked at often."""
    monkeypatch.setattr("vp_tui.tui.screens.looking_screen.LOOK_S", 0.05)

    class Run:
        folder = tmp_path
        snapshot = replace(snapshots.failed_gate(3), folder=str(tmp_path))

        def write(self, text, how="w"):
            with (tmp_path / "run.log").open(how) as file:
                file.write(text)

    return Run()


async def opened(driven):
    await driven.press("5")
    await driven.until(lambda: driven.app.current_mode == "logs")
    await driven.until_text("#42")
    return driven.app.screen.query_one(LogView)


# -- pure


def test_log_moves_and_alerts_stand_in_the_order_of_time():
    alert = snapshots.alert(at_us=us("18:05:05"), message="NaN", sequence_id="a", stratum="long")
    text = as_text(rows("both", log_of(*LINES), CHANGES, (alert,)), "both")
    assert text.splitlines() == [
        "18:05:01  log   INFO reading checkpoint",
        "18:05:01  event queued -> starting, by run",
        "18:05:02 !log   ERROR no memory",
        "         !log   Traceback (most recent call last):",
        "18:05:05 !alert FAIL long a: NaN",
        "18:05:09  event running -> failed, by run: out of memory",
        "18:05:10  log   INFO the end",
    ]


def test_the_log_alone_is_as_in_the_file_and_events_alone_have_no_line_of_it():
    assert as_text(rows("log", log_of(*LINES), CHANGES, ()), "log").splitlines() == list(LINES)
    assert len(rows("events", log_of(*LINES), CHANGES, ())) == 2


def test_a_date_that_is_none_and_lines_before_any_date_stay_in_the_list():
    shown = rows("both", log_of("no date", "2026-13-45 18:05:01,000 INFO odd"), CHANGES, ())
    assert [row.text for row in shown][:2] == ["no date", "2026-13-45 18:05:01,000 INFO odd"]


def test_the_store_gives_the_moves_of_a_run_in_order(home):
    run_id = stored_runs.complete(home)
    found = Backend(home).timeline(run_id)
    assert [(one.from_status, one.to_status) for one in found] == [
        ("queued", "starting"),
        ("starting", "running"),
        ("running", "completed"),
    ]
    assert found[-1].reason == "fp16 is safe here"
    assert Backend(home).timeline(run_id + 1) == ()


# -- on the screen


@pytest.mark.parametrize("size", SIZES)
async def test_log_and_events_are_there_on_every_size_of_screen(drive, run, size):
    run.write("2026-11-23 18:05:01,000 INFO reading checkpoint\n")
    async with drive(run.snapshot, size=size) as driven:
        driven.backend.changes = CHANGES
        await opened(driven)
        await driven.until_text("INFO reading checkpoint")
        assert "queued -> starting, by run" in driven.text
        assert "COMPLETED" in driven.rows[0]
        assert driven.app.screen.max_scroll_y == 0


async def test_v_goes_through_the_three_views(drive, run):
    run.write("2026-11-23 18:05:01,000 INFO reading checkpoint\n")
    async with drive(run.snapshot) as driven:
        await opened(driven)
        await driven.until_text("log and events by time")
        await driven.press("v")
        await driven.until_text("2026-11-23 18:05:01,000 INFO")
        assert "ORF_0931" not in driven.text
        await driven.press("v")
        await driven.until_text("ORF_0931")
        assert "reading checkpoint" not in driven.text
        await driven.press("v")
        await driven.until_text("log and events by time")


async def test_a_log_that_grows_without_a_word_to_the_store_is_followed(drive, run):
    run.write("".join(f"line {number}\n" for number in range(100)))
    async with drive(run.snapshot) as driven:
        view = await opened(driven)
        await driven.until_text("line 99")
        run.write("and one more\n", "a")
        await driven.until_text("and one more")
        assert view.following


async def test_scrolling_up_holds_the_place_until_f(drive, run):
    run.write("".join(f"line {number}\n" for number in range(2000)))
    run.snapshot = replace(run.snapshot, alerts=())
    async with drive(run.snapshot) as driven:
        view = await opened(driven)
        await driven.until_text("line 1999")
        await driven.press("pageup", "pageup")
        await driven.until_text("not following")
        top = driven.rows[2]
        run.write("".join(f"more {number}\n" for number in range(300)), "a")
        await driven.until_text("last 2,000 lines of 2.3k")
        assert driven.rows[2] == top
        await driven.press("f")
        await driven.until_text("more 299")
        assert view.following
        await driven.press("f")
        await driven.until_text("not following")
        run.write("not in sight\n", "a")
        await driven.until(lambda: view.virtual_size.height == 2000 and view._rows[-1].text == "not in sight")
        assert "not in sight" not in driven.text


async def test_words_are_found_marked_counted_and_taken_away(drive, run):
    run.write("".join(f"{'NaN in' if number % 100 == 0 else 'line'} {number}\n" for number in range(400)))
    async with drive(run.snapshot) as driven:
        view = await opened(driven)
        await driven.press("v")
        await driven.until_text("line 399")
        await driven.press("slash", *"nan", "enter")
        await driven.until_text("'nan': 4 of 4 lines")
        assert ">NaN in 300" in driven.text
        await driven.press("N")
        await driven.until_text(">NaN in 200")
        assert "'nan': 3 of 4 lines" in driven.text
        await driven.press("n", "n")
        await driven.until_text(">NaN in 0")
        await driven.press("escape")
        await driven.until(lambda: "'nan'" not in driven.text)
        assert not view.matches
        assert driven.app.screen.focused is view


async def test_words_that_nothing_matches_are_said_to_be_in_no_line(drive, run):
    run.write("line\n")
    async with drive(run.snapshot) as driven:
        await opened(driven)
        await driven.press("slash", *"[red", "enter", "n", "N")
        await driven.until_text("'[red': 0 lines")


async def test_a_missing_folder_is_words_above_the_events(drive, run):
    gone = replace(run.snapshot, folder=str(run.folder / "gone"))
    async with drive(gone, size=(120, 40)) as driven:
        driven.backend.changes = CHANGES
        await opened(driven)
        await driven.until_text("no run.log")
        assert "queued -> starting" in driven.text


async def test_an_empty_log_is_said_to_be_empty(drive, run):
    run.write("")
    async with drive(run.snapshot) as driven:
        await opened(driven)
        await driven.until_text("run.log is empty")


async def test_without_a_run_there_are_words(drive):
    async with drive() as driven:
        await driven.press("5")
        await driven.until_text(QUESTION[:40])


async def test_what_the_log_says_is_neither_markup_nor_control(drive, run):
    run.write("[red]x[/red] \x1b[2Jy\x9b31m \x07z\n")
    async with drive(run.snapshot) as driven:
        await opened(driven)
        await driven.until_text("[red]x[/red] y")
        assert not set("\x1b\x9b\x07") & set(driven.text)


async def test_another_run_brings_its_own_log(drive, run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.log").write_text("of the other run\n")
    run.write("of the first run\n")
    second = replace(snapshots.on_cpu(), folder=str(other))
    async with drive(run.snapshot, second, run_id=42) as driven:
        await opened(driven)
        await driven.until_text("of the first run")
        driven.app._poller.choose(3)
        await driven.until_text("of the other run")
        assert "of the first run" not in driven.text


async def test_no_line_of_one_run_stands_under_the_title_of_another(drive, run, monkeypatch):
    run.write("of the first run\n")
    second = replace(snapshots.on_cpu(), folder=str(run.folder / "gone"), alerts=())
    async with drive(run.snapshot, second, run_id=42) as driven:
        driven.backend.changes = CHANGES
        await opened(driven)
        await driven.until_text("of the first run")
        look, may_look = driven.backend.log_tail, threading.Event()
        monkeypatch.setattr(driven.backend, "log_tail", lambda *given: may_look.wait(5) and look(*given))
        driven.app._poller.choose(3)
        await driven.until_text("#3 demo")
        try:
            assert "of the first run" not in driven.text
            assert "queued -> starting" not in driven.text
        finally:
            may_look.set()


async def test_nothing_is_drawn_while_nothing_is_written(drive, run, monkeypatch):
    run.write("line\n")
    async with drive(run.snapshot) as driven:
        view = await opened(driven)
        await driven.until_text("line")
        drawn, looks = [], []
        look = driven.backend.log_tail
        monkeypatch.setattr(driven.backend, "log_tail", lambda *given: looks.append(1) or look(*given))
        monkeypatch.setattr(type(view), "refresh", lambda *_given, **_more: drawn.append(1))
        monkeypatch.setattr("textual.widgets.Static.update", lambda *_given, **_more: drawn.append(1))
        await driven.until(lambda: len(looks) >= 2)
        await driven.pilot.pause()
        assert drawn == []


async def test_the_log_is_read_in_a_thread_and_only_while_it_is_in_front(drive, run, monkeypatch):
    run.write("line\n")
    async with drive(run.snapshot) as driven:
        threads = []
        look = driven.backend.log_tail

        def watched(*given):
            threads.append(threading.current_thread().name)
            return look(*given)

        monkeypatch.setattr(driven.backend, "log_tail", watched)
        await opened(driven)
        await driven.until(lambda: len(threads) >= 3)
        assert "MainThread" not in threads
        await driven.press("4")
        await driven.until(lambda: driven.app.current_mode == "search")
        # one look may still be under way
        await driven.pilot.pause(0.1)
        seen = len(threads)
        await driven.pilot.pause(0.3)
        assert len(threads) == seen
