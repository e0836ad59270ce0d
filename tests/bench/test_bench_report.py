"""Times and size of the reports on two runs of 10,000 sequences; run with `make bench`, prints, never fails on time.

Goals: HTML under 2 MB and 3 s, building the comparison included.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vp_tui.core.report import comparison, render
from vp_tui.core.report.runs_export import exported
from vp_tui.core.store import lifecycle
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.writer import RunWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
from records import compared, config, encoded, finished, gpu_sample, planned, result, stats

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]
SEQUENCES = 10_000
BLOCKS = 2_000
SAMPLES = 10_000
DATASET = {"sha256": "a" * 64, "cuts": [64, 128]}
MODEL = {"weights_sha256": "b" * 64, "given": "esm2-3b"}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A home with two runs, each with SEQUENCES sequences, BLOCKS timed blocks and SAMPLES readings of a GPU."""
    from vp_tui.core.store.home import Home
    from vp_tui.migrations import upgrade

    home = Home(tmp_path_factory.mktemp("two"))
    upgrade(home)
    return home, [_run(home, seed) for seed in (0, 1)]


def _run(home, seed):
    generator = np.random.default_rng(seed)
    cosines = 1 - 10 ** generator.normal(-4.5, 0.5, SEQUENCES)
    run_id = lifecycle.create_run(home, config(name=f"run {seed}"))
    lifecycle.start(home, run_id, "cuda:0")
    environment = {"torch": "2.13.0", "device": "cuda:0"}
    counts = dict.fromkeys(("short", "medium", "long"), SEQUENCES)
    with RunWriter(home, run_id) as writer:
        about = {"dataset": DATASET, "model": MODEL, "environment": environment}
        writer.put(planned(total=SEQUENCES, planned=counts, **about))
        for block, members in enumerate(np.array_split(np.arange(SEQUENCES), BLOCKS)):
            for turn, arm in enumerate(("reference", "candidate")):
                writer.put(encoded(block=block, arm=arm, at_us=10**6 * (2 * block + turn)))
            rows = tuple(
                result(int(i), stratum=tuple(counts)[i % 3], cosine=float(cosines[i]), seq_hash=int(i)) for i in members
            )
            writer.put(compared(block=block, results=rows))
        for place in range(SAMPLES):
            writer.put(gpu_sample(at_us=400_000 * place, utilization=float(generator.uniform(80, 100))))
        scopes = (*counts, "all")
        writer.put(finished(strata=tuple(stats(scope, planned=SEQUENCES, n=SEQUENCES) for scope in scopes)))
    return run_id


def test_reports_on_two_runs(two):
    home, ids = two
    began = time.perf_counter()
    with Reader(home) as reader:
        report = comparison.build(reader, ids[:1], ids[1:])
        built = time.perf_counter() - began
        runs = [(reader.snapshot(run_id), reader.results(run_id)) for run_id in ids]
    print(f"\n2 runs x {SEQUENCES} sequences, {BLOCKS} blocks per arm, {SAMPLES} GPU samples")
    print(f"{'':12} {'ms':>8} {'kB':>8}")
    print(f"{'build':12} {1e3 * built:8.0f}")
    for format in render.FORMATS:
        _timed(f"compare {format}", lambda format=format: render.rendered(report, format, everything=True))
    for format in render.FORMATS:
        _timed(f"export {format}", lambda format=format: exported(runs, format))
    print(f"from the start of a process to the HTML on the disk: {_whole(home, ids):.2f} s (goal 3 s, under 2000 kB)")


def _timed(what, work):
    began = time.perf_counter()
    text = work()
    print(f"{what:14} {1e3 * (time.perf_counter() - began):6.0f} {len(text.encode()) / 1e3:8.0f}")


def _whole(home, ids):
    """Seconds of a fresh process that compares and writes, imports of matplotlib and jinja2 included."""
    code = (
        "import sys; from pathlib import Path; from vp_tui.core.store.home import Home\n"
        "from vp_tui.core.store.reader import Reader; from vp_tui.core.report import comparison, render\n"
        "home = Home(Path(sys.argv[1]))\n"
        "with Reader(home) as reader: report = comparison.build(reader, [int(sys.argv[2])], [int(sys.argv[3])])\n"
        "render.write(home.root / 'report.html', render.rendered(report, 'html', everything=True))"
    )
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(home.root), *map(str, ids)], check=True, timeout=120)
    return time.perf_counter() - began
