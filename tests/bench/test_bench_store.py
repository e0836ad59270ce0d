"""Times of a big store on this machine; run with `make bench`, prints, never fails on time.

VP_TUI_BENCH_RUNS runs of 10,000 sequences each: 200 by default (about 0.15 GB, built in some ten seconds), 1,000 for
the store of which the goals speak (about 0.7 GB). Goals: 0.5 s to write a run, 150 ms for every question.
"""

import os
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vp_tui.core.store import lifecycle
from vp_tui.core.store.backup import size
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.writer import RunWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
from records import compared, config, encoded, finished, four_strata, planned, result, stats

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
RUNS = int(os.environ.get("VP_TUI_BENCH_RUNS", "200"))
SEQUENCES = 10_000
QUERIES = (
    "",
    "status:failed",
    "model:esm2 status:completed precision:fp16 speedup<1.8",
    "tag.gpu:h200 cosine_min<0.995 since:7d",
    "NOT metric.M2.min<0.5 (nightly OR speedup>1.5)",
)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A home whose store has RUNS runs, all but the first copied in SQL from the first."""
    from vp_tui.core.store.home import Home
    from vp_tui.migrations import upgrade

    home = Home(tmp_path_factory.mktemp("big"))
    upgrade(home)
    began = time.perf_counter()
    writer_s = _first_run(home)
    connection = sqlite3.connect(home.database, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    _copy_first(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    built = f"built in {time.perf_counter() - began:.0f} s"
    print(f"\n{RUNS} runs x {SEQUENCES} sequences: {size(home.database) / 1e9:.2f} GB, {built}")
    print(f"{'writing one run':60} {1e3 * writer_s:8.1f} ms (goal 500)")
    return home


def _first_run(home):
    """A run of SEQUENCES sequences in 36 blocks through the writer; returns the seconds its thread wrote."""
    generator = np.random.default_rng(0)
    cosines = 1 - 10 ** generator.uniform(-6, -3, SEQUENCES)
    run_id = lifecycle.create_run(home, config(name="nightly", tags={"gpu": "h200"}))
    lifecycle.start(home, run_id, "cuda:0")
    dataset = {"sha256": "a" * 64, "cuts": [64, 128], "n": 9, "strata": {"short": 3, "medium": 3, "long": 3}}
    model = {"weights_sha256": "b" * 64, "pooling": "residues", "kind": "esm2", "given": "esm2-3b"}
    events = [
        planned(total=SEQUENCES, dataset=dataset, model=model, environment={"torch": "2.13.0", "device": "cuda:0"})
    ]
    for block, members in enumerate(np.array_split(np.arange(SEQUENCES), 36)):
        rows = tuple(
            result(int(i), cosine=float(cosines[i]), seq_hash=int(generator.integers(-(2**63), 2**63))) for i in members
        )
        events += [encoded(block=block, arm=arm) for arm in ("reference", "candidate")]
        events.append(compared(block=block, results=rows, strata=(stats("all", planned=SEQUENCES, n=SEQUENCES),)))
    measures = {
        f"M{i}": {scope: {"min": 0.999, "p01": 0.9995, "mean": 0.9999} for scope in ("short", "all")} for i in range(12)
    }
    events.append(finished(strata=four_strata(planned=SEQUENCES, n=SEQUENCES), measures=measures))
    seconds = []

    class Timed(RunWriter):
        def _write(self, connect, batch):
            started = time.perf_counter()
            super()._write(connect, batch)
            seconds.append(time.perf_counter() - started)

    with Timed(home, run_id) as writer:
        for event in events:
            writer.put(event)
    print(f"\n{len(seconds)} transactions", end="")
    return sum(seconds)


def _copy_first(connection):
    connection.execute("BEGIN IMMEDIATE")
    for table, key in (
        ("run", "id"),
        ("run_tag", "run_id"),
        ("stratum", "run_id"),
        ("metric", "run_id"),
        ("sequence_result", "run_id"),
    ):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != key]
        source = {
            "uuid": "lower(hex(randomblob(16)))",
            "speedup": "1.5 + (copy.number % 7) / 10.0",
            "status": "CASE WHEN copy.number % 9 = 0 THEN 'failed' ELSE status END",
            "cosine": "cosine - (copy.number % 5) * 1e-7",
        }
        wanted = ", ".join(source.get(name, name) for name in names)
        connection.execute(
            f"WITH RECURSIVE copy(number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM copy WHERE number < {RUNS}) "
            f"INSERT INTO {table} ({key}, {', '.join(names)}) SELECT copy.number, {wanted} FROM copy, {table} "
            f"WHERE {table}.{key} = 1"
        )
    connection.execute(
        "WITH RECURSIVE copy(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < 72) "
        "INSERT INTO block_sample (run_id, at_us, block, arm, stratum, sequences, tokens, encode_s, wall_s, is_warmup) "
        "SELECT id, copy.number, copy.number, 'candidate', 'all', 1, 1, 1.0, 1.0, 0 FROM run, copy WHERE id > 1"
    )
    connection.execute("COMMIT")


def shown(what, question):
    """Print the median of five answers, the first one apart."""
    began = time.perf_counter()
    found = question()
    first = time.perf_counter() - began
    times = []
    for _ in range(5):
        began = time.perf_counter()
        question()
        times.append(time.perf_counter() - began)
    print(f"{what:60} {1e3 * np.median(times):8.1f} ms, the first {1e3 * first:8.1f} ms")
    return found


def test_questions_to_a_big_store(big):
    with Reader(big) as reader:
        for query in QUERIES:
            found = shown(f"history {query!r}", lambda query=query: reader.history(query, limit=None))
            print(f"{'':60} {len(found)} runs")
        shown("history by -metric.M2.min", lambda: reader.history(sort="-metric.M2.min", limit=50))
        pairs = shown("paired comparison of two runs", lambda: reader.paired(1, RUNS))
        assert len(pairs) == SEQUENCES
        shown("metrics of ten runs", lambda: reader.metrics(range(1, 11)))
        shown("the worst sequences of a run", lambda: reader.worst_sequences(RUNS))
        shown("the whole of a run", lambda: reader.snapshot(RUNS))
    for doing, work in (("opening and the newest 50 runs", lambda reader: reader.history(limit=50)),):

        def opened(work=work):
            with Reader(big) as reader:
                return work(reader)

        shown(doing, opened)
