"""Builders of realistic snapshots: the runs of a day at a workstation.

Used by the tests of the screen and by the picture in the README; two calls give equal snapshots.
"""

from dataclasses import replace
from typing import Any

from parts import START_US, alert, blocks, gpu_sample, nan_alerts, row, similarity, strata

from vp_tui.core.events import Finding, SequenceResult
from vp_tui.core.store.baselines import Baseline
from vp_tui.core.store.snapshot import RunRow, RunSnapshot, Status, StepProgress

__all__ = ["alert", "blocks", "row", "similarity"]

GPU = {"device_name": "NVIDIA H200", "driver": "570.133.20", "torch": "2.13.0+cu130"}


def snapshot(run: RunRow, **changes: Any) -> RunSnapshot:
    """A snapshot with nothing measured, unless told otherwise."""
    values: dict[str, Any] = {
        "run": run,
        "config": {"model": run.model, "input": run.input, "precision": run.precision, "sample": 10_000},
        "dataset": {"name": "orfs.fasta.gz"},
        "model": {"kind": "esm2"},
        "environment": GPU,
        "arms": {},
        "speedup": {},
        "measures": {},
        "findings": (),
        "strata": (),
        "blocks": (),
        "similarity": (),
        "gpu": (),
        "alerts": (),
        "folder": "/tmp/runs/42",
    }
    return RunSnapshot(**(values | changes))


def comparing(done: int = 6300) -> StepProgress:
    """The longest step of a run."""
    name = "comparing FP16 with FP32"
    return StepProgress(step=3, steps=6, name=name, done=done, total=10_000, fraction=done / 10_000)


def running(done: float = 0.63) -> RunSnapshot:
    """A good run under way."""
    return snapshot(
        row(done=int(10_000 * done), progress=comparing(int(10_000 * done))),
        strata=strata(done),
        similarity=similarity(done),
        blocks=blocks(done),
        gpu=tuple(gpu_sample(START_US + index * 1_000_000) for index in range(200)),
    )


def loading() -> RunSnapshot:
    """Nothing is known yet but the phase."""
    run = row(done=0, total=0, eta_s=None, phase="loading esm2 in fp16", heartbeat_at_us=START_US + 9_000_000)
    return snapshot(run, environment={})


def _arm(precision: str, tokens_per_s: float, seconds: float) -> dict[str, Any]:
    return {
        "precision": precision,
        "attention_kernel": "flash-attn varlen" if precision == "fp16" else "sdpa padded",
        "tokens_per_s": tokens_per_s,
        "seconds": seconds,
        "end_to_end_seconds": seconds * 1.2,
        "load_seconds": 11.4,
        "peak_memory_mib": 8_100.0 if precision == "fp16" else 15_800.0,
        "cached": False,
    }


def _finished(run: RunRow, **changes: Any) -> RunSnapshot:
    arms = {"reference": _arm("fp32", 81_300.0, 171.2), "candidate": _arm("fp16", 166_700.0, 83.5)}
    speedup = {
        "tokens_per_s": 2.05,
        "end_to_end": 1.84,
        "ci95": [2.02, 2.08],
        "verdict": "PASS",
        "reason": "speed: 2.05x in tokens/s, 1.84x end to end",
    }
    values = {
        "arms": arms,
        "speedup": speedup,
        "similarity": similarity(1.0),
        "blocks": blocks(1.0),
        "gpu": tuple(gpu_sample(START_US + index * 1_000_000) for index in range(390)),
    }
    return snapshot(run, **(values | changes))


def passed() -> RunSnapshot:
    """Completed, PASS, fast enough."""
    run = row(
        status="completed",
        progress=None,
        phase="",
        verdict="PASS",
        speed_verdict="PASS",
        sentence="10,000 sequences: lowest similarity 0.9994000, no NaN, no Inf",
        done=10_000,
        eta_s=None,
        ended_at_us=START_US + 403_000_000,
        speedup=2.05,
        end_to_end_speedup=1.84,
        cosine_min=0.9994,
        exit_code=0,
    )
    return _finished(run, strata=strata(1.0))


def failed_gate(num_alerts: int = 12) -> RunSnapshot:
    """Completed, FAIL: an overflow in the long stratum."""
    run = replace(
        passed().run,
        verdict="FAIL",
        sentence=f"{num_alerts} of 10,000 sequences hold NaN in fp16, all of them long",
        cosine_min=0.986113,
        num_alerts=num_alerts,
        exit_code=4,
    )
    finding = Finding(
        gate="V1", severity="fail", stratum="long", text=f"long: {num_alerts} with NaN, 0 allowed", value=12, limit=0
    )
    warning = Finding(gate="M4", severity="warn", stratum="long", text="long: p99 of |y-x|/|x| 1.3e-02, limit 1e-02")
    return _finished(
        run,
        strata=strata(1.0, cosine_min=0.986113, cosine_p01=0.99102, below=num_alerts + 3, nan=num_alerts),
        similarity=similarity(1.0, broken=(20, 62, 110)),
        alerts=nan_alerts(num_alerts),
        findings=(finding, warning),
    )


