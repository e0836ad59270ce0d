"""Inputs of the comparison rule from the store: samples of runs, paired sequences, A/A noise.

The performance of a run is that of its candidate arm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from vp_tui.core import fingerprint
from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.errors import UsageError
from vp_tui.core.events import StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.regression.calibration import Noise, noise_floor, usable
from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy, RunSample, Side, StratumCount
from vp_tui.core.store.pairs import Metrics, Pairs
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

METRIC_OF: Final[Mapping[str, tuple[str, str]]] = {
    "end_to_end_tokens_per_s": ("candidate.end_to_end_tokens_per_s", "all"),
    "tokens_per_s": ("candidate.tokens_per_s", "all"),
    **{f"tokens_per_s.{stratum}": ("candidate.tokens_per_s", stratum) for stratum in STRATA},
    "end_to_end_seconds": ("candidate.end_to_end_seconds", "all"),
    "load_seconds": ("candidate.load_seconds", "all"),
    "peak_memory_mib": ("candidate.peak_memory_mib", "all"),
    "gpu_utilization": ("gpu.utilization", "all"),
}
"""Metric of the rule -> (name, scope) of the stored metric."""
CONTROL_OF: Final[Mapping[str, tuple[str, str]]] = {
    name: (stored.replace("candidate.", "reference."), scope)
    for name, (stored, scope) in METRIC_OF.items()
    if METRICS[name].has_control
}
"""The same of the reference arm, the control."""
Facts = Mapping[str, Any]


def label_of(run: RunRow) -> str:
    """Return run 12 (nightly)."""
    return f"run {run.id} ({run.name})" if run.name else f"run {run.id}"


def side_of(reader: Reader, snapshots: Sequence[RunSnapshot], what: str, rule: Rule) -> Side:
    """Return one side of a comparison; `what` names it in errors.

    Raises:
        UsageError: no run, a duplicate, a run that is active or ended before planning, or runs that are not repeats.
    """
    facts = {snapshot.run.id: reader.key_facts(snapshot.run.id) for snapshot in snapshots}
    _require_alike([snapshot.run for snapshot in snapshots], facts, what)
    metrics = reader.metrics(list(facts))
    return Side(
        runs=tuple(
            sample_of(
                snapshot.run,
                metrics[snapshot.run.id],
                facts[snapshot.run.id],
                snapshot.strata,
                # counts of failing sequences are valid for one limit
                has_counts=snapshot.limits.fail(M1) == rule.cosine_limit,
                # times of a cached reference are those of another run
                has_reference=snapshot.arms.get("reference", {}).get("cached") is False,
            )
            for snapshot in snapshots
        )
    )


def sample_of(
    run: RunRow,
    metrics: Metrics,
    facts: tuple[Facts, Facts],
    strata: Sequence[StratumStats] = (),
    *,
    has_counts: bool = True,
    has_reference: bool,
) -> RunSample:
    """Return the sample of one run; `facts` are those of its accuracy key and of its performance key.

    Without counts the rule counts the failing sequences among the paired ones; without a reference of its own the run
    has no control.
    """
    judged = [stats for stats in strata if stats.scope in STRATA] if has_counts else []
    everything = next((stats for stats in strata if stats.scope == "all"), None)
    is_whole = run.status == "completed"
    return RunSample(
        uuid=run.uuid,
        label=label_of(run),
        performance={name: metrics.get(stored) for name, stored in METRIC_OF.items()},
        reference={name: metrics.get(stored) for name, stored in CONTROL_OF.items()} if has_reference else {},
        session=session_of(run),
        accuracy_key=run.accuracy_key,
        perf_key=run.perf_key,
        accuracy_facts=facts[0],
        perf_facts=facts[1],
        perf_valid=is_whole and run.perf_valid is not False,
        perf_reason=run.perf_invalid_reason if is_whole else f"the run is {run.status}",
        done=run.done,
        total=run.total,
        nan=everything.nan if everything is not None else 0,
        inf=everything.inf if everything is not None else 0,
        counts={stats.scope: StratumCount(n=stats.n, below=stats.below) for stats in judged},
    )


def session_of(run: RunRow) -> str:
    """Return the calendar day (UTC) on which a run started: runs of one day share the state of their machine."""
    at_us = run.started_at_us or run.created_at_us
    return datetime.fromtimestamp(at_us / 1e6, UTC).date().isoformat()


def paired_accuracy(pairs: Pairs) -> PairedAccuracy | None:
    """Return the paired errors; None where neither run has sequences (archived, or never compared)."""
    if not len(pairs) and not pairs.only_a and not pairs.only_b:
        return None
    return PairedAccuracy(
        baseline_cosine_S=pairs.a.cosine_S,
        candidate_cosine_S=pairs.b.cosine_S,
        baseline_relative_l2_S=pairs.a.relative_l2_S,
        candidate_relative_l2_S=pairs.b.relative_l2_S,
        baseline_norm_ratio_S=pairs.a.norm_ratio_S,
        candidate_norm_ratio_S=pairs.b.norm_ratio_S,
        baseline_nonfinite_S=pairs.a.nonfinite_S > 0,
        candidate_nonfinite_S=pairs.b.nonfinite_S > 0,
        stratum_S=np.array(pairs.strata, dtype="<U6"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The newest A/A noise of a performance key."""

    group_id: int
    noise: Mapping[str, Noise]
    runs: int
    sessions: tuple[str, ...]
    """Days on which it was measured: differences between other days are not in it."""

    @property
    def words(self) -> str:
        """Return what it covers."""
        days = ", ".join(self.sessions)
        return f"{fmt.plural(self.runs, 'run')} of {fmt.plural(len(self.sessions), 'session')} ({days})"


def calibration_of(reader: Reader, perf_key: str | None, rule: Rule) -> Calibration | None:
    """Return the newest calibration of a performance key, None without one."""
    group_id = None if perf_key is None else reader.newest_calibration(perf_key)
    if group_id is None:
        return None
    ids = reader.group(group_id).run_ids
    rows = [row for row in map(reader.run, ids) if row.perf_key == perf_key]
    metrics = reader.metrics([row.id for row in rows])
    # `vp-tui calibrate` encodes the reference in every run
    runs = tuple(sample_of(row, metrics[row.id], ({}, {}), has_reference=True) for row in rows)
    return Calibration(
        group_id=group_id,
        noise=noise_floor(Side(runs=runs), rule),
        runs=len(usable(runs)[0]),
        sessions=tuple(sorted({run.session for run in runs})),
    )


def _require_alike(rows: Sequence[RunRow], facts: Mapping[int, tuple[Facts, Facts]], what: str) -> None:
    if not rows:
        raise UsageError(f"the {what} needs at least one run")
    if len({row.id for row in rows}) < len(rows):
        raise UsageError(f"duplicate run in the {what}: it would count as a repeat of itself")
    for row in rows:
        if row.is_active:
            raise UsageError(
                f"run {row.id} is {row.status}: wait until it ends (`vp-tui watch {row.id}`), then compare"
            )
        if row.total == 0:
            raise UsageError(f"run {row.id} is {row.status} and ended before planning: nothing to compare")
    first = rows[0]
    for row in rows[1:]:
        if (row.accuracy_key, row.perf_key) != (first.accuracy_key, first.perf_key):
            differing = fingerprint.in_words(fingerprint.differences(facts[first.id][1], facts[row.id][1]))
            raise UsageError(
                f"runs {first.id} and {row.id} are not repeats of one configuration and cannot be one {what}: "
                f"{differing or 'their facts are not known'}"
            )
