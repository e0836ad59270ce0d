"""What snapshots are made of: rows, strata, blocks, samples, alerts, with plausible numbers from a seed."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vp_tui.core.events import AlertRaised, BlockEncoded, GpuSample, Scope, StratumStats
from vp_tui.core.store.snapshot import RunRow, SimilarityPoint

START_US = 1_763_898_540_000_000
PLANNED: dict[Scope, int] = {"short": 3334, "medium": 3333, "long": 3333}
SPEED = {"short": 182_400.0, "medium": 171_200.0, "long": 98_300.0}
RATIO = {"short": 2.11, "medium": 2.04, "long": 1.97}
DISTANCE = {"short": 9e-5, "medium": 2.4e-4, "long": 6e-4}


def row(run_id: int = 42, **changes: Any) -> RunRow:
    """One run of the history: running, two thirds through, unless told otherwise."""
    values: dict[str, Any] = {
        "id": run_id,
        "uuid": f"{run_id:032x}",
        "name": "nightly",
        "status": "running",
        "status_reason": None,
        "phase": "encoding long",
        "verdict": None,
        "sentence": None,
        "speed_verdict": None,
        "model": "facebook/esm2_t36_3B_UR50D",
        "input": "/data/reads/orfs.fasta.gz",
        "precision": "fp16",
        "precision_reason": None,
        "reference": "fp32",
        "device": "cuda:0",
        "done": 6312,
        "total": 10_000,
        "eta_s": 151.0,
        "created_at_us": START_US - 2_000_000,
        "started_at_us": START_US,
        "ended_at_us": None,
        "heartbeat_at_us": START_US + 252_000_000,
        "pid": 4711,
        "speedup": None,
        "end_to_end_speedup": None,
        "cosine_min": None,
        "exit_code": None,
        "num_alerts": 0,
        "tags": {},
    }
    return RunRow(**(values | changes))


def stats(scope: Scope, *, n: int, planned: int, **changes: Any) -> StratumStats:
    """The measures of one stratum, good ones unless told otherwise."""
    key = scope if scope in SPEED else "medium"
    speed, times, distance = SPEED[key], RATIO[key], DISTANCE[key]
    values: dict[str, Any] = {
        "scope": scope,
        "planned": planned,
        "n": n,
        "tokens": n * {"short": 48, "medium": 98, "long": 310}.get(scope, 140),
        "cosine_min": 1 - distance,
        "cosine_p01": 1 - distance / 3,
        "cosine_mean": 1 - distance / 9,
        "below": 0,
        "nan": 0,
        "inf": 0,
        "relative_l2_p99": distance * 9,
        "norm_ratio_worst": 1 + distance,
        "reference_tokens_per_s": speed / times,
        "candidate_tokens_per_s": speed,
        "speedup": times,
    }
    return StratumStats(**(values | (changes if n else dict.fromkeys(_MEASURED))))


_MEASURED = (
    "cosine_min",
    "cosine_p01",
    "cosine_mean",
    "relative_l2_p99",
    "norm_ratio_worst",
    "reference_tokens_per_s",
    "candidate_tokens_per_s",
    "speedup",
)


def strata(done: float, **long_changes: Any) -> tuple[StratumStats, ...]:
    """short, medium, long, all at a share of the whole; the changes go to long and all."""
    parts = [stats(scope, n=int(done * planned), planned=planned) for scope, planned in PLANNED.items()]
    parts[2] = replace(parts[2], **long_changes)
    total = sum(part.n for part in parts)
    overall = stats("all", n=total, planned=10_000, cosine_min=parts[2].cosine_min)
    return (*parts, replace(overall, **long_changes))


def similarity(done: float, *, broken: Sequence[int] = (), seed: int = 7) -> tuple[SimilarityPoint, ...]:
    """Blocks of 64, the strata in turn; `broken` blocks hold no finite similarity."""
    draw = random.Random(seed)
    points = []
    for block in range(int(done * 156)):
        scope = ("short", "medium", "long")[block % 3]
        distance = DISTANCE[scope] * 10 ** draw.gauss(-0.5, 0.2)
        is_broken = block in broken
        points.append(
            SimilarityPoint(
                at_us=START_US + block * 2_000_000,
                stratum=scope,
                sequences=64,
                cosine_min=None if is_broken else 1 - distance,
            )
        )
    return tuple(points)


def blocks(done: float, seed: int = 11) -> tuple[BlockEncoded, ...]:
    """Both arms over the same blocks, a warm-up first."""
    draw = random.Random(seed)
    made = []
    for block in range(int(done * 156)):
        for arm, times in (("reference", 1.0), ("candidate", 2.05)):
            seconds = 64 * 140 / (83_000 * times * draw.gauss(1, 0.04))
            made.append(
                BlockEncoded(
                    at_us=START_US + block * 2_000_000,
                    block=block,
                    arm=arm,  # type: ignore[arg-type]
                    stratum=("short", "medium", "long")[block % 3],
                    sequences=64,
                    tokens=64 * 140,
                    encode_s=seconds,
                    wall_s=seconds * 1.1,
                    is_warmup=block == 0,
                )
            )
    return tuple(made)


def gpu_sample(at_us: int = START_US, **changes: Any) -> GpuSample:
    """An H200 at work."""
    values: dict[str, Any] = {
        "at_us": at_us,
        "utilization": 93.0,
        "memory_used_mib": 72_900.0,
        "memory_total_mib": 143_360.0,
        "power_w": 612.0,
        "power_limit_w": 700.0,
        "sm_clock_mhz": 1980.0,
        "temperature_c": 62.0,
        "throttle_reasons": 0,
        "sm_active": 91.0,
        "tensor_active": 58.0,
        "dram_active": 37.0,
        "other_processes": 0,
    }
    return GpuSample(**(values | changes))


def alert(number: int = 0, **changes: Any) -> AlertRaised:
    """A sequence below the limit."""
    values: dict[str, Any] = {
        "at_us": START_US + (60 + 9 * number) * 1_000_000,
        "kind": "cosine",
        "severity": "fail",
        "message": "cosine 0.986113, limit 0.99",
        "stratum": "long",
        "sequence_id": f"ORF_{931 + number:04d}",
    }
    return AlertRaised(**(values | changes))


def nan_alerts(number: int) -> tuple[AlertRaised, ...]:
    """What an overflow in FP16 looks like."""
    words = "NaN in 310 of 310 token outputs of the candidate (fp16)"
    return tuple(alert(index, kind="nan", message=words) for index in range(number))
