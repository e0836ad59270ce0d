"""The end of a run: embeddings written, arms summed up, speed and verdict judged, all in one RunFinished."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vp_tui.core.config import RunConfig
from vp_tui.core.engine import flops
from vp_tui.core.engine.gpu import peaks
from vp_tui.core.errors import ExitCode
from vp_tui.core.events import Arm, ArmSummary, RunFinished, Speedup, StratumStats, now_us
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.measurements import Measured, as_document, joined
from vp_tui.core.measures import speed
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.store.references import EmbeddingsFile
from vp_tui.core.verdict import judge as verdict
from vp_tui.core.verdict.speed import judge_speed
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.inspection import Inspection
from vp_tui.core.workers.validate.prepare import Prepared
from vp_tui.core.workers.validate.progress import Pace
from vp_tui.core.workers.validate.stored_reference import StoredReference
from vp_tui.core.workers.validate.tally import Tally

CLOCK_JUMP_SECONDS = 2.0
"""Beyond this the wall clock was set while the run went on; durations come from the monotonic one anyway."""


@dataclass(kw_only=True)
class Outcome:
    """Everything a run has produced, and what follows from it."""

    config: RunConfig
    data: Prepared
    reference: ArmRunner
    candidate: ArmRunner
    files: Mapping[Arm, EmbeddingsFile]
    """Of the arms that ran."""
    tally: Tally
    pace: Pace
    stored: StoredReference
    on_cpu: bool
    utilization: float | None
    """Mean NVML utilization in percent while encoding."""
    peak_memory_mib: float | None
    inspection: Inspection
    spoiled: str | None
    """Why the clocks of this run are no measure of speed; None when nothing speaks against them."""
    clock_jump_s: float
    """How far the wall clock moved against the monotonic one."""
    spec: ModelSpec
    gpu_name: str | None
    """As the driver calls the GPU; None on the CPU."""

    def __post_init__(self) -> None:
        self._storing_s: dict[str, float] = {}

    def write_embeddings(self, folder: Path, run_uuid: str) -> None:
        """Finish reference.safetensors and candidate.safetensors; the seconds count as storing."""
        started = time.perf_counter()
        self.files["candidate"].finish({"precision": self.candidate.plan.name, "run_uuid": run_uuid})
        # The reference file carries the arm's summary, so its own storing time is taken to be the candidate's.
        self._storing_s = dict.fromkeys(("candidate", "reference"), time.perf_counter() - started)
        target = folder / "reference.safetensors"
        if self.stored.found is not None:
            self.stored.share_into(target)
            return
        rates = self.pace.rates()["reference"]
        noise = self.inspection.noise
        summary = self._summary(self.reference)
        self.stored.store(self.files["reference"], summary, rates, noise=noise, run_uuid=run_uuid, into=target)

    def finished(self) -> RunFinished:
        """The verdict with everything it rests on."""
        strata = self.tally.strata(self.candidate, self.pace.rates())
        measured = joined([self._live(strata), self.inspection.measured])
        found = verdict.findings(
            strata,
            measured,
            limits=self.config.thresholds,
            gates=self.config.gates,
            reference_precision=self.config.reference,
            reference_nonfinite=int((~finite_rows(self.reference.embeddings_SD)).sum()),
            names=lambda row: self.data.sequences.ids[row],
        )
        outcome = verdict.verdict(found)
        arms = self.arms()
        return RunFinished(
            at_us=now_us(),
            verdict=outcome,
            sentence=verdict.sentence(
                outcome, found, strata, candidate=self.config.precision, reference=self.config.reference
            ),
            findings=found,
            strata=strata,
            arms=arms,
            speedup=self.speedup(arms),
            measures=as_document(measured),
            perf_valid=self.spoiled is None,
            perf_invalid_reason=self.spoiled,
            clock_suspect=self.clock_jump_s > CLOCK_JUMP_SECONDS,
            exit_code=ExitCode.VALIDATION_FAILED if outcome in {"FAIL", "INVALID"} else ExitCode.GOOD,
        )

    def arms(self) -> dict[Arm, ArmSummary]:
        """Both arms; a stored reference is the one that was measured then, marked as cached."""
        if self.stored.found is not None:
            reference = ArmSummary(**{**self.stored.found.summary, "cached": True})
        else:
            reference = self._summary(self.reference)
        return {"reference": reference, "candidate": self._summary(self.candidate)}

    def _summary(self, runner: ArmRunner) -> ArmSummary:
        return ArmSummary(
            precision=runner.plan.name,
            attention_kernel=runner.kernel,
            attention_reason=runner.kernel_reason,
            tokens_per_s=self.pace.rates()[runner.arm]["all"],
            seconds=sum(runner.encode_s.values()),
            end_to_end_seconds=self.data.seconds + runner.wall_s + self._storing_s.get(runner.arm, 0.0),
            load_seconds=runner.load_s,
            peak_memory_mib=self.peak_memory_mib,
            cached=False,
            mfu=self._mfu(runner),
        )

    def _mfu(self, runner: ArmRunner) -> float | None:
        """The share of the GPU's nominal peak over all timed blocks."""
        peak = peaks.nominal(self.gpu_name, runner.plan.precision)
        timed = [block.indices_S for block in self.data.blocks if block.index in runner.encode_s]
        if peak is None or not timed:
            return None
        done = flops.total(self.spec, self.data.tokens.lengths_S[np.concatenate(timed)])
        return peaks.mfu(done, sum(runner.encode_s.values()), peak)

    def speedup(self, arms: Mapping[Arm, ArmSummary]) -> Speedup:
        """P1 from the two arms."""
        reference, candidate = arms["reference"], arms["candidate"]
        return judge_speed(
            rate_ratio=speed.ratio(candidate.tokens_per_s, reference.tokens_per_s),
            end_to_end=speed.ratio(reference.end_to_end_seconds, candidate.end_to_end_seconds),
            interval=speed.ratio_interval(*self.pace.paired_seconds()),
            utilization=self.utilization,
            limits=self.config.thresholds,
            not_judged=self._why_no_speed(),
        )

    def _why_no_speed(self) -> str | None:
        if self.on_cpu:
            return "on CPU"
        if self.config.precision == self.config.reference:
            return f"(both arms run in {self.config.reference})"
        return None

    def _live(self, strata: tuple[StratumStats, ...]) -> Measured:
        """What was counted while the run went on, and the facts of weights and GPU."""
        weights = self.candidate.weights
        return Measured(
            values={"V1": {stats.scope: {"nan": stats.nan, "inf": stats.inf} for stats in strata}},
            details={
                "diagnoses": list(self.tally.diagnoses),
                "gpu_utilization_mean": self.utilization,
                "weights": None if weights is None else weights.as_measures(),
            },
        )
