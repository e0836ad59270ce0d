"""Whole runs in a real store, with fixed uuids and times, so that what is written about them never changes."""

import json
import sqlite3

import numpy as np
from records import arm, compared, config, encoded, finding, finished, gpu_sample, planned, result, stats

from vp_tui.core.store import lifecycle
from vp_tui.core.store.writer import RunWriter

CONFIG = {"model": "esm2-8m", "input": "reads.faa", "precision": "fp16", "token_budget": "auto", "thresholds": {}}
ENVIRONMENT = {"torch": "2.13.0", "device": "cuda:0", "device_name": "H200", "driver": "580.1", "vp_tui": "0.4.0"}
FACTS = {"weights_sha256": "ea" * 32, "dataset_sha256": "da" * 32, "candidate_precision": "fp16"}
STRATA = ("short", "medium", "long")
MEASURES = {
    "M1": {"all": {"min": 0.9991, "p01": 0.99995}, "short": {"min": 0.9991}},
    "M2": {"all": {"min": 0.997, "p01": None}},
    "details": {"dominant_dimension": {"index": 3, "share": 0.4}},
}
CREATED_US = 1_790_000_000_000_000
"""2026-09-21."""
HOSTILE = '=cmd()|<script>alert(1)</script>|\n| [x](http://evil.example) \x1b[31m\u202e@everyone #1 `$a$` &amp;"'
"""A formula, markup, a cell border, a line end, a link, an escape sequence, a bidi override, a mention, a reference."""


def cosines(n, *, error=3e-5, seed=0):
    """Errors that spread over two decades around `error`."""
    return 1.0 - error * np.random.default_rng(seed).lognormal(0.0, 1.0, n)


class Runs:
    """Adds runs to a store; `sql` changes what the writer would not write."""

    def __init__(self, home):
        self.home = home

    def sql(self, statement, *values):
        connection = sqlite3.connect(self.home.database)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def add(self, name="nightly", *, values=None, ids=None, speed=2000.0, gpu=True, facts=None, asked=None, **end):
        """A completed run whose sequences have the cosines `values` (None: no cosine); returns its id."""
        values = [None if one is None else float(one) for one in (cosines(30) if values is None else values)]
        ids = ids or [f"protein{i}" for i in range(len(values))]
        run_id = lifecycle.create_run(self.home, config(name=name, **(asked or {})))
        lifecycle.register_worker(self.home, run_id, lifecycle.this_worker())
        lifecycle.start(self.home, run_id, "cuda:0" if gpu else "cpu")
        with RunWriter(self.home, run_id) as writer:
            for event in self._events(values, ids, speed=speed, gpu=gpu, end=end):
                writer.put(event)
        self._fix(run_id, facts or FACTS, asked or {})
        return run_id

    def _events(self, values, ids, *, speed, gpu, end):
        n = len(values)
        yield planned(total=n, environment=ENVIRONMENT, planned={s: -(-n // 3) for s in STRATA})
        rows = tuple(
            result(
                i,
                sequence_id=ids[i],
                stratum=STRATA[i % 3],
                cosine=value,
                nan_count=0 if value is not None else 2,
                seq_hash=1000 + i,
            )
            for i, value in enumerate(values)
        )
        for block in range(4):
            for turn, (name, rate) in enumerate((("reference", 1000.0), ("candidate", speed))):
                at_us = CREATED_US + 500_000 * (2 * block + turn)
                yield encoded(block=block, arm=name, at_us=at_us, tokens=500, encode_s=500 / (rate + 10 * block))
                if gpu:
                    yield gpu_sample(at_us=at_us, utilization=90.0 + block)
            yield compared(block=block, results=rows[block::4])
        yield finished(**{"strata": tuple(strata(values, speed)), "arms": arms(speed), "measures": MEASURES} | end)

    def _fix(self, run_id, facts, asked):
        perf = facts | {"device_name": "H200", "driver": "580.1"}
        keys = {name: json.dumps(found, sort_keys=True) for name, found in (("accuracy", facts), ("perf", perf))}
        at_us = CREATED_US + run_id * 3_600_000_000
        self.sql(
            "UPDATE run SET uuid = ?, done = total, config_json = ?, accuracy_facts_json = ?, perf_facts_json = ?, "
            "accuracy_key = ?, perf_key = ?, created_at_us = ?, started_at_us = ?, ended_at_us = ?, host = 'here' "
            "WHERE id = ?",
            f"{run_id:032x}"[::-1], json.dumps(CONFIG | asked), keys["accuracy"], keys["perf"],
            keys["accuracy"], keys["perf"], at_us, at_us, at_us + 60_000_000, run_id,
        )  # fmt: skip


def arms(speed):
    candidate = arm(precision="fp16", tokens_per_s=speed, end_to_end_seconds=4000 / speed, peak_memory_mib=512.0)
    return {"reference": arm(), "candidate": candidate}


def strata(values, speed):
    for scope in (*STRATA, "all"):
        mine = [value for i, value in enumerate(values) if scope in {"all", STRATA[i % 3]}]
        known = [value for value in mine if value is not None]
        yield stats(
            scope,
            planned=len(mine),
            n=len(mine),
            cosine_min=min(known, default=None),
            below=sum(value is None or value <= 0.99 for value in mine),
            nan=len(mine) - len(known),
            candidate_tokens_per_s=speed,
            speedup=speed / 1000,
        )


def low(text="too low"):
    return (finding(text=text),)
