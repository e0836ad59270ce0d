"""The measures after encoding: inside the models, against FP64, over all embeddings, with negative controls.

What needs a loaded model comes first; then both arms are unloaded. What could not be measured is reported with its
reason, never left out silently.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.device_arrays import measure_on
from vp_tui.core.engine.encode import Encoder, OutOfMemoryError
from vp_tui.core.engine.probe import oracle, stage
from vp_tui.core.engine.probe.noise import noise
from vp_tui.core.engine.probe.oracle_file import OracleTrace
from vp_tui.core.engine.probe.sample import Sample, stratified
from vp_tui.core.engine.probe.semantics import Semantics, in_fp32
from vp_tui.core.engine.probe.tables import stored_frequencies
from vp_tui.core.errors import ResourceError, Unavailable
from vp_tui.core.events import Event
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measurements import Measured, merged
from vp_tui.core.measures.neighbours import first_of_each
from vp_tui.core.models.loading import load
from vp_tui.core.workers.validate import controls, kept_controls
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.course import AGAIN, MEASURING, ORACLE
from vp_tui.core.workers.validate.plan import Arms, Plan, Setting

PROBED = ("T1", "V2", "V3", "V4", "R1", "R2", "R3", "R4", "R5", "R6", "R7")
"""The measures that need the model."""
_MOVE_CONTROLS: Final = ("vp_tui", "torch", "cuda", "device_name")
"""Facts of the environment that the numbers of the negative controls depend on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """The result of the inspection."""

    measured: Measured
    noise: float | None
    """R3 of the reference, to be stored with it."""


