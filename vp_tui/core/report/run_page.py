"""Page of one run: verdict, strata, findings, measures, reference and candidate, sequences (worst first)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, SequenceResult, StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measurements import from_document
from vp_tui.core.report import headings as words
from vp_tui.core.report.document import flattened
from vp_tui.core.report.headline import headline
from vp_tui.core.report.inputs import label_of
from vp_tui.core.report.page import Page, Table, Tone, titled
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.verdict.margin import margin

MAX_SEQUENCES: Final = 1000
"""Rows of a page; CSV and JSON hold every sequence."""
_SCOPES: Final = (*STRATA, "all")
_TONES: Final[dict[str | None, Tone]] = {"PASS": "good", "WARN": "open", "FAIL": "bad", "INVALID": "bad"}
_STRATUM_NUMBERS: Final = (
    words.COMPARED, words.NAN, words.INF, words.BELOW, words.LOWEST, words.MARGIN, words.MEAN, words.TOKENS,
    words.SPEEDUP,
)  # fmt: skip
_STRATA: Final = titled(
    words.STRATUM, *_STRATUM_NUMBERS, numbers=_STRATUM_NUMBERS, most=17,
)  # fmt: skip
_MEASURES: Final = titled("measure", "value", *_SCOPES, numbers=_SCOPES, most=22)
_SEQUENCES: Final = titled(
    "row", "sequence", words.STRATUM, "tokens", words.SIMILARITY, words.MARGIN, words.DIFFERENCE, words.NORM,
    words.NAN, words.INF,
    numbers=(
        "row", "tokens", words.SIMILARITY, words.MARGIN, words.DIFFERENCE, words.NORM, words.NAN, words.INF,
    ),
    most=24,
)  # fmt: skip


def run_page(snapshot: RunSnapshot, results: Sequence[SequenceResult]) -> Page:
    """Return the page of a run of any status."""
    run, (who, proof, fast) = snapshot.run, headline(snapshot)
    return Page(
        title=fmt.safe(label_of(run)),
        word=proof.word,
        sentence=proof.text or fmt.safe(run.phase),
        tone=_TONES.get(run.verdict, "open"),
        lines=(f"{fast.word}: {fast.text}", f"{who.word}{who.gap}{who.text}", *_lines(snapshot)),
        tables=(
            Table(title="Strata", columns=_STRATA, rows=_strata(snapshot), note=_unless(snapshot)),
            _findings(snapshot),
            _measures(snapshot),
            _arms(snapshot),
            _named("Configuration", snapshot.config),
            _named("Model", snapshot.model),
            _named("Data", snapshot.dataset),
            _named("Environment", snapshot.environment),
            _sequences(results, snapshot.limits.fail(M1)),
        ),
        notes=tuple(fmt.safe(f"{alert.severity}: {alert.message}") for alert in snapshot.alerts),
    )


def _lines(snapshot: RunSnapshot) -> Iterable[str]:
    run = snapshot.run
    yield fmt.safe(f"{run.input}: {run.done} of {run.total} sequences")
    yield f"uuid {run.uuid}, {run.status}, created {fmt.date_time(run.created_at_us, utc=True)} UTC"
    yield from (fmt.safe(told) for told in _more(run) if told)


def _more(run: RunRow) -> Iterable[str | None]:
    yield run.precision_reason
    yield f"note: {run.note}" if run.note else None
    yield ", ".join(f"{key}={value}" for key, value in sorted(run.tags.items()))


def _unless(snapshot: RunSnapshot) -> str:
    return "" if snapshot.strata else "the run ended before planning"


def _strata(snapshot: RunSnapshot) -> tuple[tuple[str, ...], ...]:
    return tuple(_stratum(stats, snapshot.limits.fail(M1)) for stats in snapshot.strata)


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


def _findings(snapshot: RunSnapshot) -> Table:
    rows = tuple((one.severity, one.gate, one.stratum or "", fmt.safe(one.text)) for one in snapshot.findings)
    return Table(
        title="Findings",
        columns=titled("severity", "gate", "stratum", "what", most=64),
        rows=rows,
        tones=tuple(_SEVERITIES.get(one.severity, "") for one in snapshot.findings),
        note="" if rows else "none",
    )


_SEVERITIES: Final[dict[str, Tone]] = {"fail": "bad", "warn": "open", "info": ""}


def _measures(snapshot: RunSnapshot) -> Table:
    """One row per value of a measure, one column per scope."""
    values = from_document(snapshot.measures).values
    rows = []
    for measure, scopes in sorted(values.items()):
        names = dict.fromkeys(name for numbers in scopes.values() for name in numbers)
        for name in names:
            cells = (_written(scopes.get(scope, {}).get(name)) for scope in _SCOPES)
            rows.append((fmt.safe(measure), fmt.safe(name), *cells))
    return Table(title="Measures", columns=_MEASURES, rows=tuple(rows), note="" if rows else "none")


def _written(value: Any) -> str:
    """Up to six digits: a cosine of 0.99999 is not 1."""
    return fmt.limit(value) if isinstance(value, int | float) and not isinstance(value, bool) else fmt.DASH


def _arms(snapshot: RunSnapshot) -> Table:
    # values that neither has are left out, such as the share of peak on a CPU
    names = dict.fromkeys(name for arm in snapshot.arms.values() for name, value in arm.items() if value is not None)
    rows = tuple((name, *(fmt.fact(snapshot.arms.get(arm, {}).get(name)) for arm in ARMS)) for name in names)
    return Table(title="Reference and candidate", columns=titled("value", *ARMS, most=32), rows=rows)


def _named(title: str, found: Mapping[str, Any]) -> Table:
    rows = tuple((fmt.safe(name), fmt.fact(value)) for name, value in sorted(flattened(found)))
    return Table(title=title, columns=titled("fact", "value", most=44), rows=rows)


def _sequences(results: Sequence[SequenceResult], limit: float) -> Table:
    # no cosine is worse than any
    ordered = sorted(results, key=lambda one: (-2.0 if one.cosine is None else one.cosine, one.seq_idx))
    left_out = len(ordered) - MAX_SEQUENCES
    more = f"{MAX_SEQUENCES} worst sequences; {left_out} more in the csv and json exports" if left_out > 0 else ""
    return Table(
        title="Sequences, worst first",
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
