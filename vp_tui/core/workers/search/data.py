"""The sequences of a search: those of the run, with the reference embeddings that the run stored.

Half of the search set are the sequences that came off worst in the run, half are drawn evenly from the strata; what is
left is unseen, and confirms the result.

Shape suffixes: S sequences of the run, Q of the search set, D width.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.encode import ENGINE_VERSION
from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.fingerprint import differences, hash_of, in_words
from vp_tui.core.inputs import units
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import ModelSource, resolve
from vp_tui.core.inputs.spec import ModelSpec, read_spec
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.models.weight_hash import weights_sha256
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.references import read_embeddings
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.workers.validate.prepare import Prepared, prepare

SEARCH_SET: Final = 128
_SMALLEST: Final = 24
"""Of a smaller run every sequence is searched on, and nothing is left to confirm with."""
UNSEEN: Final = {"cuda": 2_000, "cpu": 256}
"""At most so many sequences confirm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchData:
    """Everything of the run that a search needs."""

    run_id: int
    run_uuid: str
    folder: Path
    """Of the run."""
    config: RunConfig
    source: ModelSource
    spec: ModelSpec
    prepared: Prepared
    reference_SD: np.ndarray
    """float32, memory-mapped."""
    cosine_S: np.ndarray
    """Similarities of the run, NaN where they are not finite."""
    search_Q: np.ndarray
    """Rows of the search set, rising."""
    unseen_Q: np.ndarray
    """Rows that confirm."""
    failed: tuple[str, ...] = ()
    """Gates by which the run failed."""

    def looked_at(self, count: int) -> np.ndarray:
        """Return rows of the search set to look into: the worst of the run, and as many of the shortest others."""
        badness_Q = badness(self.cosine_S[self.search_Q])
        falling_Q = self.search_Q[np.argsort(-badness_Q, kind="stable")]
        worst_Q, others_Q = falling_Q[: count // 2], falling_Q[count // 2 :]
        by_length = np.argsort(self.prepared.tokens.lengths_S[others_Q], kind="stable")
        return np.concatenate([worst_Q, others_Q[by_length][: count - len(worst_Q)]])

    @property
    def digest(self) -> str:
        """Return the hash of what a trial depends on: rows, weights, engine."""
        return hash_of(
            {
                "rows": self.search_Q.tolist(),
                "weights": weights_sha256(self.source.path),
                "dataset": self.prepared.facts["sha256"],
                "engine": ENGINE_VERSION,
            }
        )


def read(home: Home, run_id: int, device: torch.device) -> SearchData:
    """Read the run and its files.

    Raises:
        InputError: the run has no verdict, or its embeddings are gone or damaged.
        UsageError: sequences or checkpoint are not those of the run, or the model has no units.
    """
    with Reader(home) as reader:
        snapshot, results = reader.snapshot(run_id), reader.results(run_id)
    config = RunConfig.model_validate(snapshot.config)
    _require_searchable(snapshot, config)
    source = fetch(resolve(config.model, trust_remote_code=config.trust_remote_code))
    spec = read_spec(source.path, source.name)
    units.units_of(spec)
    budget = int(snapshot.environment["token_budget"])
    prepared = prepare(config, spec, source.path, cache=home.cache, budget_for=lambda _: (budget, "of the run"))
    _require_same(snapshot, prepared, source)
    if len(results) != len(prepared.sequences):
        raise InputError(
            f"run #{run_id} has rows of {len(results)} of {len(prepared.sequences)} sequences: it was pruned or "
            f"did not complete; run it again with `vp-tui rerun {run_id}`"
        )
    reference_SD = read_embeddings(Path(snapshot.folder) / "reference.safetensors")
    cosine_S = np.array([np.nan if result.cosine is None else result.cosine for result in results])
    search_Q, unseen_Q = divided(cosine_S, prepared.stratum_S, finite_rows(reference_SD), UNSEEN[device.type])
    return SearchData(
        run_id=run_id,
        run_uuid=snapshot.run.uuid,
        folder=Path(snapshot.folder),
        config=config,
        source=source,
        spec=spec,
        prepared=prepared,
        reference_SD=reference_SD,
        cosine_S=cosine_S,
        search_Q=search_Q,
        unseen_Q=unseen_Q,
        failed=tuple(dict.fromkeys(one.gate for one in snapshot.findings if one.severity == "fail")),
    )


def _require_searchable(snapshot: RunSnapshot, config: RunConfig) -> None:
    run = snapshot.run
    if run.verdict is None:
        raise InputError(f"run #{run.id} is {run.status} and has no verdict: search a run that has ended")
    if config.judged is not None:
        raise InputError(
            f"run #{run.id} compares embeddings that are there already, and has no operations to search: validate the "
            "model itself with `vp-tui run`"
        )


def _require_same(snapshot: RunSnapshot, prepared: Prepared, source: ModelSource) -> None:
    then: dict[str, Any] = {
        "weights": snapshot.model.get("weights_sha256"),
        "sequences": snapshot.dataset.get("sha256"),
        "tokenizer": snapshot.dataset.get("tokenizer"),
    }
    now = {
        "weights": weights_sha256(source.path),
        "sequences": prepared.facts["sha256"],
        "tokenizer": prepared.facts["tokenizer"],
    }
    differing = differences(then, now)
    if differing:
        raise UsageError(
            f"run #{snapshot.run.id} cannot be searched, because its files have changed (then against now): "
            f"{in_words(differing)}; validate again with `vp-tui rerun {snapshot.run.id}` and search that run"
        )


def divided(
    cosine_S: np.ndarray, stratum_S: np.ndarray, usable_S: np.ndarray, unseen: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the search set and those that confirm, each rising.

    `cosine_S` are the run's similarities, NaN where they are not finite; rows that are not `usable_S` have no
    reference.
    """
    rows_S = np.flatnonzero(usable_S)
    size = min(SEARCH_SET, len(rows_S) if len(rows_S) < 2 * _SMALLEST else len(rows_S) // 2)
    worst_Q = rows_S[np.argsort(-badness(cosine_S[rows_S]), kind="stable")][: size // 2]
    left_S = np.setdiff1d(rows_S, worst_Q)
    drawn_Q = _evenly(left_S, stratum_S, size - len(worst_Q))
    left_S = np.setdiff1d(left_S, drawn_Q)
    return np.sort(np.concatenate([worst_Q, drawn_Q])), _evenly(left_S, stratum_S, unseen)


def badness(cosine_Q: np.ndarray) -> np.ndarray:
    """Return a number per sequence that grows with the damage; NaN is worse than any similarity."""
    return np.where(np.isnan(cosine_Q), np.inf, -cosine_Q)


def _evenly(rows_S: np.ndarray, stratum_S: np.ndarray, count: int) -> np.ndarray:
    """Return at most `count` of the rows, from the strata in turn, drawn with a fixed seed; rising."""
    shuffled_S = np.random.default_rng(0).permutation(rows_S)
    turn_S = np.empty(len(shuffled_S), np.int64)
    for stratum in np.unique(stratum_S[shuffled_S]):
        mine_S = np.flatnonzero(stratum_S[shuffled_S] == stratum)
        turn_S[mine_S] = np.arange(len(mine_S))
    return np.sort(shuffled_S[np.argsort(turn_S, kind="stable")][:count])
