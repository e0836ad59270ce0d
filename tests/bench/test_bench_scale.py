"""What a run costs from FASTA to stored verdict, by the number of sequences; run with `make bench`, prints, never fails
on time.

`vp-tui run` as a real process on a tiny checkpoint and random short proteins. The goal is a straight line: seconds per
token and the worker's own memory stay what they are. Mapped files are apart, for the system takes their pages back when
somebody needs them. VP_TUI_BENCH_SCALE=100000 adds a longer run.
"""

import json
import os
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from command_line import CLI

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
SIZES = (1_000, 3_000, 10_000, 30_000)
LETTERS = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", np.uint8)
PHASES = ("reading", "loading", "warm-up", "encoding", "measuring", "storing", "end")


def proteins(path, num):
    """Random proteins of 20 to 180 residues: all three strata."""
    generator = np.random.default_rng(num)
    with path.open("w") as file:
        for index, length in enumerate(generator.integers(20, 180, num)):
            file.write(f">p{index}\n{LETTERS[generator.integers(0, 20, length)].tobytes().decode()}\n")


def worker_of(home):
    """The process id of the worker once there is one."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if {b"vp_tui.core.workers", b"run"} <= set(words) and os.fsencode(home.root) in (
                folder / "environ"
            ).read_bytes():
                return folder
        except OSError:
            continue
    return None


def watched(done, home):
    """MiB at most of the worker: its own memory, and with mapped files, read 20 times a second."""
    own, whole, worker = 0, 0, None
    while done.poll() is None:
        worker = worker or worker_of(home)
        try:
            lines = [] if worker is None else (worker / "status").read_text().splitlines()
        except OSError:
            lines = []
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}
        own = max(own, sizes.get("RssAnon", 0))
        whole = max(whole, sum(sizes.values()))
        time.sleep(0.05)
    return own / 1024, whole / 1024


def phases_of(folder):
    """Seconds in each phase, by the clock of run.log; what is looked at twice adds up."""
    moments = []
    for line in (folder / "run.log").read_text().splitlines():
        date, clock, level, *words = line.split(" ")
        if level in {"INFO", "WARNING"} and words:
            moments.append((time.mktime(time.strptime(f"{date} {clock[:8]}", "%Y-%m-%d %H:%M:%S")), clock, words[0]))
    seconds = dict.fromkeys(PHASES, 0.0)
    told = [(at + int(clock[9:12]) / 1000, word) for at, clock, word in moments]
    marks = [(at, word if word in PHASES else "end") for at, word in told if word in PHASES or word.endswith(":")]
    marks = [mark for mark in marks if mark[1] != "end" or mark is marks[-1]]
    for (at, phase), (until, _) in pairwise(marks):
        seconds[phase] += until - at
    return seconds


def test_a_run_from_fasta_to_verdict_costs_a_straight_line(home, made_checkpoint, tmp_path):
    more = os.environ.get("VP_TUI_BENCH_SCALE")
    print(f"\n{'sequences':>9} {'tokens':>10} {'seconds':>8} " + " ".join(f"{name:>9}" for name in PHASES[:-1]), end="")
    print(f" {'us/token':>9} {'own MiB':>8} {'with maps':>9} {'folder MB':>9}")
    points = []
    for num in (*SIZES, *([int(more)] if more else [])):
        path = tmp_path / f"{num}.fasta"
        proteins(path, num)
        command = [*CLI, "run", "-m", str(made_checkpoint()), "-i", str(path), "--json"]
        command += ["--sample", str(num), "--device", "cpu"]
        began = time.perf_counter()
        with (tmp_path / "out").open("w+") as out:
            done = subprocess.Popen(command, stdout=out, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            own, whole = watched(done, home)
            seconds = time.perf_counter() - began
            out.seek(0)
            found = json.loads(out.read())
        assert done.returncode == 0
        folder = Path(found["folder"])
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        phases, tokens = phases_of(folder), found["dataset"]["tokens"]
        points.append((tokens, seconds))
        print(
            f"{num:>9} {tokens:>10} {seconds:>8.1f} " + " ".join(f"{phases[name]:>9.2f}" for name in PHASES[:-1]),
            end="",
        )
        print(f" {1e6 * seconds / tokens:>9.1f} {own:>8.0f} {whole:>9.0f} {size:>9.1f}")
    steps = [1e6 * (b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    print("us per token more, from row to row: " + ", ".join(f"{step:.1f}" for step in steps))
