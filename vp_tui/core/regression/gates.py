"""Hard gates: requirements on the candidate alone, independent of the baseline, without statistics."""

from collections.abc import Iterable, Mapping

from vp_tui.core import text as fmt
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import KNOWN_STRATA, PairedAccuracy, RunSample, Side, StratumCount
from vp_tui.core.regression.statistics import rate_bound
from vp_tui.core.regression.verdicts import Item


def hard_gates(side: Side, accuracy: PairedAccuracy | None, rule: Rule) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Return failed gates, and for the others notes with an exact bound on the rate of failing sequences.

    Every run of the side must pass. A missing cosine fails.
    """
    items: list[Item] = []
    notes: list[str] = []
    paired = {} if accuracy is None else _paired_counts(accuracy, rule)
    for run in side.runs:
        items += _finite(run, None if accuracy is None else int(accuracy.candidate_nonfinite_S.sum()))
        items += _complete(run)
    for scope, count in _worst_counts(side, paired).items():
        if count.below > rule.max_below:
            items.append(_below(scope, count, rule))
        elif count.n:
            notes.append(_bound(scope, count, rule))
    return tuple(_once(items)), tuple(notes)


def _paired_counts(accuracy: PairedAccuracy, rule: Rule) -> dict[str, StratumCount]:
    passing_S = accuracy.candidate_cosine_S > rule.cosine_limit
    counts: dict[str, StratumCount] = {}
    for stratum in KNOWN_STRATA:
        of_S = accuracy.stratum_S == stratum
        counts[stratum] = StratumCount(n=int(of_S.sum()), below=int((of_S & ~passing_S).sum()))
    return counts


def _worst_counts(side: Side, paired: Mapping[str, StratumCount]) -> dict[str, StratumCount]:
    """Return the highest count of failing sequences per stratum, of any run or of the pairs."""
    worst: dict[str, StratumCount] = {}
    for stratum in KNOWN_STRATA:
        found = [counts[stratum] for counts in (paired, *(run.counts for run in side.runs)) if stratum in counts]
        if found:
            worst[stratum] = max(found, key=lambda count: (count.below, -count.n))
    return worst


def _finite(run: RunSample, paired_nonfinite: int | None) -> Iterable[Item]:
    bad = max(run.nan + run.inf, paired_nonfinite or 0)
    if bad:
        counted = (
            f"{fmt.plural(run.nan, 'sequence')} with NaN and {run.inf} with Inf"
            if run.nan or run.inf
            else f"{fmt.plural(bad, 'non-finite sequence')}"
        )
        yield _gate("nonfinite", "all", bad, run.done, f"{counted} of {run.done}; 0 allowed")


def _complete(run: RunSample) -> Iterable[Item]:
    if not run.complete:
        yield Item(
            name="complete",
            scope="all",
            base=None,
            cand=float(run.done),
            n_base=0,
            n_cand=run.total,
            outcome="INCOMPLETE",
            reason=f"{run.label} has {run.done} of {run.total} sequences",
        )


def _below(scope: str, count: StratumCount, rule: Rule) -> Item:
    reason = f"{scope}: {count.below} of {count.n} sequences at or below similarity {rule.cosine_limit}"
    return _gate("below_limit", scope, count.below, count.n, f"{reason}; {rule.max_below} allowed")


def _bound(scope: str, count: StratumCount, rule: Rule) -> str:
    bound = fmt.percent(rate_bound(count.below, count.n, rule.bound_alpha))
    return (
        f"{scope}: {count.below} of {count.n} sequences at or below similarity {rule.cosine_limit} "
        f"({fmt.percent(1 - rule.bound_alpha)} upper bound on the rate: {bound})"
    )


def _gate(name: str, scope: str, bad: int, n: int, reason: str) -> Item:
    return Item(name=name, scope=scope, base=None, cand=float(bad), n_base=0, n_cand=n, outcome="FAIL", reason=reason)


def _once(items: Iterable[Item]) -> list[Item]:
    """Return each failure once, most severe first: repeats of a deterministic run fail in the same way."""
    kept: dict[tuple[str, str], Item] = {}
    for item in items:
        before = kept.get((item.name, item.scope))
        if before is None or _severity(item) > _severity(before):
            kept[item.name, item.scope] = item
    return sorted(kept.values(), key=lambda item: item.outcome != "FAIL")


def _severity(item: Item) -> float:
    """Return the number of failing or missing sequences."""
    cand = item.cand or 0.0
    return item.n_cand - cand if item.outcome == "INCOMPLETE" else cand
