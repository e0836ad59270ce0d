"""What is looked at once both arms are through: inside the models, against FP64, over all embeddings, with controls.

`while_loaded` takes what needs a loaded arm; `measured` follows when both may be unloaded. What could not be looked at
is named with its reason, never left out silently.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.device_matmul import product_on
from vp_tui.core.engine.encode import OutOfMemoryError
from vp_tui.core.engine.probe import oracle, stage
from vp_tui.core.engine.probe.noise import noise
from vp_tui.core.engine.probe.oracle_file import OracleTrace
from vp_tui.core.engine.probe.sample import Sample, stratified
from vp_tui.core.errors import ResourceError
from vp_tui.core.events import PhaseChanged, now_us
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.measurements import Measured, joined
from vp_tui.core.measures import run_measures
from vp_tui.core.workers.validate import controls
from vp_tui.core.workers.validate.arms import ArmRunner, Budget
from vp_tui.core.workers.validate.prepare import Prepared
from vp_tui.core.workers.validate.stored_reference import StoredReference

PROBED = ("T1", "V2", "V3", "V4", "R1", "R2", "R3", "R4")
"""The measures that need the model."""


class Inspection:
    """The looking of one run; `events` and `while_loaded` do the work, `measured` holds what came of it."""

    def __init__(
        self,
        config: RunConfig,
        data: Prepared,
        *,
        source: ModelSource,
        spec: ModelSpec,
        device: torch.device,
        budget: Budget,
        cache: Path,
        stored: StoredReference,
    ) -> None:
        self._config, self._data = config, data
        self._source, self._spec, self._device, self._cache = source, spec, device, cache
        self._stored = stored
        indices_P = stratified(data.stratum_S, data.tokens.lengths_S, config.oracle)
        self._sample = Sample(
            tokens=data.tokens,
            indices_P=indices_P,
            stratum_P=data.stratum_S[indices_P],
            pooling=spec.pooling,
            budget=budget.tokens,
        )
        self._candidate: stage.CandidateProbe | str = "the candidate was not looked into"
        self._noise_P: np.ndarray | str = "the reference is stored, and its noise was not measured then"
        if stored.found is not None and stored.found.noise is not None:
            self._noise_P = np.array([stored.found.noise])
        self._pairs: Callable[[], Measured] = Measured
        self._controls: Callable[[], Measured] = Measured
        self.measured = Measured()

    @property
    def noise(self) -> float | None:
        """R3 of the reference, to be kept with it."""
        finite_P = np.empty(0) if isinstance(self._noise_P, str) else self._noise_P[np.isfinite(self._noise_P)]
        return float(finite_P.max()) if finite_P.size else None

    def begin(self, x_SD: np.ndarray, y_SD: np.ndarray) -> None:
        """Start what needs only the embeddings of both arms, reference and candidate, beside the device's work."""
        limits, product = self._config.thresholds, product_on(self._device)
        pairs = partial(
            run_measures.after_run,
            x_SD,
            y_SD,
            self._data.stratum_S,
            cosine_limit=limits.fail(M1),
            hash_S=self._data.hash_S,
            product=product,
        )
        damaged = partial(
            controls.run, x_SD, self._data.stratum_S, limits, measure=partial(run_measures.after_run, product=product)
        )
        self._pairs, self._controls = beside(self._device, pairs, damaged)

    def while_loaded(self, arm: ArmRunner) -> Iterator[PhaseChanged]:
        """Look into an arm that has encoded everything and is still loaded."""
        if self._config.oracle == 0:
            return
        indices_P = self._sample.indices_P
        yield _phase(f"{arm.arm} once more on {len(indices_P)} sequences")
        rows_PD = arm.embeddings_SD[indices_P]
        try:
            if arm.arm == "candidate":
                self._candidate = stage.probe_candidate(arm.encoder, self._sample, rows_PD)
            else:
                self._noise_P = noise(arm.encoder, self._data.tokens, indices_P, rows_PD, self._sample.budget)
        except OutOfMemoryError as error:
            reason = f"the sample did not fit: {error}"
            if arm.arm == "candidate":
                self._candidate = reason
            else:
                self._noise_P = reason

    def events(self, reference: ArmRunner, candidate: ArmRunner, weights_sha256: str) -> Iterator[PhaseChanged]:
        """Everything that needs no arm; both are unloaded first, for FP64 takes twice the room."""
        reference.unload()
        candidate.unload()
        parts = []
        if self._config.oracle:
            yield _phase(f"{len(self._sample.indices_P)} sequences in FP64")
        parts.append(self._probed(reference, candidate, weights_sha256))
        yield _phase(f"{len(self._data.sequences)} pairs of embeddings")
        parts.append(self._pairs())
        yield _phase("negative controls")
        parts.append(self._controls())
        self.measured = joined(parts)

    def _probed(self, reference: ArmRunner, candidate: ArmRunner, weights_sha256: str) -> Measured:
        if self._config.oracle == 0:
            return _not_measured("no sequence was to be looked into (--oracle 0)")
        if isinstance(self._candidate, str):
            return _not_measured(self._candidate)
        indices_P = self._sample.indices_P
        return stage.measured(
            stage.Probed(
                sample=self._sample,
                candidate=self._candidate,
                candidate_rows_PD=candidate.embeddings_SD[indices_P],
                reference_rows_PD=reference.embeddings_SD[indices_P],
                reference_noise=self._noise_P,
                oracle=self._oracle(self._candidate, weights_sha256),
            )
        )

    def _oracle(self, candidate: stage.CandidateProbe, weights_sha256: str) -> OracleTrace | str:
        question = oracle.Question(
            source=self._source, spec=self._spec, sample=self._sample, plan=candidate.plan, device=self._device
        )
        facts = {
            "weights": weights_sha256,
            "dataset": self._data.facts["sha256"],
            "tokenizer": self._data.facts["tokenizer"],
        }
        try:
            return oracle.obtain(question, self._cache, facts)
        except ResourceError as error:
            return f"no FP64 oracle: {error}"


def beside(device: torch.device, *works: Callable[[], Measured]) -> list[Callable[[], Measured]]:
    """What gives the answer of each work. One after the other they go on in a thread while a GPU has its own work; on a
    CPU, which has no hands for both, each is done when it is asked for."""
    if device.type == "cpu":
        return [*works]
    pool = ThreadPoolExecutor(1, "inspection")
    answers: list[Callable[[], Measured]] = [pool.submit(work).result for work in works]
    pool.shutdown(wait=False)
    return answers


def _phase(detail: str) -> PhaseChanged:
    return PhaseChanged(at_us=now_us(), phase="measuring", detail=detail)


def _not_measured(reason: str) -> Measured:
    return Measured(details={"not_measured": dict.fromkeys(PROBED, reason)})