def on_cpu() -> RunSnapshot:
    """The demo on a laptop: the speed is not judged."""
    done = passed()
    run = replace(
        done.run,
        id=3,
        name="demo",
        model="/home/u/.local/share/vp-tui/cache/demo/esm2",
        device="cpu",
        speed_verdict="NOT JUDGED",
        speedup=0.71,
    )
    speedup = {"tokens_per_s": 0.71, "verdict": "NOT JUDGED", "reason": "speed: not judged on CPU"}
    return replace(done, run=run, speedup=speedup, gpu=(), environment={"torch": "2.13.0+cpu"})


def ended(status: Status = "failed", reason: str = "CUDA out of memory: 141 GiB asked for") -> RunSnapshot:
    """A run without a result: failed, interrupted or cancelled."""
    run = row(
        status=status,
        status_reason=reason,
        phase="",
        eta_s=None,
        done=2100,
        ended_at_us=START_US + 99_000_000,
        exit_code=1,
    )
    return snapshot(run, strata=strata(0.21), similarity=similarity(0.21), blocks=blocks(0.21))


def rolled_back() -> RunSnapshot:
    """VIRNUCPRO_DISABLE_FP16 is set."""
    live = running()
    reason = "VIRNUCPRO_DISABLE_FP16=1 is set: fp16 was asked for, the candidate runs in fp32"
    return replace(live, run=replace(live.run, precision="fp32", precision_reason=reason))


def history() -> tuple[RunRow, ...]:
    """The day's runs, newest first."""
    return (
        running().run,
        replace(failed_gate().run, id=41, name="esm2 after driver update"),
        replace(passed().run, id=40),
        replace(on_cpu().run, id=39),
        replace(ended().run, id=38, name=None, model="zhihan1996/DNABERT-S"),
        replace(ended("interrupted", "the process is gone").run, id=37),
    )


def waiting(run_id: int = 44) -> RunSnapshot:
    """Queued behind another run of its device."""
    run = row(run_id, status="queued", phase="waiting: another run uses cuda:0", device=None, done=0, total=0)
    return snapshot(replace(run, started_at_us=None, eta_s=None), environment={})


def several() -> tuple[RunSnapshot, ...]:
    """Two runs on two GPUs, and one that waits."""
    return running(), snapshot(row(43, device="cuda:1", done=1200)), waiting(44)


def measured() -> RunSnapshot:
    """Completed, with the numbers of both arms' embeddings."""
    spread = {"mean_reference": 1.2e-2, "std_reference": 0.31, "mean_candidate": 1.3e-2, "std_candidate": 0.32}
    outliers = {"outlier_share_reference": 0.0042, "outlier_share_candidate": 0.0043}
    return replace(passed(), measures={"S5": {"all": spread}, "S6": {"all": outliers}})


def results(num: int = 300, *, nan: int = 1, below: int = 2) -> tuple[SequenceResult, ...]:
    """Compared sequences, worst first: some with NaN, some below the limit, the others good."""
    found = [
        SequenceResult(
            seq_idx=place,
            sequence_id=f"ORF_{931 + place:04d}",
            stratum="long" if place < nan + below else ("short", "medium", "long")[place % 3],
            num_tokens=310,
            cosine=None if place < nan else 0.9861 + place * 1e-4 if place < nan + below else 1 - 6e-4 / place,
            relative_l2=None if place < nan else 1.3e-2 if place < nan + below else 1e-3,
            norm_ratio=None if place < nan else 1.0062 if place < nan + below else 1.0002,
            nan_count=310 if place < nan else 0,
            inf_count=0,
            seq_hash=place,
        )
        for place in range(num)
    ]
    return tuple(found)


def baseline(run_id: int = 40, **keys: str) -> tuple[Baseline, ...]:
    """A run pinned as `nightly`, once for each kind of key."""
    return tuple(
        Baseline(
            id=place,
            name="nightly",
            key_kind=kind,  # type: ignore[arg-type]
            key=key,
            reason="good",
            created_at_us=START_US,
            created_by="u",
            retired_at_us=None,
            retired_reason=None,
            run_uuids=(f"{run_id:032x}",),
            run_ids=(run_id,),
        )
        for place, (kind, key) in enumerate(keys.items())
    )


INSIDE = ("attention_norm", "qkv.in", "qkv", "fc1.in", "fc1", "fc2")


def mapped(blocks: int = 6) -> RunSnapshot:
    """Completed, with numbers of every module: block 2 errs, its fc1 has little headroom, the last fc2 breaks."""
    rows = [{"module": "embedding", "ratio": None, "bits": 11.4, "subnormal_share": 0.0, "nonfinite": 0}]
    for place in range(blocks):
        for name in INSIDE:
            tight, broken = (place, name) == (2, "fc1"), (place, name) == (blocks - 1, "fc2")
            rows.append(
                {
                    "module": f"layers.{place}.{name}",
                    "ratio": None if broken else 1.62 if place == 2 else 1.03,
                    "bits": 0.5 if tight else 2.0 if name == "fc1" else 9.0,
                    "subnormal_share": 0.094 if name == "fc2" else 0.0,
                    "nonfinite": 7 if broken else 0,
                }
            )
        rows.append({"module": f"layers.{place}", "ratio": 1.0, "bits": 9.0, "subnormal_share": 0.0, "nonfinite": 0})
    return replace(passed(), measures={"details": {"modules": rows}})
