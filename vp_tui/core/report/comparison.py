"""ComparisonReport: one comparison with its evidence, the input of every format.

    store -> inputs -> regress.compare -> ComparisonReport -> render

Building it reads the store and applies the rule; rendering does neither.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vp_tui.core.errors import ExitCode
from vp_tui.core.gates.goals import P1, P1_GPU
from vp_tui.core.regression.beside import Numbers, beside
from vp_tui.core.regression.compare import compare
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.verdicts import Comparison, Item
from vp_tui.core.report import evidence, inputs
from vp_tui.core.report.document import flattened
from vp_tui.core.report.evidence import Distribution, PastRun, SideName, TimeSeries, WorstPair
from vp_tui.core.report.inputs import Calibration
from vp_tui.core.store.pairs import Pairs
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

DEFAULT_RULE = Rule()
_NAMES = frozenset({"name", "tags"})
"""Configuration fields that are no difference between runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    id: int
    uuid: str
    label: str
    """run 12 (nightly)."""
    status: str
    verdict: str | None
    created_at_us: int
    model: str
    input: str
    precision: str
    reference: str
    device: str | None
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact of both sides, as JSON types; None where a side does not have it."""

    name: str
    base: Any
    cand: Any

    @property
    def differs(self) -> bool:
        return bool(self.base != self.cand)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport:
    """Candidate compared with baseline; sequences and time series are those of the first run of each side."""

    base: tuple[ComparedRun, ...]
    """In the order given."""
    cand: tuple[ComparedRun, ...]
    comparison: Comparison
    beside: tuple[Item, ...]
    """Numbers of the parts without a verdict."""
    accuracy_facts: tuple[Fact, ...]
    """Facts of the accuracy key."""
    perf_facts: tuple[Fact, ...]
    """Further facts of the performance key."""
    config: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    paired: int
    """Sequences of both runs."""
    only_base: int
    only_cand: int
    distributions: tuple[Distribution, ...]
    throughput: tuple[TimeSeries, ...]
    utilization: tuple[TimeSeries, ...]
    history: tuple[PastRun, ...]
    worst: tuple[WorstPair, ...]
    limits: Mapping[str, float]
    """cosine (of the rule); speedup and gpu_utilization (the goals of the candidate's run)."""
    notes: tuple[str, ...]
    """In addition to the notes of the rule."""

    @property
    def words(self) -> str:
        """Return both verdicts: accuracy EQUIVALENT, performance INCONCLUSIVE."""
        return self.comparison.words

    @property
    def items(self) -> tuple[Item, ...]:
        return self.comparison.items

    @property
    def base_ids(self) -> tuple[int, ...]:
        return tuple(run.id for run in self.base)

    @property
    def cand_ids(self) -> tuple[int, ...]:
        return tuple(run.id for run in self.cand)

    def exit_code(self, *, strict: bool = False) -> ExitCode:
        return self.comparison.exit_code(strict=strict)


def build(
    reader: Reader, base_ids: Sequence[int], cand_ids: Sequence[int], *, rule: Rule = DEFAULT_RULE
) -> ComparisonReport:
    """Read both sides and the newest calibration of this machine from the store, and compare.

    Raises:
        RunNotFoundError: no such run.
        UsageError: a side is empty, or has a duplicate, an active run, or runs that are not repeats.
    """
    base, cand = ([reader.snapshot(run_id) for run_id in ids] for ids in (base_ids, cand_ids))
    base_side = inputs.side_of(reader, base, "baseline", rule)
    cand_side = inputs.side_of(reader, cand, "candidate", rule)
    pairs = reader.paired(base[0].run.id, cand[0].run.id)
    calibration = inputs.calibration_of(reader, cand_side.perf_key, rule)
    noise = None if calibration is None else calibration.noise
    judged = compare(base_side, cand_side, inputs.paired_accuracy(pairs), rule=rule, calibration=noise)
    # a run paired with itself: all of its sequences as arrays
    whole = reader.paired(base[0].run.id, base[0].run.id), reader.paired(cand[0].run.id, cand[0].run.id)
    accuracy = facts_of(base_side.accuracy_facts, cand_side.accuracy_facts)
    known = {fact.name for fact in accuracy}
    return ComparisonReport(
        base=tuple(_compared(snapshot.run) for snapshot in base),
        cand=tuple(_compared(snapshot.run) for snapshot in cand),
        comparison=judged,
        beside=tuple(beside(judged, (base_side, cand_side), (_numbers(whole[0]), _numbers(whole[1])))),
        accuracy_facts=accuracy,
        perf_facts=tuple(f for f in facts_of(base_side.perf_facts, cand_side.perf_facts) if f.name not in known),
        config=facts_of(_asked(base[0]), _asked(cand[0])),
        environment=facts_of(base[0].environment, cand[0].environment),
        paired=len(pairs),
        only_base=pairs.only_a,
        only_cand=pairs.only_b,
        worst=evidence.worst_pairs(pairs),
        limits=_limits(cand[0], rule),
        notes=(*_mixed(base, "baseline"), *_mixed(cand, "candidate"), *_of_pairs(pairs), *_calibrated(calibration)),
        **_shown(reader, base, cand, whole),
    )


def _numbers(whole: Pairs) -> Numbers:
    return {
        "stratum_S": np.array(whole.strata, dtype="<U6"),
        "cosine_S": whole.a.cosine_S,
        "relative_l2_S": whole.a.relative_l2_S,
        "norm_ratio_S": whole.a.norm_ratio_S,
    }


def _shown(
    reader: Reader, base: Sequence[RunSnapshot], cand: Sequence[RunSnapshot], whole: tuple[Pairs, Pairs]
) -> dict[str, Any]:
    first: Mapping[SideName, RunSnapshot] = {"baseline": base[0], "candidate": cand[0]}
    sides: Mapping[SideName, Pairs] = {"baseline": whole[0], "candidate": whole[1]}
    return {
        "distributions": evidence.distributions({side: (one.strata, one.a.cosine_S) for side, one in sides.items()}),
        "throughput": evidence.throughput(first),
        "utilization": evidence.utilization(first),
        "history": evidence.history(
            reader, {"baseline": [one.run for one in base], "candidate": [one.run for one in cand]}
        ),
    }


def facts_of(base: Mapping[str, Any], cand: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return the facts of both sides by name; nested names have dots."""
    flat_base, flat_cand = dict(flattened(base)), dict(flattened(cand))
    names = sorted(flat_base.keys() | flat_cand.keys())
    return tuple(Fact(name=name, base=flat_base.get(name), cand=flat_cand.get(name)) for name in names)


def _asked(snapshot: RunSnapshot) -> dict[str, Any]:
    return {name: value for name, value in snapshot.config.items() if name not in _NAMES}


def _compared(run: RunRow) -> ComparedRun:
    values = {name: getattr(run, name) for name in ComparedRun.__dataclass_fields__ if name != "label"}
    return ComparedRun(label=inputs.label_of(run), **values)


def _limits(cand: RunSnapshot, rule: Rule) -> dict[str, float]:
    goals = cand.limits
    return {"cosine": rule.cosine_limit, "speedup": goals.fail(P1), "gpu_utilization": goals.fail(P1_GPU)}


def _mixed(snapshots: Sequence[RunSnapshot], what: str) -> Iterable[str]:
    first = _asked(snapshots[0])
    names = {fact.name for other in snapshots[1:] for fact in facts_of(first, _asked(other)) if fact.differs}
    if names:
        yield f"the {what} runs differ in {', '.join(sorted(names))}; values of the first run are shown"


def _of_pairs(pairs: Pairs) -> Iterable[str]:
    if pairs.only_a or pairs.only_b:
        yield (f"{len(pairs)} sequences are in both runs, {pairs.only_a} only in A, {pairs.only_b} only in B")


def _calibrated(found: Calibration | None) -> Iterable[str]:
    if found is not None:
        yield (
            f"noise of this machine: calibration group {found.group_id}, {found.words}; it does not cover how other "
            "days differ"
        )
