"""Similarity per sequence and stratum so far: measures and times in, StratumStats and alerts out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA, PrecisionPlan
from vp_tui.core.engine.probe.diagnose import Diagnosis
from vp_tui.core.events import AlertRaised, BlockCompared, SequenceResult, StratumStats, now_us
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.inputs.sequences import stratum_name
from vp_tui.core.measures import pairs, speed, summary
from vp_tui.core.measures.pairs import PairMeasures
from vp_tui.core.measures.run_measures import NO_STRATUM
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.validate.prepare import Block

DIAGNOSES = 3
"""Broken sequences per stratum whose packed batch is rerun to find the module; they mostly share it."""

ALERTS_PER_KIND = 10
"""Alerts of one kind and stratum that name a sequence; one more at the end counts the rest."""


class Compared(Protocol):
    """The sequences of a run, by row."""

    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def stratum_S(self) -> np.ndarray:
        """Index into STRATA, or NO_STRATUM."""

    @property
    def tokens_S(self) -> np.ndarray:
        """Length of each sequence: tokens, or residues where tokens are not known."""

    @property
    def hash_S(self) -> np.ndarray:
        """Content hash, int64."""


class Candidate(Protocol):
    """The candidate's embeddings and what is not finite in them."""

    @property
    def plan(self) -> PrecisionPlan: ...
    @property
    def embeddings_SD(self) -> np.ndarray: ...
    @property
    def nan_S(self) -> np.ndarray: ...
    @property
    def inf_S(self) -> np.ndarray: ...
    @property
    def pack_S(self) -> np.ndarray | None:
        """Packed batch of its block; None where another program encoded."""

    def diagnose(self, row: int, /) -> Diagnosis | None:
        """Return where a broken sequence broke; None where that cannot be found out."""


