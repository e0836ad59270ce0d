"""What the charts of the Live screen draw of a run, what the cursor tells of them, and their titles."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, SequenceResult
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.panels.gpu import span
from vp_tui.tui.panels.histogram import Cosines
from vp_tui.tui.series import FAILS, legend, look

if TYPE_CHECKING:
    from vp_tui.tui.charts import Dot, Drawn, Point

View = Literal["similarity", "histogram", "throughput", "gpu"]
FEW = 2_000
"""Most sequences that are drawn and named one by one, once the run has ended; else its blocks are."""
NAME = "sequences"


@dataclass(frozen=True, slots=True)
class Compared:
    """The compared sequences of a run, as far as charts need them."""

    cosines: Cosines
    few: tuple[SequenceResult, ...]
    """Each one; empty for more than FEW."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A run as the charts show it."""

    snapshot: RunSnapshot
    compared: Compared | None
    """None until it is read."""

    @property
    def few(self) -> tuple[SequenceResult, ...]:
        """Return the sequences to draw one by one, short ones first; empty: draw blocks."""
        run = self.snapshot.run
        # a histogram of the running run has left its first sequences here
        if run.is_active or run.done > FEW or self.compared is None:
            return ()
        order: dict[str, int] = {name: place for place, name in enumerate(STRATA)}
        return tuple(sorted(self.compared.few, key=lambda one: (order.get(one.stratum, len(order)), one.seq_idx)))


def views_of(snapshot: RunSnapshot) -> tuple[View, ...]:
    """Return the views that have something to show; a run without a GPU has no chart of it."""
    has_gpu = bool(snapshot.gpu) or (snapshot.run.is_active and snapshot.run.device != "cpu")
    return ("similarity", "histogram", "throughput", *(("gpu",) if has_gpu else ()))


# -- similarity


def dots_of(shown: Shown) -> "tuple[list[Dot], float]":
    """Return a dot per sequence or per block, and the end of the horizontal axis."""
    from vp_tui.tui.charts import Dot

    few, snapshot = shown.few, shown.snapshot
    if few:
        return [Dot(place, one.stratum, _cosine(one)) for place, one in enumerate(few)], len(few)
    ends = list(accumulate(point.sequences for point in snapshot.similarity))
    points = zip(ends, snapshot.similarity, strict=True)
    dots = [Dot(end - point.sequences / 2, point.stratum, point.cosine_min) for end, point in points]
    # the whole run, so that the dots keep their places while it goes on
    return dots, max(snapshot.run.total, ends[-1] if ends else 0)


def _cosine(one: SequenceResult) -> float | None:
    return None if one.nan_count or one.inf_count else one.cosine


def similarity(shown: Shown, width: int, height: int, cursor: int | None) -> "Drawn":
    from vp_tui.tui import charts

    dots, right = dots_of(shown)
    limit = shown.snapshot.limits.fail(M1)
    return charts.similarity(
        dots, cosine_limit=limit, right=right, name=NAME, width=width, height=height, cursor=cursor
    )


def similarity_words(shown: Shown, found: Sequence[int]) -> Content:
    """Return the worst sequence or block of a column, and how many others share it."""
    few, worst = shown.few, found[0]
    if few:
        one = few[worst]
        words, cosine, stratum = f"{fmt.safe(one.sequence_id)}, {one.stratum}", _cosine(one), one.stratum
    else:
        points = shown.snapshot.similarity
        before, point = sum(one.sequences for one in points[:worst]), points[worst]
        last = fmt.exact(before + point.sequences)
        words = f"{point.stratum}, {NAME} {fmt.exact(before + 1)} to {last}, lowest"
        cosine, stratum = point.cosine_min, point.stratum
    is_finite = cosine is not None and math.isfinite(cosine)
    fails = not is_finite or (cosine is not None and cosine <= shown.snapshot.limits.fail(M1))
    value = fmt.similarity(cosine) if is_finite else "NaN or Inf"
    others = f"  (the worst of {len(found)} here)" if len(found) > 1 else ""
    style = FAILS if fails else look(stratum).style
    return Content.assemble((f"{look(stratum).mark} ", style), f"{words}: ", (value, style), others)


# -- tokens/s


def rate_points(snapshot: RunSnapshot) -> "dict[str, list[Point]]":
    """Return (sequences encoded by that arm, tokens/s) of each timed block, by arm."""
    found: dict[str, list[Point]] = {}
    encoded = dict.fromkeys(ARMS, 0)
    for block in snapshot.blocks:
        if not block.is_warmup and block.encode_s > 0:
            encoded[block.arm] += block.sequences
            middle = encoded[block.arm] - block.sequences / 2
            found.setdefault(block.arm, []).append((middle, block.tokens / block.encode_s))
    return {arm: found[arm] for arm in ARMS if arm in found}


def throughput(shown: Shown, width: int, height: int, cursor: int | None) -> "Drawn":
    from vp_tui.tui import charts

    points = rate_points(shown.snapshot)
    right = max(shown.snapshot.run.total, max((each[-1][0] for each in points.values()), default=0))
    return charts.rates(points, right=right, name=NAME, width=width, height=height, cursor=cursor)


def throughput_words(shown: Shown, found: Sequence[int]) -> Content:
    """Return the mean tokens/s of each arm in a column."""
    parts: list[str] = []
    first, at = 0, 0.0
    names = arm_names(shown.snapshot)
    for arm, points in rate_points(shown.snapshot).items():
        mine = [points[index - first] for index in found if first <= index < first + len(points)]
        if mine:
            at = mine[-1][0]
            parts.append(f"{names[arm]} {fmt.number(fmean(y for _, y in mine))}")
        first += len(points)
    return Content(f"at sequence {fmt.exact(round(at))}: {', '.join(parts)} tokens/s")


def arm_names(snapshot: RunSnapshot) -> Mapping[str, str]:
    return {"reference": fmt.safe(snapshot.run.reference), "candidate": fmt.safe(snapshot.run.precision)}


# -- titles


def title(view: View, shown: Shown, width: int) -> Content:
    """Return meaning and legend of a view, as much as fits into `width` columns."""
    if view == "similarity":
        each = "sequence" if shown.few else "block"
        points = shown.few or shown.snapshot.similarity
        present = {one.stratum for one in points}
        series = legend([*(name for name in STRATA if name in present), *sorted(present - set(STRATA))])
        words = (f"similarity, lowest of each {each}, better is up", "similarity, better is up", "similarity")
        if shown.few:
            words = ("similarity of each sequence, better is up", *words[1:])
    elif view == "throughput":
        series = legend(arm_names(shown.snapshot))
        words = ("tokens/s of each block, better is up", "tokens/s of each block", "tokens/s")
    else:
        return Content(_histogram(shown) if view == "histogram" else _gpu(shown.snapshot))
    fitting = (Content(f"{text}{gap}") + series for text in words for gap in ("  ", " "))
    return next((one for one in fitting if one.cell_length <= width), Content(f"{words[-1]}  ") + series)


def _histogram(shown: Shown) -> str:
    limit = fmt.limit(shown.snapshot.limits.fail(M1))
    found = shown.compared
    counted = fmt.exact(sum(map(len, found.cosines.values()))) if found is not None else "all"
    return f"histogram: similarity, {counted} sequences, limit {limit}"


def _gpu(snapshot: RunSnapshot) -> str:
    return f"GPU, last {span(snapshot.gpu)}" if snapshot.gpu else "GPU over time"
