"""Label agreement of both precisions: merge by id, labels per frame (D1, D2), consensus per chunk and contig (D3).

Scores are VirNucPro's softmax outputs, float [S, 2]: column 0 others (score1), column 1 virus (score2). A frame whose
scores are not finite has no label and never agrees.

Shape suffixes: S frames, D width, G groups.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.errors import InputError
from vp_tui.core.events import Finding, Severity
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.goals import D1, D2, D2_FLIP, D2_MAX, D3
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.causes import RANK

OTHERS, VIRUS = 0, 1
"""Columns of the scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The row of each frame in either model; only frames that both models have."""

    ids: tuple[str, ...]
    """In DNABERT-S's order, as VirNucPro merges."""
    dnabert_rows_S: np.ndarray
    esm_rows_S: np.ndarray
    only_dnabert: int
    """Frames without a protein embedding; dropped."""
    only_esm: int


def merge_rows(dnabert_ids: Sequence[str], esm_ids: Sequence[str]) -> Merge:
    """Match the rows of both models by id, whatever their orders.

    VirNucPro skips a missing embedding but keeps its id, which shifts every label behind it; here both go.

    Raises:
        InputError: an id occurs twice in one model, so that its rows are ambiguous.
    """
    place = {name: row for row, name in enumerate(esm_ids)}
    for ids, model in ((esm_ids, "ESM-2"), (dnabert_ids, "DNABERT-S")):
        name, times = Counter(ids).most_common(1)[0] if ids else ("", 0)
        if times > 1:
            raise InputError(f"{model} has {times} embeddings called {name!r}; run it again on unique ids")
    shared = [(row, place[name]) for row, name in enumerate(dnabert_ids) if name in place]
    rows_S2 = np.array(shared, dtype=np.int64).reshape(-1, 2)
    return Merge(
        ids=tuple(dnabert_ids[row] for row, _ in shared),
        dnabert_rows_S=rows_S2[:, 0],
        esm_rows_S=rows_S2[:, 1],
        only_dnabert=len(dnabert_ids) - len(shared),
        only_esm=len(esm_ids) - len(shared),
    )