class Tally:
    """Compares block by block and keeps the per-sequence measures of the whole run."""

    def __init__(self, data: Compared, limits: Thresholds) -> None:
        self._data, self._limits = data, limits
        self._done_S = np.zeros(len(data.ids), bool)
        self.cosine_S = np.full(len(data.ids), np.nan)
        self.relative_l2_S = np.full(len(data.ids), np.nan)
        self.norm_ratio_S = np.full(len(data.ids), np.nan)
        self._raised: Counter[tuple[str, str]] = Counter()
        self._diagnosed: Counter[str] = Counter()
        self.diagnoses: list[dict[str, Any]] = []
        """The module in which the first broken sequences of each stratum broke, in JSON types."""

    @property
    def done(self) -> int:
        """Return the number of sequences compared."""
        return int(self._done_S.sum())

    def has(self, block: Block) -> bool:
        """Return True if the block was compared."""
        return bool(self._done_S[block.indices_S].all())

    def compare(self, block: Block, x_SD: np.ndarray, candidate: Candidate) -> None:
        """Measure the candidate against the reference embeddings `x_SD` of all sequences, on one block."""
        rows_S = block.indices_S
        measures = pairs.pair_measures(x_SD[rows_S], candidate.embeddings_SD[rows_S])
        self.cosine_S[rows_S] = measures.cosine_S
        self.relative_l2_S[rows_S] = measures.relative_l2_S
        self.norm_ratio_S[rows_S] = measures.norm_ratio_S
        self._done_S[rows_S] = True

    def compared(self, block: Block, candidate: Candidate, strata: tuple[StratumStats, ...]) -> BlockCompared:
        """Return the event of a block that was just compared."""
        rows_S = block.indices_S
        cosine_S = self.cosine_S[rows_S]
        is_finite = not (np.isnan(cosine_S).any() or candidate.nan_S[rows_S].any() or candidate.inf_S[rows_S].any())
        return BlockCompared(
            at_us=now_us(),
            block=block.index,
            stratum=_scope(block.stratum),
            sequences=len(block.indices_S),
            cosine_min=summary.lowest(cosine_S) if is_finite else None,
            results=tuple(self._result(int(row), candidate) for row in block.indices_S),
            strata=strata,
        )

    def _result(self, row: int, candidate: Candidate) -> SequenceResult:
        return SequenceResult(
            seq_idx=row,
            sequence_id=self._data.ids[row],
            stratum=_scope(int(self._data.stratum_S[row])),
            num_tokens=int(self._data.tokens_S[row]),
            cosine=_or_none(self.cosine_S[row]),
            relative_l2=_or_none(self.relative_l2_S[row]),
            norm_ratio=_or_none(self.norm_ratio_S[row]),
            nan_count=int(candidate.nan_S[row]),
            inf_count=int(candidate.inf_S[row]),
            seq_hash=int(self._data.hash_S[row]),
        )

    def strata(self, candidate: Candidate, rates: Mapping[str, Mapping[str, float | None]]) -> tuple[StratumStats, ...]:
        """Return the statistics of short, medium, long and all; `rates` is arm -> scope -> tokens/s."""
        scopes = scopes_of(self._data.stratum_S)
        return tuple(self._stats(scope, mask_S, candidate, rates) for scope, mask_S in scopes.items())

    def _stats(
        self, scope: str, mask_S: np.ndarray, candidate: Candidate, rates: Mapping[str, Mapping[str, float | None]]
    ) -> StratumStats:
        done_S = mask_S & self._done_S
        reference, mine = rates["reference"].get(scope), rates["candidate"].get(scope)
        measures = PairMeasures(
            cosine_S=self.cosine_S[done_S],
            relative_l2_S=self.relative_l2_S[done_S],
            norm_ratio_S=self.norm_ratio_S[done_S],
        )
        compared = stats_of(scope, measures, candidate.nan_S[done_S], candidate.inf_S[done_S], self._limits.fail(M1))
        return replace(
            compared,
            planned=int(mask_S.sum()),
            tokens=int(self._data.tokens_S[done_S].sum()),
            reference_tokens_per_s=reference,
            candidate_tokens_per_s=mine,
            # imitated in FP32, its speed says nothing
            speedup=None if candidate.plan.is_emulated else speed.ratio(mine, reference),
        )

    def alerts(self, block: Block, candidate: Candidate) -> Iterable[AlertRaised]:
        """Yield an alert per sequence that is not finite or not above the limit, up to ALERTS_PER_KIND."""
        for row in map(int, block.indices_S):
            problem = self._problem(row, candidate)
            if problem is None:
                continue
            kind, text = problem
            stratum = _scope(block.stratum)
            self._raised[kind, stratum] += 1
            if self._raised[kind, stratum] <= ALERTS_PER_KIND:
                name = self._data.ids[row]
                pack = None if candidate.pack_S is None else int(candidate.pack_S[row])
                place = "" if pack is None else f" (block {block.index}, packed batch {pack})"
                module, diagnosis = self._diagnose(row, kind, stratum, candidate)
                yield AlertRaised(
                    at_us=now_us(),
                    kind=kind,
                    severity="fail",
                    message=f"{stratum}: {name} {text} in {candidate.plan.name}{place}{diagnosis}",
                    stratum=stratum,
                    seq_idx=row,
                    sequence_id=name,
                    block=block.index,
                    pack=pack,
                    layer=module,
                )

    def _diagnose(self, row: int, kind: str, stratum: str, candidate: Candidate) -> tuple[str | None, str]:
        """Return the module in which a broken sequence broke, and the end of the alert's sentence."""
        if kind == "cosine" or self._diagnosed[stratum] >= DIAGNOSES:
            return None, ""
        found = candidate.diagnose(row)
        if found is None:
            return None, ""
        self._diagnosed[stratum] += 1
        self.diagnoses.append(
            {
                "seq_idx": row,
                "sequence_id": self._data.ids[row],
                "stratum": stratum,
                "pack": None if candidate.pack_S is None else int(candidate.pack_S[row]),
                "module": found.module,
                "transient": found.transient,
                "largest_input": found.largest_input,
            }
        )
        return found.module, f"; {found.text}"

    def _problem(self, row: int, candidate: Candidate) -> tuple[str, str] | None:
        nan, inf = int(candidate.nan_S[row]), int(candidate.inf_S[row])
        if nan or inf:
            return ("nan" if nan else "inf"), f"has {nan} NaN and {inf} Inf values"
        cosine = self.cosine_S[row]
        if not cosine > self._limits.fail(M1):
            worst = "no similarity" if np.isnan(cosine) else f"similarity {fmt.similarity(cosine)}"
            return "cosine", f"has {worst}, not above {self._limits.fail(M1)}"
        return None

    def unnamed(self) -> Iterable[AlertRaised]:
        """Yield one alert per kind and stratum for the sequences that no alert has named."""
        for (kind, stratum), count in sorted(self._raised.items()):
            if count > ALERTS_PER_KIND:
                more = fmt.plural(count - ALERTS_PER_KIND, "more sequence")
                yield AlertRaised(
                    at_us=now_us(),
                    kind=kind,
                    severity="fail",
                    message=f"{stratum}: {more} with the same problem ({kind})",
                    stratum=stratum,
                )


def scopes_of(stratum_S: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mask of each stratum and, last, of all."""
    masks: dict[str, np.ndarray] = {name: stratum_S == index for index, name in enumerate(STRATA)}
    return masks | {"all": np.ones(len(stratum_S), bool)}


def stats_of(
    scope: str, measures: PairMeasures, nan_S: np.ndarray, inf_S: np.ndarray, cosine_limit: float
) -> StratumStats:
    """Return the statistics of compared sequences, without tokens and rates; `nan_S` and `inf_S` count values."""
    cosine_S = measures.cosine_S
    return StratumStats(
        scope=scope,  # type: ignore[arg-type]
        planned=len(cosine_S),
        n=len(cosine_S),
        tokens=0,
        cosine_min=summary.lowest(cosine_S),
        cosine_p01=summary.percentile(cosine_S, 1),
        cosine_mean=summary.mean(cosine_S),
        below=summary.count_at_or_below(cosine_S, cosine_limit),
        nan=int((nan_S > 0).sum()),
        inf=int((inf_S > 0).sum()),
        relative_l2_p99=summary.percentile(measures.relative_l2_S, 99),
        norm_ratio_worst=summary.farthest_from_one(measures.norm_ratio_S),
        reference_tokens_per_s=None,
        candidate_tokens_per_s=None,
        speedup=None,
    )


def _scope(stratum: int) -> str:
    return "all" if stratum == NO_STRATUM else stratum_name(stratum)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
