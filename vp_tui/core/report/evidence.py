"""Evidence of a comparison: distributions, throughput over time, history, largest losses.

Small frozen records, down-sampled to page size, so that every format has the same numbers.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, Arm
from vp_tui.core.measures.scale import FLOOR
from vp_tui.core.store.pairs import Pairs
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

SideName = Literal["baseline", "candidate"]
SIDES: Final[tuple[SideName, ...]] = ("baseline", "candidate")

TOP: Final = 0.4
"""Above log10(2), the largest distance there is."""
BIN: Final = 0.1
EDGES: Final = tuple(round(FLOOR + BIN * place, 1) for place in range(round((TOP - FLOOR) / BIN) + 1))
MAX_POINTS: Final = 240
"""Points of a line."""
MAX_HISTORY: Final = 60
WORST: Final = 20

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Histogram of log10(1 - cosine) of one stratum."""

    side: SideName
    stratum: str
    n: int
    missing: int
    """Sequences without a cosine (NaN or Inf); in no bin."""
    counts: tuple[int, ...]
    """Sequences between EDGES[i] and EDGES[i + 1]; outliers are in the first or last bin."""
    median: float | None
    """Of log10(1 - cosine)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries:
    side: SideName
    name: str
    """The arm (tokens/s), or utilization."""
    points: tuple[Point, ...]
    """(seconds since the run's first sample, value)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run comparable with those of the comparison."""

    id: int
    uuid: str
    name: str | None
    created_at_us: int
    verdict: str | None
    tokens_per_s: float | None
    speedup: float | None
    cosine_min: float | None
    num_nonfinite: int
    """Above 0 where a sequence has NaN or Inf; there is no lowest cosine then."""
    role: SideName | None
    baselines: tuple[str, ...]
    """Names of the active baselines it is pinned as."""
    same_clock: bool
    """True: it has the candidate's performance key, so that its tokens/s can be compared too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstPair:
    """A sequence of both runs, and its loss."""

    sequence_id: str
    stratum: str
    num_tokens: int
    base_cosine: float | None
    cand_cosine: float | None
    loss: float | None
    """Cosine of the baseline minus cosine of the candidate; None where the candidate has none."""


def distributions(cosines: Mapping[SideName, tuple[Sequence[str], np.ndarray]]) -> tuple[Distribution, ...]:
    """Return histograms on fixed bins per stratum and side, from strata and cosines [S] of each side.

    A NaN cosine is missing.
    """
    found = (
        _distribution(side, stratum, cosine_S[np.array(strata, dtype="<U6") == stratum])
        for stratum in STRATA
        for side, (strata, cosine_S) in cosines.items()
    )
    return tuple(one for one in found if one.n)


def _distribution(side: SideName, stratum: str, cosine_S: np.ndarray) -> Distribution:
    known_S = cosine_S[np.isfinite(cosine_S)]
    logs_S = np.log10(np.clip(1.0 - known_S, 10.0**FLOOR, 10.0**TOP))
    # an error of exactly 1e-2 belongs above the edge at -2, however its logarithm was rounded
    place_S = np.clip(np.floor((logs_S - FLOOR) / BIN + 1e-9).astype(int), 0, len(EDGES) - 2)
    return Distribution(
        side=side,
        stratum=stratum,
        n=len(cosine_S),
        missing=len(cosine_S) - len(known_S),
        counts=tuple(np.bincount(place_S, minlength=len(EDGES) - 1).tolist()),
        median=float(np.median(logs_S)) if len(logs_S) else None,
    )


def throughput(snapshots: Mapping[SideName, RunSnapshot]) -> tuple[TimeSeries, ...]:
    """Return tokens/s of each block of both arms, without warm-up."""
    return tuple(line for side in SIDES for arm in ARMS for line in _speed(side, snapshots[side], arm))


def _speed(side: SideName, snapshot: RunSnapshot, arm: Arm) -> Iterable[TimeSeries]:
    start = _start(snapshot)
    points = [
        ((block.at_us - start) / 1e6, block.tokens / block.encode_s)
        for block in snapshot.blocks
        if block.arm == arm and not block.is_warmup and block.encode_s > 0
    ]
    if points:
        yield TimeSeries(side=side, name=arm, points=thinned(points))


def utilization(snapshots: Mapping[SideName, RunSnapshot]) -> tuple[TimeSeries, ...]:
    """Return GPU utilization in percent of runs that report it."""
    found = []
    for side in SIDES:
        start = _start(snapshots[side])
        points = [
            ((sample.at_us - start) / 1e6, sample.utilization)
            for sample in snapshots[side].gpu
            if sample.utilization is not None
        ]
        if points:
            found.append(TimeSeries(side=side, name="utilization", points=thinned(points)))
    return tuple(found)


def _start(snapshot: RunSnapshot) -> int:
    moments = [*(block.at_us for block in snapshot.blocks), *(sample.at_us for sample in snapshot.gpu)]
    return min(moments, default=0)


def thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return at most MAX_POINTS points: means of neighbours."""
    ordered = sorted(points)
    size = math.ceil(len(ordered) / MAX_POINTS) or 1
    groups = (ordered[start : start + size] for start in range(0, len(ordered), size))
    return tuple((_mean(x for x, _ in group), _mean(y for _, y in group)) for group in groups)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


def history(reader: Reader, sides: Mapping[SideName, Sequence[RunRow]]) -> tuple[PastRun, ...]:
    """Return the newest completed runs with an accuracy key of either side, oldest first, and those compared."""
    roles = {row.id: side for side in SIDES for row in sides[side]}
    compared = {row.id: row for side in SIDES for row in sides[side]}
    keys = {row.accuracy_key for row in compared.values()} - {None}
    pinned = _pinned(reader)
    others = [row for row in reader.history("status:completed") if row.accuracy_key in keys and row.id not in compared]
    kept = sorted(others, key=lambda row: (row.id not in pinned, -row.id))[:MAX_HISTORY]
    rows = sorted((*kept, *compared.values()), key=lambda row: row.id)
    metrics = reader.metrics([row.id for row in rows])
    clock = sides["candidate"][0].perf_key
    return tuple(
        PastRun(
            tokens_per_s=metrics[row.id].get(("candidate.tokens_per_s", "all")),
            role=roles.get(row.id),
            baselines=pinned.get(row.id, ()),
            same_clock=clock is not None and row.perf_key == clock,
            **{name: getattr(row, name) for name in _OF_RUN},
        )
        for row in rows
    )


_OF_RUN = ("id", "uuid", "name", "created_at_us", "verdict", "speedup", "cosine_min", "num_nonfinite")


def _pinned(reader: Reader) -> dict[int, tuple[str, ...]]:
    """Run id -> names of the active baselines it is pinned as."""
    names: dict[int, set[str]] = {}
    for baseline in reader.baselines(active=True):
        for run_id in baseline.run_ids:
            names.setdefault(run_id, set()).add(baseline.name)
    return {run_id: tuple(sorted(found)) for run_id, found in names.items()}


def worst_pairs(pairs: Pairs) -> tuple[WorstPair, ...]:
    """Return the WORST largest losses of similarity; sequences without a cosine first."""
    base_S, cand_S = pairs.a.cosine_S, pairs.b.cosine_S
    gone_S = np.isfinite(base_S) & ~np.isfinite(cand_S)
    loss_S = np.where(gone_S, np.inf, base_S - cand_S)
    lost_S = np.flatnonzero(np.nan_to_num(loss_S, nan=0.0, posinf=np.inf) > 0)
    order = sorted(lost_S.tolist(), key=lambda place: (-loss_S[place], place))[:WORST]
    return tuple(
        WorstPair(
            sequence_id=pairs.sequence_ids[place],
            stratum=pairs.strata[place],
            num_tokens=int(pairs.num_tokens_S[place]),
            base_cosine=_finite(base_S[place]),
            cand_cosine=_finite(cand_S[place]),
            loss=_finite(loss_S[place]),
        )
        for place in order
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
