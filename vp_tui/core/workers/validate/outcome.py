"""The end of a run: embeddings written, arms summarized, speed and verdict decided, all in one RunFinished."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vp_tui.core.engine import footprint
from vp_tui.core.engine.gpu import peaks
from vp_tui.core.events import Arm, ArmSummary, RunFinished, Speedup, StratumStats, now_us
from vp_tui.core.measurements import Measured, as_document, merged
from vp_tui.core.measures import speed
from vp_tui.core.measures.file_bound import with_bounds
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.verdict import judge as verdict
from vp_tui.core.verdict.certainty import bound_of, is_proved
from vp_tui.core.verdict.speed import judge_speed
from vp_tui.core.workers.validate import controls
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.inspection import Inspected
from vp_tui.core.workers.validate.plan import Arms, Plan, Setting
from vp_tui.core.workers.validate.tally import Tally
from vp_tui.core.workers.validate.throughput import Throughput

CLOCK_JUMP_SECONDS = 2.0
"""Beyond this the wall clock was set during the run; durations come from the monotonic one anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """GPU and memory of a run while it encoded."""

    utilization: float | None
    """Mean NVML utilization in percent."""
    peak_memory_mib: float | None
    gpu_name: str | None
    """As the driver calls the GPU; None on the CPU."""
    disturbed: str | None
    """The reason why the times cannot be compared with other runs; None when they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The records of all phases, and what follows from them."""

    setting: Setting
    plan: Plan
    arms: Arms
    tally: Tally
    throughput: Throughput
    usage: Usage
    inspected: Inspected
    clock_jump_s: float
    """Movement of the wall clock against the monotonic one."""

    @property
    def clock_suspect(self) -> bool:
        return self.clock_jump_s > CLOCK_JUMP_SECONDS

    def write_embeddings(self) -> tuple[float, str | None]:
        """Finish reference.safetensors and candidate.safetensors.

        Return the seconds that one arm's file took, and a note when the reference could not be shared.
        """
        started = time.perf_counter()
        place, files, candidate = self.setting.place, self.arms.files, self.arms.candidate
        files["candidate"].finish({"precision": candidate.plan.name, "run_uuid": place.run_uuid})
        # The reference file carries the arm's summary, so its own storing time is taken to be the candidate's.
        storing_s = time.perf_counter() - started
        target = place.folder / "reference.safetensors"
        if self.plan.stored.found is not None:
            return storing_s, self.plan.stored.share_into(target)
        rates, noise = self.throughput.rates()["reference"], self.inspected.noise
        summary = self._summary(self.arms.reference, storing_s)
        note = self.plan.stored.store(
            files["reference"], summary, rates, noise=noise, run_uuid=place.run_uuid, into=target
        )
        return storing_s, note

    def finished(self, storing_s: float) -> RunFinished:
        """Return the verdict with everything it is based on; `storing_s` from write_embeddings."""
        config = self.setting.config
        strata = self.tally.strata(self.arms.candidate, self.throughput.rates())
        measured = self._measured(strata)
        found = verdict.findings(
            strata,
            measured,
            limits=config.thresholds,
            gates=config.gates,
            reference_precision=config.reference,
            reference_nonfinite=int((~finite_rows(self.arms.reference.embeddings_SD)).sum()),
            names=lambda row: self.plan.data.sequences.ids[row],
        )
        outcome, arms = verdict.verdict(found), self.summaries(storing_s)
        disturbed = self.usage.disturbed or self.throughput.contradiction(arms)
        return RunFinished(
            at_us=now_us(),
            verdict=outcome,
            sentence=verdict.sentence(
                outcome,
                found,
                strata,
                candidate=config.candidate_plan.name,
                limits=config.thresholds,
                reference=config.reference,
                bound=bound_of(measured),
                is_proved=is_proved(measured),
                details=measured.details,
            ),
            findings=found,
            strata=strata,
            arms=arms,
            speedup=self.speedup(arms),
            measures=as_document(measured),
            perf_valid=disturbed is None,
            perf_invalid_reason=disturbed,
            clock_suspect=self.clock_suspect,
            exit_code=verdict.exit_code(outcome),
        )

    def _measured(self, strata: tuple[StratumStats, ...]) -> Measured:
        """Return all measures; negative controls count as caught only by gates that do not fire on the run itself."""
        data, limits = self.plan.data, self.setting.config.thresholds
        whole = merged([self._live(strata), self.inspected.measured])
        bounded = with_bounds(whole, strata, data.facts["strata_file"], data.sequences.ids)
        return controls.beyond_the_run(bounded, limits)

    def summaries(self, storing_s: float) -> dict[Arm, ArmSummary]:
        """Return the summary of both arms; that of a stored reference is the one stored with it, marked as cached."""
        found = self.plan.stored.found
        if found is not None:
            reference = ArmSummary(**{**found.summary, "cached": True})
        else:
            reference = self._summary(self.arms.reference, storing_s)
        return {"reference": reference, "candidate": self._summary(self.arms.candidate, storing_s)}

    def _summary(self, runner: ArmRunner, storing_s: float) -> ArmSummary:
        return ArmSummary(
            precision=runner.plan.name,
            attention_kernel=runner.kernel,
            attention_reason=runner.kernel_reason,
            tokens_per_s=self.throughput.rates()[runner.arm]["all"],
            seconds=sum(runner.encode_s.values()),
            end_to_end_seconds=self.plan.data.seconds + sum(runner.wall_s.values()) + storing_s,
            load_seconds=runner.load_s,
            peak_memory_mib=self.usage.peak_memory_mib,
            cached=False,
            mfu=self._mfu(runner),
        )

    def _mfu(self, runner: ArmRunner) -> float | None:
        """Return the share of the GPU's nominal peak over all timed blocks."""
        peak = peaks.nominal(self.usage.gpu_name, runner.plan.precision)
        timed = [block.indices_S for block in self.plan.data.blocks if block.index in runner.encode_s]
        if peak is None or not timed:
            return None
        done = footprint.total_flops(self.plan.spec, self.plan.data.tokens.lengths_S[np.concatenate(timed)])
        several = self.setting.several
        return peaks.mfu(done, sum(runner.encode_s.values()) * (1 if several is None else several.count), peak)

    def speedup(self, arms: Mapping[Arm, ArmSummary]) -> Speedup:
        """Return P1 of the two arms."""
        reference, candidate = arms["reference"], arms["candidate"]
        # the times of an imitation say nothing, so that no list may sort by them
        says = not self.setting.config.candidate_plan.is_emulated
        return judge_speed(
            rate_ratio=speed.ratio(candidate.tokens_per_s, reference.tokens_per_s) if says else None,
            end_to_end=speed.ratio(reference.end_to_end_seconds, candidate.end_to_end_seconds) if says else None,
            interval=speed.ratio_interval(*self.throughput.paired_seconds()) if says else None,
            utilization=self.usage.utilization,
            limits=self.setting.config.thresholds,
            not_judged=self._why_no_speed(arms),
        )

    def _why_no_speed(self, arms: Mapping[Arm, ArmSummary]) -> str | None:
        config = self.setting.config
        wrong = self.throughput.contradiction(arms)
        if wrong is not None:
            return f"({wrong})"
        if config.candidate_plan.is_emulated:
            return f"({config.candidate_plan.name}: imitated in FP32, for accuracy only)"
        if self.setting.device.type == "cpu":
            return "on CPU"
        if config.candidate_plan.name == config.reference:
            return f"(reference and candidate run in {config.reference})"
        return None

    def _live(self, strata: tuple[StratumStats, ...]) -> Measured:
        """Return what was counted during encoding, and the facts of weights and GPU."""
        weights = self.arms.candidate.weights
        return Measured(
            values={
                "I1": {"all": {"unknown_share": self.plan.data.facts["unknown_share"]}},
                "V1": {stats.scope: {"nan": stats.nan, "inf": stats.inf} for stats in strata},
            },
            details={
                "diagnoses": list(self.tally.diagnoses),
                "gpu_utilization_mean": self.usage.utilization,
                **(
                    {}
                    if self.setting.several is None
                    else {"devices": self.throughput.of_devices(self.setting.several)}
                ),
                "weights": None if weights is None else weights.as_measures(),
            },
        )
