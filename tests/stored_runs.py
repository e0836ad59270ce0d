"""Finished runs in a real store, written by the real writer in milliseconds."""

import sqlite3
from dataclasses import replace

from vp_tui.core.config import STRATA, RunConfig
from vp_tui.core.events import (
    ArmSummary,
    BlockCompared,
    RunFinished,
    RunPlanned,
    RunStopped,
    SequenceResult,
    Speedup,
    StratumStats,
)
from vp_tui.core.store import lifecycle
from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.groups import create_group
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.writer import RunWriter

DATASET = {"sha256": "da" * 32, "name": "reads.faa", "cuts": [64, 128], "tokenizer": "esm2", "seed": 0} | {
    "n": 30,
    "strata": {"short": 10, "medium": 10, "long": 10},
}
MODEL = {"name": "facebook/esm2_t6_8M_UR50D", "weights_sha256": "ea" * 32, "pooling": "residues", "kind": "esm2"}
ENVIRONMENT = {"torch": "2.13.0+cpu", "device": "cpu", "device_name": "x86_64", "threads": 1, "schedule": "ABBA"}

STEADY = (1000.0, 1002.0, 998.0, 1001.0, 999.0)
"""Tokens/s of five runs of one machine on one day."""


def complete(home, *, dataset=None, checkpoint=None, environment=None, end=None, stopped=None, tokens_per_s=1000.0,
             group_id=None, repeat_idx=None, device_used="cpu", **config):  # fmt: skip
    """The id of a new run that has come through, or ended with status `stopped`."""
    asked = RunConfig(**{"model": "esm2-8m", "input": "/data/reads.faa"} | config)
    run_id = lifecycle.create_run(home, asked, group_id=group_id, repeat_idx=repeat_idx)
    lifecycle.register_worker(home, run_id, lifecycle.this_worker())
    lifecycle.start(home, run_id, device_used)
    with RunWriter(home, run_id) as writer:
        writer.put(_planned(DATASET | (dataset or {}), MODEL | (checkpoint or {}), ENVIRONMENT | (environment or {})))
        writer.put(_compared())
        writer.put(_stopped(stopped) if stopped else _finished(asked.precision, tokens_per_s, **(end or {})))
    connection = sqlite3.connect(home.database)
    with connection:
        connection.execute("UPDATE run SET done = total WHERE id = ?", (run_id,))
    connection.close()
    return run_id


def _planned(dataset, model, environment):
    return RunPlanned(total=30, planned=dataset["strata"], dataset=dataset, model=model, environment=environment)


def _compared():
    results = tuple(
        SequenceResult(
            seq_idx=i, sequence_id=f"protein{i}", stratum=STRATA[i // 10], num_tokens=50, cosine=1 - 1e-5 - 1e-7 * i,
            relative_l2=1e-3, norm_ratio=1.0, nan_count=0, inf_count=0, seq_hash=100 + i,
        )
        for i in range(30)
    )  # fmt: skip
    return BlockCompared(
        at_us=2, block=0, stratum="short", sequences=30, cosine_min=0.9999, results=results,
        strata=(),
    )  # fmt: skip


def _stopped(status):
    return RunStopped(at_us=5, status=status, reason="the device went away", exit_code=7)


def _finished(precision, tokens_per_s, **changes):
    arms = {
        arm: ArmSummary(
            precision=name, attention_kernel="sdpa", attention_reason="auto", tokens_per_s=rate, seconds=30e3 / rate,
            end_to_end_seconds=32e3 / rate, load_seconds=0.3, peak_memory_mib=None, cached=False,
        )
        for arm, name, rate in (("reference", "fp32", 500.0), ("candidate", precision, tokens_per_s))
    }  # fmt: skip
    speedup = Speedup(tokens_per_s=tokens_per_s / 500, end_to_end=1.9, ci95=None, verdict="PASS", reason="fast")
    strata = tuple(_stats(scope, 30 if scope == "all" else 10, tokens_per_s) for scope in (*STRATA, "all"))
    values = {"at_us": 5, "verdict": "PASS", "sentence": "fp16 is safe here", "findings": (), "strata": strata}
    values |= {"arms": arms, "speedup": speedup, "exit_code": 0, "measures": {}}
    return RunFinished(**values | changes)


def _stats(scope, n, tokens_per_s):
    return StratumStats(
        scope=scope, planned=n, n=n, tokens=50 * n, cosine_min=0.99998, cosine_p01=0.99999, cosine_mean=0.99999,
        below=0, nan=0, inf=0, relative_l2_p99=1e-3, norm_ratio_worst=1.0, reference_tokens_per_s=500.0,
        candidate_tokens_per_s=tokens_per_s, speedup=tokens_per_s / 500,
    )  # fmt: skip


GPU = {"device": "cuda:0", "device_name": "NVIDIA H200", "driver": "570.1", "cuda": "13.0", "torch": "2.13.0"}


def validated(home, *, n=300, speedup=2.0, end_to_end=1.9, cached=False, environment=None, **more):
    """The id of a run that is evidence for production: on a GPU, `n` sequences per stratum (or one n for each)."""
    counts = dict.fromkeys(STRATA, n) if isinstance(n, int) else n
    base = _finished(more.get("precision", "fp16"), 1000.0)
    scopes = {**counts, "all": sum(counts.values())}
    reference = replace(base.arms["reference"], cached=cached)
    end = {
        "strata": tuple(_stats(scope, count, 1000.0) for scope, count in scopes.items()),
        "speedup": replace(base.speedup, tokens_per_s=speedup, end_to_end=end_to_end),
        "arms": {**base.arms, "reference": reference},
    }
    end |= more.pop("end", {})
    return complete(home, environment=GPU | (environment or {}), end=end, **more)


def group_of(home, speeds, *, kind="validate", **each):
    """The ids of the completed runs of a new group, one per speed."""
    group_id = create_group(home, kind, len(speeds))
    return [
        complete(home, group_id=group_id, repeat_idx=i, tokens_per_s=speed, **each) for i, speed in enumerate(speeds)
    ]


def slow_down(home):
    """A calibrated machine, five runs as the baseline `default`; the ids of five that are 10 % slower."""
    group_of(home, 2 * STEADY, kind="aa_calibration")
    set_baseline(home, group_of(home, STEADY), reason="x")
    return group_of(home, [0.9 * speed for speed in STEADY])


def uuid_of(home, run_id):
    with Reader(home) as reader:
        return reader.run(run_id).uuid
