"""Page of one run: verdict, answers, findings, strata, measures, negative controls, sequences, facts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, SequenceResult, StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measurements import from_document
from vp_tui.core.report import headings as words
from vp_tui.core.report.answers import answers
from vp_tui.core.report.document import flattened
from vp_tui.core.report.gate_tables import (
    TONES,
    controls_table,
    findings_table,
    measures_table,
    not_measured_table,
    results_of,
)
from vp_tui.core.report.headline import headline
from vp_tui.core.report.inputs import label_of
from vp_tui.core.report.page import Page, Table, Tone, titled
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.verdict.margin import margin

MAX_SEQUENCES: Final = 1000
"""Rows of a page; CSV and JSON hold every sequence."""
_TONES: Final[dict[str | None, Tone]] = {"PASS": "good", "WARN": "open", "FAIL": "bad", "INVALID": "bad"}
_STRATUM_NUMBERS: Final = (
    words.COMPARED, words.NAN, words.INF, words.BELOW, words.LOWEST, words.MARGIN, words.MEAN, words.TOKENS,
    words.SPEEDUP,
)  # fmt: skip
_STRATA: Final = titled(words.STRATUM, *_STRATUM_NUMBERS, numbers=_STRATUM_NUMBERS, most=17)
_SEQUENCES: Final = titled(
    "row", "sequence", words.STRATUM, "tokens", words.SIMILARITY, words.MARGIN, words.DIFFERENCE, words.NORM,
    words.NAN, words.INF,
    numbers=(
        "row", "tokens", words.SIMILARITY, words.MARGIN, words.DIFFERENCE, words.NORM, words.NAN, words.INF,
    ),
    most=24,
)  # fmt: skip


def run_page(snapshot: RunSnapshot, results: Sequence[SequenceResult]) -> Page:
    """Return the page of a run of any status: answers, findings, strata, measures, controls, sequences, facts."""
    run, measured, gates = snapshot.run, from_document(snapshot.measures), results_of(snapshot)
    who, proof, _ = headline(snapshot)
    return Page(
        title=fmt.safe(label_of(run)),
        word=proof.word,
        sentence=who.text if run.verdict else proof.text or fmt.safe(run.phase),
        tone=_TONES.get(run.verdict, "open"),
        answers=answers(snapshot),
        lines=tuple(_lines(snapshot)),
        tables=(
            findings_table(snapshot),
            _strata(snapshot),
            measures_table(gates, snapshot.strata),
            controls_table(measured, gates),
            _sequences(results, snapshot.limits.fail(M1)),
            _alerts(snapshot),
            not_measured_table(measured, gates),
            _arms(snapshot),
            _named("Configuration", snapshot.config),
            _named("Model", snapshot.model),
            _named("Data", snapshot.dataset),
            _named("Environment", snapshot.environment),
        ),
        tables_above_charts=2,
    )


def _lines(snapshot: RunSnapshot) -> Iterable[str]:
    run = snapshot.run
    yield fmt.safe(f"model {run.model}, {run.precision} against {run.reference} on {run.device or 'no device'}")
    yield fmt.safe(f"sequences {run.input}: {run.done} of {run.total}")
    yield f"uuid {run.uuid}, {run.status}, created {fmt.date_time(run.created_at_us, utc=True)} UTC"
    yield from (fmt.safe(told) for told in _more(run) if told)


def _more(run: RunRow) -> Iterable[str | None]:
    yield run.precision_reason
    yield f"note: {run.note}" if run.note else None
    yield ", ".join(f"{key}={value}" for key, value in sorted(run.tags.items()))


def _strata(snapshot: RunSnapshot) -> Table:
    return Table(
        title="By length",
        columns=_STRATA,
        rows=tuple(_stratum(stats, snapshot.limits.fail(M1)) for stats in snapshot.strata),
        tones=tuple("bad" if one.bad else "" for one in snapshot.strata),
        note=_cuts(snapshot) if snapshot.strata else "the run ended before planning",
    )


def _cuts(snapshot: RunSnapshot) -> str:
    """The lengths of the strata, and what two of the columns count."""
    needed = (
        f"{words.BELOW}: sequences with a similarity of {fmt.limit(snapshot.limits.fail(M1))} or less; {words.MARGIN}: "
        "how many times nearer to 1 than that limit"
    )
    cuts = list(snapshot.dataset.get("cuts") or ())
    if len(cuts) != len(STRATA) - 1:
        return needed
    unit = "residues" if snapshot.dataset.get("alphabet") == "protein" else "bases"
    return f"short: up to {cuts[0]} {unit}; medium: up to {cuts[1]}; long: above; {needed}"


def _stratum(stats: StratumStats, limit: float) -> tuple[str, ...]:
    return (
        stats.scope,
        f"{stats.n}/{stats.planned}",
        str(stats.nan),
        str(stats.inf),
        str(stats.low),
        fmt.similarity(stats.cosine_min, nonfinite=stats.nonfinite),
        margin(stats.cosine_min, limit, nonfinite=stats.nonfinite),
        fmt.similarity(stats.cosine_mean),
        fmt.number(stats.candidate_tokens_per_s),
        fmt.ratio(stats.speedup),
    )


def _alerts(snapshot: RunSnapshot) -> Table:
    rows = tuple((alert.severity, fmt.safe(alert.message)) for alert in snapshot.alerts)
    return Table(
        title="Alerts during the run",
        columns=titled("severity", "what happened", most=88),
        rows=rows,
        tones=tuple(TONES.get(alert.severity, "") for alert in snapshot.alerts),
        note="" if rows else "none",
        is_folded=True,
    )


def _arms(snapshot: RunSnapshot) -> Table:
    # values that neither has are left out, such as the share of peak on a CPU
    names = dict.fromkeys(name for arm in snapshot.arms.values() for name, value in arm.items() if value is not None)
    rows = tuple((name, *(fmt.fact(snapshot.arms.get(arm, {}).get(name)) for arm in ARMS)) for name in names)
    columns = titled("value", *ARMS, most=32)
    return Table(title="Time, memory and kernels of both precisions", columns=columns, rows=rows, is_folded=True)


def _named(title: str, found: Mapping[str, Any]) -> Table:
    rows = tuple((fmt.safe(name), fmt.fact(value)) for name, value in sorted(flattened(found)))
    return Table(title=title, columns=titled("fact", "value", most=44), rows=rows, is_folded=True)


def _sequences(results: Sequence[SequenceResult], limit: float) -> Table:
    # no cosine is worse than any
    ordered = sorted(results, key=lambda one: (-2.0 if one.cosine is None else one.cosine, one.seq_idx))
    left_out = len(ordered) - MAX_SEQUENCES
    more = f"{MAX_SEQUENCES} worst sequences; {left_out} more in the csv and json exports" if left_out > 0 else ""
    return Table(
        title="Sequences, least similar first",
        columns=_SEQUENCES,
        rows=tuple(_sequence(one, limit) for one in ordered[:MAX_SEQUENCES]),
        note=more or ("" if ordered else "no sequences stored"),
    )


def _sequence(one: SequenceResult, limit: float) -> tuple[str, ...]:
    return (
        str(one.seq_idx),
        fmt.safe(one.sequence_id),
        one.stratum,
        str(one.num_tokens),
        fmt.similarity(one.cosine),
        margin(one.cosine, limit),
        fmt.percent(one.relative_l2),
        fmt.norm(one.norm_ratio),
        str(one.nan_count),
        str(one.inf_count),
    )
