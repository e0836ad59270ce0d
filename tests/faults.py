"""`make faults`: every promise of docs/reliability.md under its fault, how often it was tried and lost.

The faults are caused for real: processes are killed, files cut, disks filled, locks held. Rows name the tests that do
so; the kills at random moments, the soak and the day of a dashboard are here, because they take minutes.
"""

import argparse
import contextlib
import gc
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import killed_embeds
import killed_runs

from samples import PROTEINS
from vp_tui.core.store import backup, lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.migrations import upgrade
from vp_tui.tui.poller import Poller

TESTS = Path(__file__).parent
STORE, TUI = "core/store", "tui"
DAY_POLLS = 24 * 3600 * 4
RUN_FILES = {"lock", "run.log"}
"""Of a run of tests/replay.py."""


@dataclass(frozen=True, slots=True)
class Row:
    promise: str
    fault: str
    tests: tuple[str, ...]
    """Below tests/: a file, or file::test."""


ROWS = (
    Row("a killed migration leaves the old store", "kill -9, errors and old revisions", ("migrations",)),
    Row("the store waits for others", "a lock held by another process", (
        f"{STORE}/test_writer.py::test_events_wait_while_another_process_holds_the_store_for_three_seconds",
        f"{STORE}/test_writer.py::test_a_store_that_is_busy_or_full_is_waited_for",
        f"{STORE}/test_writer.py::test_a_run_that_ends_while_the_store_is_locked_keeps_its_events_and_they_are_imported_once",
        f"{STORE}/test_kept_events.py")),
    Row("a full disk ends no run", "a file limit reached while a run goes on", (
        f"{TUI}/test_life.py::test_a_full_disk_ends_neither_the_run_nor_the_dashboard",)),
    Row("a reader needs no lock and no permission", "locked, read-only and foreign stores", (
        f"{STORE}/test_trouble.py", f"{STORE}/test_permissions.py")),
    Row("a damaged store is moved aside whole", "empty, foreign and broken files", (f"{STORE}/test_restore.py",)),
    Row("exports tell no home folder", "every format", (
        "core/report/test_exports.py::test_no_export_tells_the_home_folder_of_its_user",)),
    Row("a damaged row costs that row", "bits changed in the file", (f"{STORE}/test_damaged_rows.py",)),
    Row("a run's end has its reason", "kills, signals, vanished machines", (
        f"{STORE}/test_endings.py", f"{STORE}/test_lifecycle.py", f"{STORE}/test_liveness.py")),
    Row("an interrupted run goes on", "ended early twice; damaged and foreign blocks", (
        "core/runs/test_resuming.py",
        "core/workers/test_validation.py::test_a_resumed_run_equals_one_that_was_not_interrupted_to_the_last_digit",
        "core/workers/test_validation.py::test_blocks_of_other_data_and_damaged_blocks_are_told_and_encoded_again")),
    Row("a requeued job ends its earlier run", "another node, the same SLURM job and others", tuple(
        f"{STORE}/test_endings.py::{name}" for name in (
            "test_a_later_start_of_the_same_batch_job_ends_the_run_of_the_earlier_on_any_node",
            "test_no_other_job_proves_the_end_of_a_run_elsewhere",
            "test_a_job_of_another_cluster_with_the_same_number_proves_nothing",
            "test_a_damaged_note_of_the_job_proves_nothing",
            "test_a_requeued_run_whose_lock_is_seen_to_be_held_goes_on"))),
    Row("a folder of embeddings is whole or refused", "kills at every step, full disks, damaged sets of shards", (
        "core/shards", "test_shards.py", "core/workers/test_embed_folder.py")),
    Row("network file systems are told", "a table of mounts", (f"{STORE}/test_file_system.py",)),
    Row("output is written whole, or into what it is", "links, pipes, devices, databases", ("core/test_files.py",)),
    Row("streams end no command with a traceback", "full disk, closed pipe, closed descriptors", (
        f"{TUI}/test_streams.py",)),
    Row("files of any bytes are read or refused", "fuzzed configs, pickles, headers, sequences, queries", (
        "core/inputs/test_hostile_inputs.py", "core/models/test_torch_file.py", "core/inputs/embeddings")),
    Row("GPU telemetry ends no run", "lost, hidden, sliced, broken GPUs; another pynvml", (
        "core/engine/test_gpu_trouble.py",)),
    Row("caches cost a note and stay bounded", "folders that cannot be written", (
        f"{STORE}/test_caches.py", f"{STORE}/test_references.py")),
    Row("serve answers its own page only", "strange hosts, missing tokens, absurd sizes", (f"{TUI}/test_serve.py",)),
    Row("names steer nothing", "escape sequences in ids, names, paths", ("core/report/test_hostile_names.py",)),
)  # fmt: skip