class Inspection:
    """The inspection of one run; an arm that must be unloaded early is given to `while_loaded` before."""

    def __init__(self, setting: Setting, plan: Plan) -> None:
        self._setting, self._plan = setting, plan
        data, stored = plan.data, plan.stored
        # copies say nothing new, and limits need a number of different sequences
        distinct_S = first_of_each(data.sequences.hash_S)
        chosen_P = stratified(data.stratum_S[distinct_S], data.tokens.lengths_S[distinct_S], setting.config.oracle)
        indices_P = distinct_S[chosen_P]
        self._sample = Sample(
            tokens=data.tokens,
            indices_P=indices_P,
            stratum_P=data.stratum_S[indices_P],
            pooling=plan.spec.pooling,
            budget=plan.budget.tokens,
        )
        self._candidate: stage.CandidateProbe | Unavailable = Unavailable("the candidate was not inspected")
        self._noise_P: np.ndarray | Unavailable = Unavailable("the noise of the cached reference was not measured")
        if stored.found is not None and stored.found.noise is not None:
            self._noise_P = np.array([stored.found.noise])

    @property
    def sample_tokens(self) -> int:
        """Return the tokens of the sequences that are looked into."""
        return int(self._plan.data.tokens.lengths_S[self._sample.indices_P].sum())

    def events(self, arms: Arms) -> Generator[Event, None, Inspected]:
        """Inspect what is still loaded, unload it, then do the rest."""
        reference, candidate, course = arms.reference, arms.candidate, self._setting.course
        pairs, negative_controls = self._of_embeddings(reference.embeddings_SD, candidate.embeddings_SD)
        for arm in arms.running:
            if arm.is_loaded:
                yield from self.while_loaded(arm, AGAIN)
        # FP64 takes twice the memory
        reference.unload()
        candidate.unload()
        if self._setting.config.oracle:
            yield from course.enter(ORACLE, "checking against FP64")
        parts = [(yield from self._probed(reference, candidate))]
        yield from course.enter(MEASURING, "measuring all pairs of embeddings")
        parts.append(pairs())
        yield from course.enter(MEASURING, "checking that injected errors are detected")
        parts.append(negative_controls())
        return Inspected(measured=merged(parts), noise=self._noise())

    def _noise(self) -> float | None:
        finite_P = np.empty(0) if isinstance(self._noise_P, Unavailable) else self._noise_P[np.isfinite(self._noise_P)]
        return float(finite_P.max()) if finite_P.size else None

    def _of_embeddings(self, x_SD: np.ndarray, y_SD: np.ndarray) -> list[Callable[[], Measured]]:
        """Start what needs only the embeddings of reference and candidate: measures over all pairs, and controls."""
        data, device, limits = self._plan.data, self._setting.device, self._setting.config.thresholds
        measure = measure_on(device)
        pairs = partial(
            measure,
            x_SD,
            y_SD,
            data.stratum_S,
            cosine_limit=limits.fail(M1),
            hash_S=data.hash_S,
        )
        damaged = partial(
            controls.run,
            x_SD,
            data.stratum_S,
            limits,
            measure=measure,
            tell=partial(self._setting.course.part, MEASURING),
        )
        facts = {name: self._plan.environment[name] for name in _MOVE_CONTROLS}
        cache = self._setting.place.cache
        kept = partial(kept_controls.obtain, cache, facts, x_SD, data.stratum_S, limits, damaged)
        return in_background(device, pairs, kept)

    def while_loaded(self, arm: ArmRunner, step: str) -> Iterator[Event]:
        """Inspect an arm that has encoded everything and is still loaded, as this step of the run."""
        if self._setting.config.oracle == 0:
            return
        course, indices_P, name = self._setting.course, self._sample.indices_P, arm.plan.name.upper()
        rows_PD = arm.embeddings_SD[indices_P]
        try:
            if arm.arm == "candidate":
                yield from course.enter(step, f"looking inside {name}")
                frequencies_k = stored_frequencies(self._plan.source, self._plan.spec)
                inside = arm.ask(stage.look_inside, self._sample, frequencies_k)
                yield from course.enter(step, f"measuring {name} once more")
                self._candidate = arm.ask(stage.encode_again, self._sample, rows_PD, inside)
            else:
                yield from course.enter(step, f"measuring {name} once more")
                self._noise_P = arm.ask(noise, self._plan.data.tokens, indices_P, rows_PD, self._sample.budget)
        except OutOfMemoryError as error:
            reason = Unavailable(f"the sample did not fit: {error}")
            if arm.arm == "candidate":
                self._candidate = reason
            else:
                self._noise_P = reason

    def _probed(self, reference: ArmRunner, candidate: ArmRunner) -> Generator[Event, None, Measured]:
        if self._setting.config.oracle == 0:
            return _not_measured("no sequences inspected (--no-oracle)")
        if isinstance(self._candidate, Unavailable):
            return _not_measured(self._candidate.reason)
        course, indices_P = self._setting.course, self._sample.indices_P
        exact = self._oracle(self._candidate)
        yield from course.enter(ORACLE, f"checking {candidate.plan.name.upper()}'s code in FP32")
        semantics = self._semantics(candidate.kernel)
        yield from course.enter(ORACLE, "comparing every module with FP64")
        return stage.measured(
            stage.Probed(
                sample=self._sample,
                candidate=self._candidate,
                candidate_rows_PD=candidate.embeddings_SD[indices_P],
                reference_rows_PD=reference.embeddings_SD[indices_P],
                reference_noise=self._noise_P,
                oracle=exact,
                semantics=semantics,
            )
        )

    def _semantics(self, candidate_kernel: str) -> Semantics | Unavailable:
        """Let the candidate's code encode a few sequences in FP32; both arms are unloaded."""
        setting, plan = self._setting, self._plan
        if setting.config.reference != "fp32":
            return Unavailable(f"the reference is {setting.config.reference}, not FP32")
        fp32, device = plain_plan("fp32"), setting.device

        def make() -> Encoder:
            loaded = load(plan.source, fp32, device, setting.config.attention, spare_fp32=True)
            return setting.encoders.make("candidate", loaded, fp32, device)

        try:
            return in_fp32(make, self._sample, candidate_kernel)
        except (ResourceError, torch.OutOfMemoryError) as error:
            return Unavailable(f"the candidate's code did not run in FP32: {error}")

    def _oracle(self, candidate: stage.CandidateProbe) -> OracleTrace | Unavailable:
        plan, setting = self._plan, self._setting
        question = oracle.OracleRequest(
            source=plan.source,
            spec=plan.spec,
            sample=self._sample,
            plan=candidate.plan,
            device=setting.device,
            tell=partial(setting.course.part, ORACLE),
        )
        facts = {
            "weights": plan.weights_sha256,
            "dataset": plan.data.facts["sha256"],
            "tokenizer": plan.data.facts["tokenizer"],
        }
        try:
            return oracle.obtain(question, setting.place.cache, facts)
        except ResourceError as error:
            return Unavailable(f"no FP64 oracle: {error}")


def in_background(device: torch.device, *works: Callable[[], Measured]) -> list[Callable[[], Measured]]:
    """Return a function per work that returns its result.

    While a GPU is busy, one thread does the works in order; on a CPU each is done when its result is asked for.
    """
    if device.type == "cpu":
        return [*works]
    pool = ThreadPoolExecutor(1, "inspection")
    answers: list[Callable[[], Measured]] = [pool.submit(work).result for work in works]
    pool.shutdown(wait=False)
    return answers


def _not_measured(reason: str) -> Measured:
    return Measured(details={"not_measured": dict.fromkeys(PROBED, reason)})
