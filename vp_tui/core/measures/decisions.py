"""How good predictions are where the truth is known: accuracy, ROC-AUC, calibration, and McNemar between two sides.

Intervals are 95 %: Clopper & Pearson for shares, DeLong et al. 1988 for the area under the ROC curve.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from scipy.special import betaincinv, expit, logit, ndtri
from scipy.stats import binomtest, rankdata

BINS: Final = 10
_TAIL: Final = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """k of n with its interval."""

    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One side against the truth."""

    accuracy: Share
    sensitivity: Share
    """Share of the viruses that are called virus."""
    specificity: Share
    """Share of the others that are called others."""
    confusion: dict[str, int]
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    brier: float | None
    """Mean squared difference of probability and truth."""
    calibration_error: float | None
    """Mean |predicted - observed share of virus| over the bins, weighted by their size."""
    bins: list[dict[str, Any]]

    @property
    def document(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


def share(k: int, n: int) -> Share:
    """Return k of n with the exact interval."""
    if n == 0:
        return Share(k=0, n=0, value=None, low=None, high=None)
    low = float(betaincinv(k, n - k + 1, _TAIL)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - _TAIL)) if k < n else 1.0
    return Share(k=k, n=n, value=k / n, low=low, high=high)


def quality(virus_S: np.ndarray, p_S: np.ndarray, truth_S: np.ndarray) -> Quality:
    """Return how good labels (bool) and probabilities are; rows without a finite probability are wrong, unscored."""
    known_S = np.isfinite(p_S)
    counts = {
        "virus_as_virus": int((truth_S & virus_S & known_S).sum()),
        "others_as_virus": int((~truth_S & virus_S & known_S).sum()),
        "others_as_others": int((~truth_S & ~virus_S & known_S).sum()),
        "virus_as_others": int((truth_S & ~virus_S & known_S).sum()),
        "unlabelled": int((~known_S).sum()),
    }
    right, num = counts["virus_as_virus"] + counts["others_as_others"], len(truth_S)
    area, low, high = auc(p_S[known_S], truth_S[known_S])
    p_K, truth_K = p_S[known_S], truth_S[known_S]
    bins = _bins(p_K, truth_K)
    weighted = sum(one["n"] * abs(one["predicted"] - one["observed"]) for one in bins)
    return Quality(
        accuracy=share(right, num),
        sensitivity=share(counts["virus_as_virus"], int(truth_S.sum())),
        specificity=share(counts["others_as_others"], int((~truth_S).sum())),
        confusion=counts,
        auc=area,
        auc_low=low,
        auc_high=high,
        brier=float(((p_K - truth_K) ** 2).mean()) if len(p_K) else None,
        calibration_error=weighted / len(p_K) if len(p_K) else None,
        bins=bins,
    )


def _bins(p_K: np.ndarray, truth_K: np.ndarray) -> list[dict[str, Any]]:
    index_K = np.minimum((np.clip(p_K, 0, 1) * BINS).astype(int), BINS - 1)
    found = []
    for index in range(BINS):
        inside_K = index_K == index
        if inside_K.any():
            observed = share(int(truth_K[inside_K].sum()), int(inside_K.sum()))
            found.append(
                {
                    "n": observed.n, "predicted": float(p_K[inside_K].mean()), "observed": observed.value,
                    "low": observed.low, "high": observed.high,
                }
            )  # fmt: skip
    return found


def auc(p_K: np.ndarray, truth_K: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Return the area under the ROC curve with its interval (DeLong); None where a class is missing.

    With midranks (Sun & Xu 2014). The interval is normal on the logit scale; with one of a class, or with classes that
    do not overlap, there is none.
    """
    pos_A, neg_B = p_K[truth_K], p_K[~truth_K]
    num_a, num_b = len(pos_A), len(neg_B)
    if not num_a or not num_b:
        return None, None, None
    rank_K = rankdata(np.concatenate([pos_A, neg_B]))
    area = float((rank_K[:num_a].sum() - num_a * (num_a + 1) / 2) / (num_a * num_b))
    if min(num_a, num_b) < 2 or area in {0.0, 1.0}:
        return area, None, None
    above_A = (rank_K[:num_a] - rankdata(pos_A)) / num_b
    above_B = 1 - (rank_K[num_a:] - rankdata(neg_B)) / num_a
    error = float(np.sqrt(above_A.var(ddof=1) / num_a + above_B.var(ddof=1) / num_b))
    far = float(ndtri(1 - _TAIL)) * error / (area * (1 - area))
    return area, float(expit(logit(area) - far)), float(expit(logit(area) + far))


def mcnemar_p(first: int, second: int) -> float | None:
    """Return the two-sided p of the exact McNemar test for these two counts of discordant pairs; None without any."""
    return float(binomtest(first, first + second, 0.5).pvalue) if first + second else None