def vectors(merge: Merge, dnabert_SD: np.ndarray, esm_SD: np.ndarray, rows: slice) -> np.ndarray:
    """Return the merged vectors of the frames `rows`: DNABERT-S first, ESM-2 second; float32."""
    parts = (dnabert_SD[merge.dnabert_rows_S[rows]], esm_SD[merge.esm_rows_S[rows]])
    return np.concatenate(parts, axis=1, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A frame with different labels in both arms."""

    id: str
    reference: float
    """Probability of virus."""
    candidate: float
    distance: float
    """The larger of both |p - 0.5|: the margin of the more certain arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """D1 and D2 over some frames."""

    n: int
    agreed: int
    virus_reference: int
    virus_candidate: int
    unlabelled_reference: int
    unlabelled_candidate: int
    shift_mean: float | None
    """Mean |dp| over the frames with both labels."""
    shift_max: float | None
    flips: tuple[Flip, ...]
    """Largest margin first."""


def compare_labels(ids: Sequence[str], reference_S2: np.ndarray, candidate_S2: np.ndarray) -> Labels:
    """Return label agreement and probability shift of frames; the label is virus where its score is larger."""
    finite_reference_S, finite_candidate_S = _finite(reference_S2), _finite(candidate_S2)
    both_S = finite_reference_S & finite_candidate_S
    with np.errstate(invalid="ignore"):
        virus_reference_S = finite_reference_S & (reference_S2[:, VIRUS] > reference_S2[:, OTHERS])
        virus_candidate_S = finite_candidate_S & (candidate_S2[:, VIRUS] > candidate_S2[:, OTHERS])
    agreed_S = both_S & (virus_reference_S == virus_candidate_S)
    p_S, q_S = (scores_S2[:, VIRUS].astype(np.float64) for scores_S2 in (reference_S2, candidate_S2))
    shift_S = np.abs(q_S[both_S] - p_S[both_S])
    flips = [_flip(ids[row], p_S[row], q_S[row]) for row in np.flatnonzero(both_S & ~agreed_S).tolist()]
    return Labels(
        n=len(ids),
        agreed=int(agreed_S.sum()),
        virus_reference=int(virus_reference_S.sum()),
        virus_candidate=int(virus_candidate_S.sum()),
        unlabelled_reference=int((~finite_reference_S).sum()),
        unlabelled_candidate=int((~finite_candidate_S).sum()),
        shift_mean=float(shift_S.mean()) if shift_S.size else None,
        shift_max=float(shift_S.max()) if shift_S.size else None,
        flips=tuple(sorted(flips, key=lambda flip: -flip.distance)),
    )


def _finite(scores_S2: np.ndarray) -> np.ndarray:
    finite_S: np.ndarray = np.isfinite(scores_S2).all(axis=1)
    return finite_S


def _flip(name: str, reference: float, candidate: float) -> Flip:
    distance = max(abs(reference - 0.5), abs(candidate - 0.5))
    return Flip(id=name, reference=float(reference), candidate=float(candidate), distance=float(distance))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """D3 over groups of frames; `names`, `reference` and `candidate` run in parallel."""

    names: tuple[str, ...]
    reference: tuple[bool | None, ...]
    """Virus or not; None where a frame of the group has no label."""
    candidate: tuple[bool | None, ...]

    @property
    def n(self) -> int:
        return len(self.names)

    @property
    def agreed(self) -> int:
        """Return the number of groups with the same answer in both arms; no answer never agrees."""
        return sum(a is not None and a == b for a, b in zip(self.reference, self.candidate, strict=True))

    @property
    def changed(self) -> tuple[str, ...]:
        pairs = zip(self.names, self.reference, self.candidate, strict=True)
        return tuple(name for name, a, b in pairs if a is None or a != b)


def compare_consensus(groups: Sequence[str], reference_S2: np.ndarray, candidate_S2: np.ndarray) -> Consensus:
    """Return the consensus of either arm; `groups` names the group of each frame."""
    names = tuple(dict.fromkeys(groups))
    index = {name: position for position, name in enumerate(names)}
    group_S = np.fromiter((index[name] for name in groups), np.int64, len(groups))
    return Consensus(
        names=names,
        reference=_is_virus(group_S, len(names), reference_S2),
        candidate=_is_virus(group_S, len(names), candidate_S2),
    )


def _is_virus(group_S: np.ndarray, num_groups: int, scores_S2: np.ndarray) -> tuple[bool | None, ...]:
    """Apply VirNucPro's rule: the largest score2 of the frames >= the largest score1; a tie is a virus."""
    best_G2 = np.full((num_groups, 2), -np.inf)
    # a NaN wins every maximum, so a group with one has no answer
    scores_S2 = np.where(np.isfinite(scores_S2), scores_S2, np.nan)
    np.maximum.at(best_G2, group_S, scores_S2)
    answered_G = np.isfinite(best_G2).all(axis=1)
    virus_G = np.greater_equal(best_G2[:, VIRUS], best_G2[:, OTHERS], where=answered_G, out=np.zeros(num_groups, bool))
    return tuple(bool(virus) if known else None for virus, known in zip(virus_G, answered_G, strict=True))


_NAMED: Final = 3
"""Chunks or contigs that a finding names; the JSON has all."""


def findings(labels: Labels, chunks: Consensus, contigs: Consensus, limits: Thresholds) -> tuple[Finding, ...]:
    """Return D1 to D3 against their limits, most severe first."""
    found = [
        *_labels(labels, limits),
        *_shift(labels, limits),
        *_share(D3, "chunks", chunks.agreed, chunks.n, limits, chunks.changed),
        *_share(D3, "contigs", contigs.agreed, contigs.n, limits, contigs.changed),
    ]
    return tuple(sorted(found, key=lambda finding: RANK[finding.severity]))


def _labels(labels: Labels, limits: Thresholds) -> Iterator[Finding]:
    unlabelled = max(labels.unlabelled_reference, labels.unlabelled_candidate)
    if unlabelled:
        text = f"{unlabelled} of {labels.n} frames have no label in one precision (NaN or Inf), 0 allowed"
        yield Finding(gate=D1.id, severity="fail", stratum=None, text=text, value=float(unlabelled), limit=0.0)
    yield from _share(D1, "frames", labels.agreed, labels.n, limits)


def _share(
    gate: Gate, what: str, agreed: int, n: int, limits: Thresholds, changed: Sequence[str] = ()
) -> Iterator[Finding]:
    fail, warn = limits.fail(gate), limits.warn(gate)
    if n == 0:
        yield Finding(gate=gate.id, severity="info", stratum=None, text=f"{what}: none, not judged")
    elif agreed < warn * n:
        is_failure = agreed < fail * n
        severity: Severity = "fail" if is_failure else "warn"
        limit = fail if is_failure else warn
        text = (
            f"{agreed} of {n} {what} have the same label in both precisions, at least {fmt.tolerance(limit)} expected"
        )
        if changed:
            more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
            text += f"; changed: {', '.join(changed[:_NAMED])}{more}"
        yield Finding(gate=gate.id, severity=severity, stratum=None, text=text, value=agreed / n, limit=limit)


def _shift(labels: Labels, limits: Thresholds) -> Iterator[Finding]:
    band = limits.fail(D2_FLIP)
    clear = [flip for flip in labels.flips if flip.distance > band]
    if clear:
        far = f"more than {fmt.limit(band)} from 0.5"
        text = f"{fmt.plural(len(clear), 'clear label')} flipped: one probability is {far}, first {clear[0].id}"
        yield _shifted(D2_FLIP, "fail", text, clear[0].distance, band)
    if labels.shift_mean is not None and labels.shift_mean > limits.fail(D2):
        text = f"probabilities move by {fmt.error(labels.shift_mean)} on average, at most {fmt.limit(limits.fail(D2))}"
        yield _shifted(D2, "fail", text, labels.shift_mean, limits.fail(D2))
    if labels.shift_max is not None and labels.shift_max > limits.warn(D2_MAX):
        text = f"a probability moves by {fmt.error(labels.shift_max)}, at most {fmt.limit(limits.warn(D2_MAX))}"
        yield _shifted(D2_MAX, "warn", text, labels.shift_max, limits.warn(D2_MAX))


def _shifted(gate: Gate, severity: Severity, text: str, value: float, limit: float) -> Finding:
    return Finding(gate=gate.id, severity=severity, stratum=None, text=text, value=value, limit=limit)
