"""Notes on changes of the error distribution: its tail can grow while the median is stable."""

import math
from collections.abc import Iterable

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy


def shape_notes(accuracy: PairedAccuracy, rule: Rule) -> Iterable[str]:
    """Return notes per stratum on log10(1 - cosine + epsilon) of sequences with both cosines."""
    for stratum in STRATA:
        pairs = accuracy.of(stratum)
        both_S = np.isfinite(pairs.baseline_cosine_S) & np.isfinite(pairs.candidate_cosine_S)
        if int(both_S.sum()) >= rule.shape_min_n:
            base_S = _log_error(pairs.baseline_cosine_S[both_S], rule)
            cand_S = _log_error(pairs.candidate_cosine_S[both_S], rule)
            yield from (f"{stratum}: {flag}" for flag in _flags(base_S, cand_S, rule))


def _log_error(cosine_S: np.ndarray, rule: Rule) -> np.ndarray:
    logarithm: np.ndarray = np.log10(np.maximum(1.0 - cosine_S, 0.0) + rule.epsilon)
    return logarithm


def _flags(base_S: np.ndarray, cand_S: np.ndarray, rule: Rule) -> Iterable[str]:
    mean, sd = float(base_S.mean()), float(base_S.std(ddof=1))
    if sd == 0.0:
        return
    shift = (float(cand_S.mean()) - mean) / sd
    # changes within three standard errors of two independent redraws are no news
    n = len(base_S)
    if abs(shift) > max(rule.shape_mean_shift, 3 * math.sqrt(2 / n)):
        yield f"mean log10(1 - cosine) shifted by {fmt.number(shift)} standard deviations"
    ratio = float(cand_S.std(ddof=1)) / sd
    if abs(ratio - 1) > max(rule.shape_sd_change, 3 / math.sqrt(n)):
        yield f"standard deviation of log10(1 - cosine) is {fmt.ratio(ratio)} A's"
    far = mean + 3 * sd
    base_out, cand_out = int((base_S > far).sum()), int((cand_S > far).sum())
    # a ratio to zero outliers counts from the second sequence on
    more = cand_out - base_out
    if cand_out > rule.shape_outlier_ratio * max(base_out, 1) and more > 3 * math.sqrt(cand_out + base_out):
        yield f"{cand_out} sequences exceed three standard deviations of A (A: {base_out})"
