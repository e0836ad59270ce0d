"""Real runs that are killed at random moments and resumed, until one comes through: is it the uninterrupted one?

`python tests/killed_runs.py --run N` is the worker of a run: the ordinary one, but a finished block is kept at once and
takes a tenth of a second more, so that a kill may find any number of them.
"""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from samples import PROTEINS
from vp_tui.core.config import RunConfig
from vp_tui.core.events import BlockEncoded, Event
from vp_tui.core.runs import resuming
from vp_tui.core.store import kept_blocks, lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.references import read_embeddings

CHAIN = 4
"""Kills of one run and those that go on with it."""
BLOCK_SECONDS = 0.1
READY = "ready\n"


def worker(run_id: int) -> int:
    """Be the worker of a run; say READY when its first block is there."""
    from vp_tui.core.workers.validate import resuming as keeping
    from vp_tui.core.workers.validate import run
    from vp_tui.core.workers.validate.validation import Setting, validate

    keeping.KEEP_SECONDS = 0.0  # type: ignore[misc]

    def slow(setting: Setting) -> Generator[Event, None, None]:
        for event in validate(setting):
            if isinstance(event, BlockEncoded):
                os.write(1, READY.encode())
                time.sleep(BLOCK_SECONDS)
            yield event

    return run.main(argparse.Namespace(run=run_id), stream=slow)


def started(home: Home, config: RunConfig, *, is_resumed: bool) -> tuple[Path, subprocess.Popen[str]]:
    """Start a run that goes on with the newest of these settings, or a new one; return its folder and its worker."""
    lifecycle.reconcile(home)
    before = resuming.to_resume(home, config, is_required=False) if is_resumed else None
    run_id = lifecycle.create_run(home, config)
    folder = home.run_folder(lifecycle.run_config(home, run_id)[0])
    if before is not None:
        kept_blocks.move(home.run_folder(before.uuid), folder)
    process = subprocess.Popen(
        [sys.executable, __file__, "--run", str(run_id)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "VP_TUI_HOME": str(home.root), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    return folder, process


def result(home: Home, folder: Path) -> tuple[object, ...]:
    """What a run has found: the bytes of its embeddings, its verdict, and a row per sequence."""
    files = (read_embeddings(folder / f"{arm}.safetensors").tobytes() for arm in ("reference", "candidate"))
    with closing(sqlite3.connect(home.database)) as connection:
        connection.row_factory = sqlite3.Row
        run = connection.execute("SELECT * FROM run WHERE uuid = ?", (folder.name,)).fetchone()
        rows = connection.execute("SELECT * FROM sequence_result WHERE run_id = ?", (run["id"],)).fetchall()
    found = [{name: row[name] for name in row.keys() if name not in {"id", "run_id"}} for row in rows]  # noqa: SIM118
    return (run["status"], run["verdict"], *files, sorted(found, key=lambda row: row["seq_idx"]))


def lost(home: Home, tries: int) -> Iterator[bool]:
    """Kill `tries` times; yield for each run that came through whether it differs from the uninterrupted one."""
    from vp_tui.core.workers.demo.checkpoints import make_checkpoint

    make_checkpoint(home.root / "checkpoint", num_layers=2)
    config = RunConfig(
        model=str(home.root / "checkpoint"), input=str(PROTEINS), device="cpu", token_budget=1_100, oracle=0,
        fp32_compare=True,
    )  # fmt: skip
    folder, process = started(home, config, is_resumed=False)
    began = time.monotonic()
    process.communicate()
    seconds = time.monotonic() - began
    whole, rng = result(home, folder), random.Random(3)
    for first in range(0, tries, CHAIN):
        for kill in range(min(CHAIN, tries - first)):
            _, process = started(home, config, is_resumed=kill > 0)
            time.sleep(rng.uniform(0, seconds))
            process.kill()
            process.communicate()
        folder, process = started(home, config, is_resumed=True)
        process.communicate()
        yield result(home, folder) != whole


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=int, required=True)
    sys.exit(worker(parser.parse_args().run))