def of_tests(rows: tuple[Row, ...]) -> Iterator[tuple[Row, int, int]]:
    """Run the tests of all rows; yield tries and losses of each."""
    with tempfile.TemporaryDirectory() as folder:
        for number, row in enumerate(rows):
            result = Path(folder) / f"{number}.xml"
            names = [str(TESTS / name) for name in row.tests]
            command = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junitxml={result}", *names]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=TESTS.parent)
            suite = next(ET.parse(result).iter("testsuite"))
            count = {name: int(suite.get(name, "0")) for name in ("tests", "skipped", "failures", "errors")}
            yield row, count["tests"] - count["skipped"], count["failures"] + count["errors"]


def played(home: Home, script: str, speed: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(TESTS / "replay.py"), script, "--speed", str(speed)]
    return subprocess.Popen(
        command, env={**os.environ, "VP_TUI_HOME": str(home.root)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def killed(home: Home, tries: int) -> int:
    """Kill runs at random moments, two at a time; return how often something was lost."""
    rng, lost, rows = random.Random(17), 0, 0
    for _ in range(0, tries, 2):
        pair = [played(home, "good", 60) for _ in range(2)]
        for process in pair:
            time.sleep(rng.uniform(0.2, 1.2))
            process.kill()
            process.wait()
        lifecycle.reconcile(home)
        found = stored_rows(home)
        with Reader(home) as reader:
            # a run that no process has claimed yet has a minute
            runs = [run for run in reader.runs(1000) if run.status != "queued" or run.pid is not None]
            explained = all(not run.is_active and (run.verdict or run.status_reason) for run in runs)
        lost += not (found is not None and found >= rows and explained)
        rows = found or rows
    lost += played(home, "good", 0).wait(60) != 0
    return lost


def stored_rows(home: Home) -> int | None:
    """Return the number of measured blocks in the store; None if SQLite finds it damaged."""
    connection = sqlite3.connect(home.database)
    try:
        if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            return None
        if connection.execute("PRAGMA foreign_key_check").fetchall():
            return None
        return int(connection.execute("SELECT count(*) FROM block_sample").fetchone()[0])
    finally:
        connection.close()


def resident_kib() -> int:
    """What this process holds in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def soak(home: Home, tries: int) -> int:
    """Play runs in a row beside an open reader; lost: files, descriptors, memory or log beyond what the rows need."""
    with Reader(home) as reader:
        reader.runs()
        before, kib = descriptors(), 0
        for number in range(0, tries, 2):
            pair = [played(home, "good", 0) for _ in range(2)]
            if [process.wait(60) for process in pair] != [0, 0]:
                return tries
            reader.data_version()
            reader.snapshot(reader.runs(1)[0].id, most=2000)
            if number == tries // 4 // 2 * 2:
                kib = resident_kib()
        log = home.database.with_name("runs.db-wal")
        is_bounded = not log.exists() or log.stat().st_size < 64 << 20
        left = [path for path in home.root.rglob("*") if path.name.endswith(".part")]
        kinds = {path.name for folder in home.runs.iterdir() for path in folder.iterdir()}
        has_grown = resident_kib() - kib > 20_000
        return int(descriptors() != before) + int(not is_bounded) + len(left) + len(kinds - RUN_FILES) + int(has_grown)


def embeds(home: Home, tries: int) -> int:
    """Kill a job that embeds into a folder at random moments; lost: a folder that differs from an uninterrupted one."""
    from vp_tui.core.workers.demo.checkpoints import make_checkpoint

    rng, lost, kills = random.Random(20), 0, 0
    model = home.root / "model"
    make_checkpoint(model, num_layers=2)
    began = time.monotonic()
    if killed_embeds.ended(killed_embeds.start(model, PROTEINS, home.root / "plain"))[0]:
        return tries
    seconds, plain = time.monotonic() - began, killed_embeds.files_of(home.root / "plain")
    while kills < tries:
        out = home.root / f"out-{kills}"
        for _ in range(4):
            process = killed_embeds.start(model, PROTEINS, out)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.4, 1) * seconds)
            kills += process.poll() is None
            killed_embeds.kill(process)
        is_done = killed_embeds.ended(killed_embeds.start(model, PROTEINS, out))[0] == 0
        lost += not (is_done and killed_embeds.files_of(out) == plain)
    return lost


def day(home: Home, polls: int) -> int:
    """Poll as the dashboard does for a day; lost: memory or descriptors that grow."""
    clock, turns = [0.0], [0]
    marks: list[tuple[int, int]] = []

    def rest(seconds: float) -> None:
        clock[0] += seconds
        turns[0] += 1
        if turns[0] in {polls // 4, polls - 1}:
            marks.append((resident_kib(), descriptors()))

    follower = Poller(
        open_reader=lambda: Reader(home), read_gpu=lambda: None, clock=lambda: clock[0], rest=rest  # type: ignore[arg-type]
    )  # fmt: skip
    follower.follow(lambda _: None, lambda: turns[0] >= polls)
    (first_kib, first), (last_kib, last) = marks
    return int(last_kib - first_kib > 20_000) + int(last != first)


def resumed(home: Home, tries: int) -> int:
    return sum(killed_runs.lost(home, tries))


def restored(home: Home, tries: int) -> int:
    """Kill `db restore` at random moments; lost: neither the damaged store nor the backup is there whole."""
    rng, missing = random.Random(23), 0
    copy = backup.backup(home, "faults")
    whole, damaged = copy.read_bytes(), b"no store" * 1000
    command = [str(Path(sys.executable).with_name("vp-tui")), "db", "restore", "--yes"]
    environment = {**os.environ, "VP_TUI_HOME": str(home.root)}
    for _ in range(tries):
        home.database.write_bytes(damaged)
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1.5))
        process.kill()
        process.wait()
        again = subprocess.run(command, env=environment, capture_output=True, check=False)
        found = [path.read_bytes() for path in home.root.glob("runs.db.corrupt.*")]
        is_store = stored_rows(home) is not None
        missing += not (is_store and damaged in found and copy.read_bytes() == whole and again.returncode in {0, 2})
        for path in home.root.glob("runs.db.corrupt.*"):
            path.unlink()
    return missing


def main() -> int:
    """Print the table; exit code 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--embeds", type=int, default=20)
    parser.add_argument("--polls", type=int, default=DAY_POLLS)
    parser.add_argument("--resumes", type=int, default=8)
    parser.add_argument("--restores", type=int, default=20)
    parser.add_argument("--only", default="", help="part of a promise: cause the faults of those rows alone")
    options = parser.parse_args()
    width = max(len(row.promise) for row in ROWS)
    sys.stdout.write(f"{'promise'.ljust(width)}  tried  lost  fault\n")
    total = 0

    def tell(promise: str, tries: int, lost: int, fault: str) -> None:
        nonlocal total
        total += lost
        sys.stdout.write(f"{promise.ljust(width)}  {tries:5}  {lost:4}  {fault}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        upgrade(home)
        own: tuple[tuple[str, Callable[[Home, int], Any], int, str], ...] = (
            ("a killed run loses no stored row", killed, options.kills, "kill -9 at random moments"),
            ("many runs leave nothing behind", soak, options.runs, "runs in a row beside one reader"),
            ("a resumed run equals the uninterrupted one", resumed, options.resumes, "kill -9 at random moments"),
            ("a restore keeps the damaged store", restored, options.restores, "kill -9 at random moments"),
            ("a killed embed goes on to the same bytes", embeds, options.embeds, "kill -9 at random moments"),
            ("a day of the dashboard takes no more", day, options.polls, "polls of a day on a simulated clock"),
        )
        for promise, call, tries, fault in own:
            if options.only in promise:
                tell(promise, tries, call(home, tries), fault)
    for row, tries, lost in of_tests(tuple(row for row in ROWS if options.only in row.promise)):
        tell(row.promise, tries, lost, row.fault)
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main())
