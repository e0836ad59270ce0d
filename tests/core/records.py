"""Records with harmless values, so that a test names only the field it is about."""

from vp_tui.core.config import RunConfig
from vp_tui.core.events import (
    AlertRaised,
    ArmSummary,
    BlockCompared,
    BlockEncoded,
    Finding,
    GpuSample,
    RunFinished,
    RunPlanned,
    SequenceResult,
    Speedup,
    StratumStats,
)


def config(**changes):
    return RunConfig(**{"model": "esm2-8m", "input": "/data/reads.faa"} | changes)


def stats(scope="short", **changes):
    """A stratum of ten sequences without a fault."""
    healthy = {
        "planned": 10,
        "n": 10,
        "tokens": 500,
        "cosine_min": 0.99999,
        "cosine_p01": 0.99999,
        "cosine_mean": 0.999995,
        "below": 0,
        "nan": 0,
        "inf": 0,
        "relative_l2_p99": 1e-3,
        "norm_ratio_worst": 1.0005,
        "reference_tokens_per_s": 1000.0,
        "candidate_tokens_per_s": 2000.0,
        "speedup": 2.0,
    }
    return StratumStats(scope=scope, **healthy | changes)


def empty_stats(scope):
    """A stratum without sequences."""
    nothing = dict.fromkeys(
        ("cosine_min", "cosine_p01", "cosine_mean", "relative_l2_p99", "norm_ratio_worst", "speedup")
    ) | {"reference_tokens_per_s": None, "candidate_tokens_per_s": None}
    return stats(scope, planned=0, n=0, tokens=0, **nothing)


def four_strata(**changes):
    return tuple(stats(scope, **changes) for scope in ("short", "medium", "long", "all"))


def planned(**changes):
    return RunPlanned(
        **{
            "total": 30,
            "planned": {"short": 10, "medium": 10, "long": 10},
            "dataset": {"n": 30},
            "model": {"name": "esm2"},
            "environment": {"torch": "2.13.0"},
        }
        | changes
    )


def encoded(**changes):
    return BlockEncoded(
        **{
            "at_us": 1,
            "block": 0,
            "arm": "reference",
            "stratum": "short",
            "sequences": 10,
            "tokens": 500,
            "encode_s": 0.5,
            "wall_s": 0.6,
            "is_warmup": False,
        }
        | changes
    )


def result(seq_idx=0, **changes):
    return SequenceResult(
        **{
            "seq_idx": seq_idx,
            "sequence_id": f"protein{seq_idx}",
            "stratum": "short",
            "num_tokens": 50,
            "cosine": 0.99999,
            "relative_l2": 1e-3,
            "norm_ratio": 1.0,
            "nan_count": 0,
            "inf_count": 0,
            "seq_hash": 100 + seq_idx,
        }
        | changes
    )


def compared(**changes):
    return BlockCompared(
        **{
            "at_us": 2,
            "block": 0,
            "stratum": "short",
            "sequences": 2,
            "cosine_min": 0.9999,
            "results": (),
            "strata": (),
        }
        | changes
    )


def gpu_sample(**changes):
    return GpuSample(
        **{
            "at_us": 3,
            "utilization": 90.0,
            "memory_used_mib": 1000.0,
            "memory_total_mib": 80_000.0,
            "power_w": 300.0,
            "power_limit_w": 700.0,
            "sm_clock_mhz": 1900.0,
            "temperature_c": 55.0,
            "throttle_reasons": 0,
        }
        | changes
    )


def alert(**changes):
    return AlertRaised(**{"at_us": 4, "kind": "nan", "severity": "fail", "message": "has 3 NaN"} | changes)


def finding(**changes):
    return Finding(**{"gate": "M1", "severity": "fail", "stratum": "long", "text": "too low"} | changes)


def arm(**changes):
    return ArmSummary(
        **{
            "precision": "fp32",
            "attention_kernel": "sdpa",
            "attention_reason": "auto: float32 on cpu always takes sdpa",
            "tokens_per_s": 1000.0,
            "seconds": 1.5,
            "end_to_end_seconds": 2.0,
            "load_seconds": 0.3,
            "peak_memory_mib": None,
            "cached": False,
        }
        | changes
    )


def finished(**changes):
    speedup = Speedup(tokens_per_s=2.0, end_to_end=1.9, ci95=(1.8, 2.2), verdict="PASS", reason="speed: 2.00x")
    return RunFinished(
        **{
            "at_us": 5,
            "verdict": "PASS",
            "sentence": "fp16 is safe here",
            "findings": (),
            "strata": four_strata(),
            "arms": {"reference": arm(), "candidate": arm(precision="fp16", tokens_per_s=2000.0)},
            "speedup": speedup,
            "exit_code": 0,
            "measures": {"M1": {"all": {"min": 0.99999}}},
        }
        | changes
    )
