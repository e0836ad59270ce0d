"""Life and death on a real terminal: the store goes away and comes back, and a run outlives its screen."""

import resource
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest
from played import CLI, REPLAY, dashboard, environment, is_alive, newest, played, playing

TRYING = "retrying"
FILES = ("runs.db", "runs.db-wal", "runs.db-shm")


@pytest.fixture
def moved(home):
    """moved(back=False): the store goes to another place, or comes back from there."""

    def move(*, back=False):
        here, there = home.root, home.root / "moved"
        there.mkdir(exist_ok=True)
        source, target = (there, here) if back else (here, there)
        for name in FILES:
            if (source / name).exists():
                (source / name).rename(target / name)

    return move


def test_a_store_that_is_gone_or_is_none_is_said_so_and_read_again_when_it_is_back(home, moved):
    played(home, "good")
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "#1 replay" in text and ("PASS" in text or "SAFE SO FAR" in text))
        moved()
        terminal.wait_for(lambda text: TRYING in text and "no store at" in text)
        # the last picture stays under the banner
        assert "#1 replay" in terminal.text
        home.database.write_text("this is no database, but it is longer than nothing\n" * 50)
        terminal.wait_for(lambda text: TRYING in text and "not a database" in text)
        home.database.unlink()
        moved(back=True)
        terminal.wait_for(lambda text: TRYING not in text and "#1 replay" in text)


def test_a_store_that_is_replaced_is_read_anew(home, moved):
    played(home, "good")
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "#1 replay" in text and ("PASS" in text or "SAFE SO FAR" in text))
        moved()
        subprocess.run([*CLI, "db", "upgrade"], env=environment(home), check=True, capture_output=True)
        terminal.wait_for(lambda text: TRYING not in text and "validate your own" in text)


def test_a_writer_that_holds_the_store_holds_neither_the_picture_nor_the_run_for_ever(home):
    with dashboard(home) as terminal, playing(home, "good", speed=20) as process:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        with closing(sqlite3.connect(home.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            terminal.pump(1.5)
            assert "SAFE SO FAR" in terminal.text
            assert TRYING not in terminal.text
            assert is_alive(process)
            terminal.press("2")
            terminal.wait_for(lambda text: "replay" in text and "SO FAR" not in text)
            terminal.press("1")
            other.execute("ROLLBACK")
        terminal.wait_for(lambda text: "took" in text and "PASS  all 6,144" in text, seconds=20)


def test_a_store_that_is_locked_against_readers_is_said_so_and_read_when_it_is_free(home):
    played(home, "good")
    with closing(sqlite3.connect(home.database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with dashboard(home) as terminal:
            terminal.wait_for(lambda text: TRYING in text and "locked" in text, seconds=15)
            other.close()
            terminal.wait_for(lambda text: TRYING not in text and "#1 replay" in text)


def test_a_full_disk_ends_neither_the_run_nor_the_dashboard(home, poll):
    """The run waits for room and completes; the limit of its process stands for the disk."""
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "validate your own" in text)
        enough = home.database.stat().st_size + 150_000
        limit = resource.RLIMIT_FSIZE
        process = subprocess.Popen(
            [*REPLAY, "good", "--speed", "30"],
            env=environment(home),
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(limit, (enough, resource.RLIM_INFINITY)),  # noqa: PLW1509
        )
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        log = home.run_folder(newest(home).uuid) / "run.log"
        poll(lambda: "cannot be written now" in log.read_text(), seconds=20, what="the full disk")
        assert is_alive(process)
        terminal.press("2")
        terminal.wait_for(lambda text: "replay" in text and "SO FAR" not in text)
        resource.prlimit(process.pid, limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert process.wait(30) == 0
        terminal.press("1")
        terminal.wait_for(lambda text: "PASS  all" in text)
    assert newest(home).verdict == "PASS"


@pytest.mark.parametrize("script", ["good", "stall"])
def test_a_run_folder_that_is_deleted_breaks_no_screen(home, script):
    with playing(home, script, speed=0 if script == "good" else 100) as process:
        if script == "good":
            process.wait(30)
        with dashboard(home) as terminal:
            terminal.wait_for(lambda text: "#1 replay" in text and ("PASS" in text or "SAFE SO FAR" in text))
            shutil.rmtree(home.run_folder(newest(home).uuid))
            for keys in ("5", "2", "1"):
                terminal.press(keys)
                terminal.pump(0.4)
            terminal.wait_for(lambda text: "#1 replay" in text and ("PASS" in text or "SAFE SO FAR" in text))
            assert newest(home).status == ("completed" if script == "good" else "running")


@pytest.mark.parametrize(("answer", "status"), [("l", "running"), ("s", "cancelled")])
def test_leaving_with_an_active_run_asks_and_then_leaves_it_alive_or_stops_it(home, answer, status):
    with playing(home, "good", speed=4) as process:
        with dashboard(home) as terminal:
            terminal.wait_for(lambda text: "SAFE SO FAR" in text)
            terminal.press("q")
            terminal.wait_for(lambda text: "leave it running" in text)
            terminal.press("\x1b")
            terminal.wait_for(lambda text: "leave it running" not in text)
            assert is_alive(process)
            terminal.press("q")
            terminal.wait_for(lambda text: "leave it running" in text)
            terminal.press(answer)
            assert terminal.wait_end() == 0
        assert is_alive(process) == (status == "running")
        assert newest(home).status == status


def test_however_screens_end_the_run_goes_on(home, poll):
    with playing(home, "good", speed=4) as process:
        with dashboard(home) as one, dashboard(home) as two, dashboard(home) as three, dashboard(home) as four:
            for terminal in (one, two, three, four):
                terminal.wait_for(lambda text: "SAFE SO FAR" in text, seconds=20)
            one.signal(signal.SIGHUP)
            two.signal(signal.SIGTERM)
            three.signal(signal.SIGKILL)
            four.hang_up()
            assert [terminal.wait_end(5.0) for terminal in (one, two, three)] == [130, 130, -9]
            four.wait_end(5.0)
        before = newest(home)
        assert is_alive(process)
        assert before.status == "running"
        poll(lambda: newest(home).done > before.done, seconds=5, what="more of the run")


def test_a_terminal_that_changes_its_size_at_any_moment_keeps_its_picture(home):
    with playing(home, "good", speed=4), dashboard(home) as terminal:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        for columns, lines in ((200, 50), (60, 16), (10, 3), (120, 40), (80, 24)):
            terminal.resize(columns, lines)
            terminal.pump(0.3)
        terminal.wait_for(lambda text: "PASS" in text and "#1 replay" in text)
