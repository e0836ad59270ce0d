"""Sides and pairs made by hand, for the tests of the rule."""

import numpy as np

from vp_tui.core.regression.calibration import Noise
from vp_tui.core.regression.compare import compare
from vp_tui.core.regression.samples import PairedAccuracy, RunSample, Side

FACTS = {"weights_sha256": "w1", "dataset_sha256": "d1"}
PERF_FACTS = FACTS | {"device_name": "H200", "driver": "560.1"}


def run(uuid="r0", **changes):
    """A healthy run at 1000 tokens/s; a keyword replaces a field."""
    healthy = {
        "uuid": uuid,
        "label": uuid,
        "performance": {"tokens_per_s": 1000.0},
        "accuracy_key": "a1",
        "perf_key": "p1",
        "accuracy_facts": FACTS,
        "perf_facts": PERF_FACTS,
        "done": 100,
        "total": 100,
    }
    return RunSample(**healthy | changes)


def side(prefix, tokens_per_s=(1000.0,), *, metrics=None, **changes):
    """One run per value of tokens/s; `metrics` holds more metrics, one value per run each."""
    metrics = {"tokens_per_s": tokens_per_s} | (metrics or {})
    count = max(len(values) for values in metrics.values())
    return Side(
        runs=tuple(
            run(f"{prefix}{i:02d}", performance={name: values[i] for name, values in metrics.items()}, **changes)
            for i in range(count)
        )
    )


def pairs(base, cand, strata="short", *, base_bad=None, cand_bad=None, l2=None, length=None):
    """Paired cosines; a NaN cosine is a non-finite sequence unless said otherwise.

    Relative L2 is that of the cosine, and lengths are equal, where `l2` and `length` (both sides) do not say otherwise.
    """
    base_S, cand_S = np.asarray(base, np.float64), np.asarray(cand, np.float64)
    l2 = l2 or tuple(np.sqrt(2 * np.maximum(1 - cosine_S, 0)) for cosine_S in (base_S, cand_S))
    length = length or tuple(np.where(np.isnan(cosine_S), np.nan, 1.0) for cosine_S in (base_S, cand_S))
    return PairedAccuracy(
        baseline_cosine_S=base_S,
        candidate_cosine_S=cand_S,
        baseline_relative_l2_S=l2[0],
        candidate_relative_l2_S=l2[1],
        baseline_norm_ratio_S=length[0],
        candidate_norm_ratio_S=length[1],
        baseline_nonfinite_S=np.isnan(base_S) if base_bad is None else np.asarray(base_bad),
        candidate_nonfinite_S=np.isnan(cand_S) if cand_bad is None else np.asarray(cand_bad),
        stratum_S=np.broadcast_to(np.asarray(strata), base_S.shape).astype("<U6"),
    )


def errors(n, *, scale=1e-5, seed=0):
    """Cosines of n sequences whose 1 - cosine lies around `scale`."""
    return 1.0 - scale * np.random.default_rng(seed).lognormal(0.0, 0.5, n)


def thirds(n):
    """n stratum names, a third each."""
    return np.repeat(["short", "medium", "long"], -(-n // 3))[:n]


def noise(**sds):
    """A calibration of ten runs."""
    return {name: Noise(sd=sd, freedom=9) for name, sd in sds.items()}


CALIBRATION = noise(tokens_per_s=0.01, peak_memory_mib=0.001, gpu_utilization=0.01, load_seconds=0.02)
STEADY = (1000.0, 1002.0, 998.0, 1001.0, 999.0)
SAME = pairs(errors(90), errors(90), thirds(90))


def compared(base=None, cand=None, accuracy=SAME, **changes):
    base = base or side("b", STEADY)
    cand = cand or side("c", STEADY)
    return compare(base, cand, accuracy, **{"calibration": CALIBRATION} | changes)


def slower(factor, values=STEADY):
    return tuple(value * factor for value in values)
