"""Input of the rule: runs of one configuration per side, and their sequences paired by hash."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.regression.metrics import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumCount:
    """Compared sequences of one stratum, and those that fail the cosine limit (non-finite ones included)."""

    n: int
    below: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSample:
    """One completed run in a fresh process. Raises ValueError for an unknown metric."""

    uuid: str
    label: str
    """Name of the run in sentences."""
    performance: Mapping[str, float | None]
    """Metric name (regression.metrics) -> value; utilization in percent, times in seconds. None: not measured."""
    reference: Mapping[str, float | None] = field(default_factory=dict)
    """The same metrics of the run's own reference arm, the control; empty where it came from the cache."""
    session: str = ""
    """What a session is told apart by: day and boot of the machine. '': unknown."""
    accuracy_key: str | None
    """None: weights or data are unknown, so nothing is comparable."""
    perf_key: str | None
    accuracy_facts: Mapping[str, Any] = field(default_factory=dict)
    """Facts behind accuracy_key, JSON types only."""
    perf_facts: Mapping[str, Any] = field(default_factory=dict)
    """Facts behind perf_key."""
    perf_valid: bool = True
    perf_reason: str | None = None
    """Reason for invalid times."""
    done: int
    total: int
    nan: int = 0
    """Sequences with a NaN in the candidate arm."""
    inf: int = 0
    """Sequences with an infinity in the candidate arm."""
    counts: Mapping[str, StratumCount] = field(default_factory=dict)
    """Stratum -> counts of this run alone; empty if only paired sequences are available."""

    def __post_init__(self) -> None:
        unknown = sorted({*self.performance, *self.reference} - set(METRICS))
        if unknown:
            raise ValueError(f"run {self.label}: unknown performance metric: {', '.join(unknown)}")

    @property
    def complete(self) -> bool:
        return self.done >= self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Runs of one configuration, sorted by uuid so that their order cannot matter.

    Raises ValueError without runs, with one run twice, or with runs of different keys.
    """

    runs: tuple[RunSample, ...]

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("a side needs at least one run")
        if len({run.uuid for run in self.runs}) < len(self.runs):
            raise ValueError("a run is given twice: it would count as a repeat of itself")
        if len({(run.accuracy_key, run.perf_key) for run in self.runs}) > 1:
            raise ValueError("the runs of one side must be of one configuration (equal accuracy_key and perf_key)")
        object.__setattr__(self, "runs", tuple(sorted(self.runs, key=lambda run: run.uuid)))

    @property
    def accuracy_key(self) -> str | None:
        return self.runs[0].accuracy_key

    @property
    def perf_key(self) -> str | None:
        return self.runs[0].perf_key

    @property
    def accuracy_facts(self) -> Mapping[str, Any]:
        return self.runs[0].accuracy_facts

    @property
    def perf_facts(self) -> Mapping[str, Any]:
        return self.runs[0].perf_facts


KNOWN_STRATA: Final = (*STRATA, "all")
"""Sequences whose length is unknown, as of judged embeddings, have the stratum `all`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedAccuracy:
    """Sequences of one baseline run and one candidate run, paired by sequence hash; all arrays [S].

    Each side is compared with its own FP32 reference. Raises ValueError when the arrays differ in length or a stratum
    is none of KNOWN_STRATA.
    """

    baseline_cosine_S: np.ndarray
    """float64; NaN if missing."""
    candidate_cosine_S: np.ndarray
    baseline_relative_l2_S: np.ndarray
    """float64, |y - x| / |x|; NaN if missing. Sees what a cosine cannot: embeddings that are too long or too short."""
    candidate_relative_l2_S: np.ndarray
    baseline_norm_ratio_S: np.ndarray
    """float64, |y| / |x|; NaN if missing."""
    candidate_norm_ratio_S: np.ndarray
    baseline_nonfinite_S: np.ndarray
    """bool: a NaN or an infinity among the sequence's outputs."""
    candidate_nonfinite_S: np.ndarray
    stratum_S: np.ndarray
    """Names: short, medium, long; all."""

    def __post_init__(self) -> None:
        shapes = [getattr(self, one.name).shape for one in fields(self)]
        if len(set(shapes)) != 1 or self.stratum_S.ndim != 1:
            raise ValueError(f"paired arrays must be of one length; got {shapes}")
        known_S = np.isin(self.stratum_S, KNOWN_STRATA)
        if not known_S.all():
            raise ValueError(f"unknown stratum: {sorted(set(self.stratum_S[~known_S].tolist()))}")

    def __len__(self) -> int:
        return len(self.stratum_S)

    def of(self, stratum: str) -> "PairedAccuracy":
        """Return the pairs of one stratum."""
        return self.where(self.stratum_S == stratum)

    def where(self, keep_S: np.ndarray) -> "PairedAccuracy":
        """Return the pairs selected by a mask [S] or an order [S]."""
        return PairedAccuracy(**{one.name: getattr(self, one.name)[keep_S] for one in fields(self)})
