"""The two tables of predictions of `vp-tui judge`, matched, with truth and lengths where they are given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import InputError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.embeddings import matching
from vp_tui.core.inputs.embeddings.matching import Matching
from vp_tui.core.inputs.predictions import Predictions, known_of, read_predictions, read_truth
from vp_tui.core.inputs.spec import default_cuts


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionSides:
    """Both sides' predictions of the ids that both have."""

    ids: tuple[str, ...]
    reference_S2: np.ndarray
    candidate_S2: np.ndarray
    matching: Matching
    notes: tuple[str, ...]
    stratum_S: np.ndarray | None
    """Index into STRATA; None without sequences."""
    truth: Sequence[bool | None] | None

    @property
    def scores(self) -> dict[str, np.ndarray]:
        """Return the scores by side."""
        return {"reference": self.reference_S2, "candidate": self.candidate_S2}


def opened(config: RunConfig) -> PredictionSides:
    """Read and match both sides, the truth and the sequences.

    Raises InputError: unreadable tables, no common ids, no true label for any of them, sequences without some ids.
    """
    judged = config.judged
    assert judged is not None, "only of a judged run"
    reference, candidate = (read_predictions(Path(one), judged.columns) for one in (judged.reference, judged.candidate))
    found = matching.match(reference.ids, candidate.ids)
    ids = tuple(reference.ids[row] for row in found.reference_S)
    truth = None if judged.truth is None else known_of(ids, read_truth(Path(judged.truth)))
    if truth is not None and all(one is None for one in truth):
        raise InputError(
            f"{judged.truth} has no label for any of the {len(ids)} ids, such as {ids[0]!r}, its chunk or contig"
        )
    return PredictionSides(
        ids=ids,
        reference_S2=reference.scores_S2[found.reference_S],
        candidate_S2=candidate.scores_S2[found.candidate_S],
        matching=found,
        notes=tuple(_contradictions(reference, candidate)),
        stratum_S=_strata(config, ids) if judged.has_sequences else None,
        truth=truth,
    )


def _contradictions(*sides: Predictions) -> Iterator[str]:
    for side in sides:
        if side.contradicted:
            yield f"{side.path.name}: {side.contradicted} labels are not those of the larger score; scores were judged"


def _strata(config: RunConfig, ids: Sequence[str]) -> np.ndarray:
    data = sequences.read(config.input)
    lengths = dict(zip(data.ids, data.lengths_S.tolist(), strict=True))
    found = known_of(ids, lengths)
    lacking = [name for name, length in zip(ids, found, strict=True) if length is None]
    if lacking:
        raise InputError(
            f"the FASTA file lacks {len(lacking)} of {len(ids)} ids, the first is {lacking[0]!r}; give the file that "
            "they were predicted from, or leave -i out"
        )
    cuts = config.strata or default_cuts(sequences.alphabet_of(data))
    return sequences.strata_of(np.array(found, np.int64), cuts)
