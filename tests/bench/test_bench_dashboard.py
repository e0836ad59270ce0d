"""What the dashboard costs on a real terminal; run with `make bench`, prints numbers and goals, never fails on time.

Bytes and seconds are those on the pty, before anything reads them. The run beside it is played at a workstation's
speed (tests/replay.py) into a real store.
"""

import asyncio
import gc
import os
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tui"))
import fakes
import snapshots
from played import dashboard, played, playing

from vp_tui.core.store.home import Home
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.messages import StoreRead, StoreView

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
SIZES = ((80, 24), (200, 50))


def told(what, value, unit, goal=None):
    """One line of the table."""
    verdict = "" if goal is None else f"goal < {goal:g}  {'ok' if value < goal else 'MISSED'}"
    print(f"{what:<58} {value:10.3g} {unit:<6} {verdict}")


def rss_mb():
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def used(terminal, seconds):
    """Bytes/s and percent of a core over so long."""
    began, before, got = time.monotonic(), terminal.cpu_seconds(), 0
    while time.monotonic() - began < seconds:
        got += len(terminal.pump(0.5))
    passed = time.monotonic() - began
    return got / passed, 100 * (terminal.cpu_seconds() - before) / passed


def test_first_frame_and_quit(home):
    print()
    played(home, "good")
    first, quits = [], []
    for _ in range(5):
        with dashboard(home) as terminal:
            first.append(terminal.answer("", b"eading the store"))
            terminal.wait_for(lambda text: "PASS" in text)
            terminal.pump(0.3)
            pressed = time.monotonic()
            terminal.press("q")
            terminal.wait_end()
            quits.append(time.monotonic() - pressed)
    told("first frame, best of 5", min(first), "s", 0.7)
    told("first frame, worst of 5", max(first), "s")
    told("quit, worst of 5", max(quits), "s", 1)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_run_that_streams(home, size):
    print()
    place = "{}x{}".format(*size)
    with playing(home, "good", speed=1), dashboard(home, columns=size[0], lines=size[1]) as terminal:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        terminal.pump(1.0)
        rate, cpu = used(terminal, 12)
        told(f"live bytes at {place}", rate / 1e3, "kB/s", {80: 10, 200: 30}[size[0]])
        told(f"live CPU at {place}", cpu, "%")
        times = sorted(_times(terminal, " ", b"paused", turns=100))
        told(f"key to repaint at {place}, median", 1e3 * times[50], "ms")
        told(f"key to repaint at {place}, p99", 1e3 * times[98], "ms", 50)
        terminal.press("q")
        terminal.wait_for(lambda text: "leave it running" in text)
        pressed = time.monotonic()
        terminal.press("l")
        terminal.wait_end()
        told(f"quit at {place} with a run going on", time.monotonic() - pressed, "s", 1)


def _times(terminal, keys, words, *, turns):
    """Seconds from the key to its words, each at another moment of the stream; the same key takes them away."""
    for turn in range(turns):
        terminal.pump(0.11 + 0.017 * (turn % 9))
        yield terminal.answer(keys, words)
        terminal.press(keys)


def test_an_idle_screen(home):
    print()
    played(home, "good")
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "PASS" in text)
        terminal.pump(2.0)
        rate, cpu = used(terminal, 10)
    told("idle bytes, a finished run", rate / 1e3, "kB/s", 1)
    told("idle CPU, a finished run", cpu, "%", 1)


def test_a_storm_of_alerts(home):
    print()
    played(home, "nan_storm")
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "6,016 of 6,144" in text)
        times = sorted(_times(terminal, "a", b"back to charts", turns=20))
        told("key to repaint over 24,064 alerts, worst of 20", 1e3 * times[-1], "ms", 50)


@pytest.fixture
def thousand(home):
    """A store with 1,000 runs named history-1 .. history-1000."""
    played(home, "good")
    with closing(sqlite3.connect(home.database)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(run)") if row[1] not in {"id", "uuid", "name"}]
        connection.execute("UPDATE run SET name = 'history-1'")
        connection.execute(
            "WITH RECURSIVE k(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM k WHERE i < 1000) "
            f"INSERT INTO run (id, uuid, name, {', '.join(names)}) "
            f"SELECT i, lower(hex(randomblob(16))), 'history-' || i, {', '.join(names)} FROM k, run WHERE run.id = 1"
        )
        columns = [row[1] for row in connection.execute("PRAGMA table_info(stratum)") if row[1] != "run_id"]
        copied = ", ".join(f"s.{name}" for name in columns)
        connection.execute(
            f"INSERT INTO stratum (run_id, {', '.join(columns)}) SELECT r.id, {copied} "
            "FROM run r, stratum s WHERE r.id > 1 AND s.run_id = 1"
        )
    return home


def test_a_history_of_a_thousand_runs(thousand):
    print()
    with dashboard(thousand) as terminal:
        terminal.wait_for(lambda text: "history-1000" in text)
        terminal.pump(1.0)
        first = terminal.answer("2", b"history-997")
        again = []
        for _ in range(5):
            terminal.press("1")
            terminal.pump(0.5)
            again.append(terminal.answer("2", b"history-997"))
        down = []
        for _ in range(20):
            terminal.pump(0.1)
            down.append(terminal.answer("\x1b[B", b"\x1b["))
    told("history of 1,000 runs, the first time", 1e3 * first, "ms", 300)
    told("history of 1,000 runs, again, worst of 5", 1e3 * max(again), "ms", 300)
    told("cursor down in it, worst of 20", 1e3 * max(down), "ms", 50)


async def test_a_day_of_snapshots():
    """100,000 StoreReads are posted; where several wait, the app takes the newest, as it does for a real poller."""
    print()
    store = fakes.FakeStore(snapshots.running())
    app = VpTuiApp(Home(Path("/nonexistent")), 42, backend=fakes.FakeBackend(store))
    made = [snapshots.running(share / 100) for share in range(1, 100)]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await _post(app, pilot, made, 10_000)
        gc.collect()
        before, began = rss_mb(), time.monotonic()
        await _post(app, pilot, made, 100_000)
        gc.collect()
        told("100,000 snapshots took", time.monotonic() - began, "s")
        told("memory after 100,000 snapshots, growth", rss_mb() - before, "MB", 10)


async def _post(app, pilot, made, number):
    for turn in range(number):
        one = made[turn % len(made)]
        # a heartbeat of its own, so that no two in a row are equal
        run = replace(one.run, heartbeat_at_us=one.run.heartbeat_at_us + 1000 * turn)
        app.post_message(StoreRead(StoreView(runs=(run,), snapshot=replace(one, run=run))))
        if turn % 50 == 0:
            await asyncio.sleep(0)
            await pilot.pause()
