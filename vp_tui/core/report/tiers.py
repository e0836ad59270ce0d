"""Number formats side by side: document, page, and one figure (accuracy left, speed right)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from xml.sax.saxutils import escape

from vp_tui.core.gates.embeddings import M1
from vp_tui.core.report.page import Page, Table, titled, toned
from vp_tui.core.runs.tiers import Tier, fastest
from vp_tui.core.text import DASH, error, gib, limit, number, percent, ratio, safe, similarity
from vp_tui.core.thresholds import Thresholds

SCHEMA_VERSION: Final = 1
_EMULATED: Final = (
    "emulated: operands rounded as that format does, matmuls in FP32: accuracy only, no speed and no verdict on it"
)
_YOUR_LABELS: Final = "your labels: those of your classifier that flip, of all; "
_LEAST_GAP: Final = 1e-7
"""Left end of the figure's scale of 1 - cosine; a smaller gap is drawn there."""
_LEFT, _BAR, _ROW = 150, 300, 26
"""Pixels: names, one panel, one tier."""
_GAP: Final = 90
_LABELS: Final = 130
"""Pixels: after a bar of the left panel, and the column of a classifier's labels."""
_TOP: Final = 64


def document(tiers: Sequence[Tier], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tiers in JSON types; `facts` are model, input, sample, device_name, torch and classifier (or None)."""
    best = fastest(tiers)
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "tiers",
        **facts,
        "fastest": None if best is None else best.name,
        "tiers": [{**asdict(one), "passes": one.passes} for one in tiers],
    }


def page(tiers: Sequence[Tier], facts: Mapping[str, Any]) -> Page:
    """Return one table, and the sentence that names the fastest tier that passes."""
    best = fastest(tiers)
    has_labels = facts["classifier"] is not None
    tones, rows = toned([(_tone(one, best), _row(one, best, has_labels=has_labels)) for one in tiers])
    numbers = (
        "worst M1", "worst M2", "neighbours", "flips", *(("your labels",) if has_labels else ()), "tokens/s",
        "speed-up", "95%", "tok/J", "memory",
    )  # fmt: skip
    head = titled("format", "verdict", *numbers, "run", numbers=numbers, spare={"95%": 3, "memory": 2, "worst M2": 1})
    note = (
        "worst M1, M2: cosine and mean-centred cosine of the worst sequence; neighbours: 10 nearest kept (S1); flips: "
        f"clear labels of random linear classifiers that flip (S10); {_YOUR_LABELS if has_labels else ''}"
        "tok/J: tokens per joule of the GPU; memory: peak "
        "in GiB while encoding, of both precisions where the run encoded its reference; *: fastest that passes; the "
        "format without a verdict is the reference"
    )
    return Page(
        title=f"vp-tui tiers: {safe(facts['model'])}",
        word="tiers",
        sentence=_sentence(best),
        tone="good" if best is not None and best.role == "real" else "open",
        lines=(
            f"{safe(facts['device_name'])}, torch {safe(facts['torch'])}",
            f"{safe(facts['model'])}, {safe(facts['input'])}, at most {facts['sample']} sequences",
            _classifier(facts["classifier"]),
        ),
        tables=(Table(title="Formats", columns=head, rows=rows, tones=tones, note=note),),
        notes=tuple(_notes(tiers)),
    )


def _sentence(best: Tier | None) -> str:
    if best is None:
        return "no format was timed"
    told = f"{best.name} is the fastest format that passes here"
    if best.role == "reference":
        return f"{told}: no lower one that passes is faster"
    return f"{told}: {ratio(best.speedup)} in tokens/s"


def _tone(one: Tier, best: Tier | None) -> Any:
    if one is best:
        return "good"
    return "" if one.role != "real" or one.passes else "bad"


def _classifier(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "no classifier (--classifier): flips are those of random ones"
    return f"classifier {safe(found['path'])}, sha256 {found['sha256'][:12]}"


def labels_of(one: Tier) -> str:
    """Return how many labels of the classifier flip, of how many."""
    return DASH if one.classifier_flips is None else f"{one.classifier_flips} of {one.classified}"


def _row(one: Tier, best: Tier | None, *, has_labels: bool) -> tuple[str, ...]:
    ends = DASH if one.interval is None else "..".join(map(ratio, one.interval))
    is_reference = one.role == "reference"
    return (
        f"{'* ' if one is best else ''}{safe(one.name)}",
        DASH if is_reference else one.verdict or "none",
        DASH if is_reference else similarity(one.cosine_min),
        DASH if is_reference else similarity(one.centred_min),
        percent(one.neighbours_kept),
        percent(one.label_flips),
        *((labels_of(one),) if has_labels else ()),
        number(one.tokens_per_s),
        ratio(one.speedup),
        ends,
        number(one.tokens_per_joule),
        f"{gib(one.peak_memory_mib)}{' both' if one.memory_has_reference and one.peak_memory_mib else ''}",
        f"#{one.run_id}",
    )


def _notes(tiers: Sequence[Tier]) -> Iterator[str]:
    yield from (f"{safe(one.name)}: {safe(one.reason)}" for one in tiers if one.reason)
    if any(one.role == "emulated" for one in tiers):
        yield _EMULATED
    if any(one.role == "real" and one.interval is None and one.speedup is not None for one in tiers):
        yield "a speed-up without an interval is over the stored reference; --fp32-compare encodes it in every run"


def figure(tiers: Sequence[Tier], facts: Mapping[str, Any]) -> str:
    """Return the SVG: 1 - worst cosine of each format with the limit, flips of a given classifier, and tokens/s."""
    shown = [one for one in tiers if one.role != "reference" or one.tokens_per_s is not None]
    best = fastest(tiers)
    classifier, labels_at = facts["classifier"], _LEFT + _BAR + _GAP
    right = labels_at + (0 if classifier is None else _LABELS)
    width, height = right + _BAR + 110, _TOP + _ROW * len(shown) + 40
    most = max((one.tokens_per_s or 0.0 for one in shown), default=0.0)
    limits = Thresholds()
    at_limit = _LEFT + _place(1 - limits.fail(M1))
    bottom = _TOP + _ROW * len(shown)
    parts = [
        _text(8, 22, f"{facts['model'].rstrip('/').rpartition('/')[2]} on {facts['device_name']}", size=15),
        _text(_LEFT, 48, "1 - worst cosine (log scale; shorter is better)"),
        _text(right, 48, "tokens/s (longer is better)"),
        *(
            part
            for place, one in enumerate(shown)
            for part in _bars(one, one is best, _TOP + place * _ROW, most, right)
        ),
        *(() if classifier is None else _labels(shown, labels_at)),
        f'<line x1="{at_limit}" x2="{at_limit}" y1="{_TOP - 6}" y2="{bottom}" stroke="var(--limit, #b42318)" '
        'stroke-dasharray="4 3"/>',
        _text(at_limit, bottom + 16, f"limit {limit(limits.fail(M1))}", anchor="middle"),
        _text(8, bottom + 34, f"* fastest that passes; emulated formats have no speed{_named(classifier)}", size=11),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
        f'aria-labelledby="tiers-title">{"".join(parts)}</svg>'
    )


def _named(classifier: Mapping[str, Any] | None) -> str:
    return "" if classifier is None else f"; labels: those of {classifier['path'].rpartition('/')[2]}"


def _labels(shown: Sequence[Tier], left: int) -> Iterator[str]:
    yield _text(left, 48, "labels that flip")
    for place, one in enumerate(shown):
        if one.role != "reference":
            yield _text(left, _TOP + place * _ROW + 15, labels_of(one))


def _bars(one: Tier, is_best: bool, top: int, most: float, right: int) -> Iterator[str]:
    """Yield name, error and, from `right` on, speed of one tier."""
    yield _text(8, top + 15, f"{'* ' if is_best else ''}{one.name}")
    colour = "var(--base, #6b7280)" if one.role == "emulated" else "var(--cand, #1d4ed8)"
    if one.role == "reference":
        yield _text(_LEFT, top + 15, "reference")
    elif one.cosine_min is None:
        yield _text(_LEFT, top + 15, "NaN, Inf or not measured")
    else:
        length = _place(1 - one.cosine_min)
        yield _bar(_LEFT, top, length, colour)
        yield _text(_LEFT + length + 6, top + 15, error(1 - one.cosine_min))
    if one.tokens_per_s is None:
        yield _text(right, top + 15, "not timed" if one.role != "emulated" else "emulated")
        return
    length = round(_BAR * one.tokens_per_s / most) if most else 0
    yield _bar(right, top, length, colour)
    yield _text(right + length + 6, top + 15, f"{number(one.tokens_per_s)} ({ratio(one.speedup)})")


def _place(gap: float) -> int:
    """Return the pixels of a gap between _LEAST_GAP and 1 on the log scale."""
    decades = -math.log10(_LEAST_GAP)
    return round(_BAR * (1 + math.log10(min(max(gap, _LEAST_GAP), 1.0)) / decades))


def _bar(left: int, top: int, length: int, colour: str) -> str:
    return f'<rect x="{left}" y="{top + 3}" width="{max(length, 1)}" height="{_ROW - 10}" fill="{colour}"/>'


def _text(x: int, y: int, words: str, *, size: int = 13, anchor: str = "start") -> str:
    told = escape(safe(words))
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="var(--ink, #1f2328)">{told}</text>'
