"""The end of a judged run: measures of a run as far as embeddings give them, findings and verdict."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from vp_tui.core.engine.device_arrays import measure_on
from vp_tui.core.events import Arm, ArmSummary, RunFinished, Speedup, StratumStats, now_us
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measurements import Measured, as_document, merged
from vp_tui.core.measures.file_bound import with_bounds
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.verdict import judge as verdict
from vp_tui.core.verdict.certainty import bound_of, is_proved
from vp_tui.core.workers.judged.data import JudgedArm, JudgedData
from vp_tui.core.workers.judged.sides import Sides
from vp_tui.core.workers.validate import controls
from vp_tui.core.workers.validate.inspection import PROBED
from vp_tui.core.workers.validate.plan import Setting
from vp_tui.core.workers.validate.tally import Tally

_NO_MODEL: Final = "only embeddings are known, not the inside of the model that made them"
NO_RATES: Final[dict[str, dict[str, float | None]]] = {"reference": {}, "candidate": {}}
ANOTHER: Final = "another program"
NO_SPEED: Final = f"{ANOTHER} computed the embeddings"
NO_SPEEDUP: Final = Speedup(
    tokens_per_s=None, end_to_end=None, ci95=None, verdict="NOT JUDGED", reason=f"speed: not judged ({NO_SPEED})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedOutcome:
    """Both sides of a judged run, and what follows from them."""

    setting: Setting
    sides: Sides
    data: JudgedData
    reference: JudgedArm
    candidate: JudgedArm
    tally: Tally

    def strata(self) -> tuple[StratumStats, ...]:
        """Return the statistics of short, medium, long and all."""
        return self.tally.strata(self.candidate, NO_RATES)

    def measured(self) -> Measured:
        """Return the measures of a run on both sides; those that need the model are not measured, and say so."""
        config, data, strata = self.setting.config, self.data, self.strata()
        x_SD, y_SD, limits = self.reference.embeddings_SD, self.candidate.embeddings_SD, config.thresholds
        measure = measure_on(self.setting.device)

        parts = [
            Measured(
                values={
                    "I2": {"all": {"unmatched_share": data.matching.unmatched_share}},
                    "V1": {stats.scope: {"nan": stats.nan, "inf": stats.inf} for stats in strata},
                },
                details={"not_measured": dict.fromkeys(PROBED, _NO_MODEL), "matching": data.matching.facts},
            ),
            measure(x_SD, y_SD, data.stratum_S, cosine_limit=limits.fail(M1), hash_S=data.hash_S),
            controls.run(x_SD, np.maximum(data.stratum_S, 0), limits, measure=measure),
        ]
        whole = merged(parts)
        if data.in_file:
            whole = with_bounds(whole, strata, data.in_file, data.ids)
        else:
            # without lengths nothing is sampled: the share of failures is known
            failed = strata[-1].below / strata[-1].n
            whole = merged([whole, Measured(values={"M1": {"all": {"failure_bound_file": failed}}})])
        return controls.beyond_the_run(whole, limits)

    def finished(self, measured: Measured) -> RunFinished:
        """Return the verdict with everything it is based on."""
        config, strata = self.setting.config, self.strata()
        found = verdict.findings(
            strata,
            measured,
            limits=config.thresholds,
            gates=config.gates,
            reference_precision=config.reference,
            reference_nonfinite=int((~finite_rows(self.reference.embeddings_SD)).sum()),
            names=lambda row: self.data.ids[row],
        )
        outcome = verdict.verdict(found)
        return RunFinished(
            at_us=now_us(),
            verdict=outcome,
            sentence=verdict.sentence(
                outcome,
                found,
                strata,
                candidate=config.precision,
                limits=config.thresholds,
                reference=config.reference,
                bound=bound_of(measured),
                is_proved=is_proved(measured),
            ),
            findings=found,
            strata=strata,
            arms={"reference": self._summary("reference"), "candidate": self._summary("candidate")},
            speedup=NO_SPEEDUP,
            measures=as_document(measured),
            perf_valid=False,
            perf_invalid_reason=NO_SPEED,
            exit_code=verdict.exit_code(outcome),
        )

    def _summary(self, arm: Arm) -> ArmSummary:
        is_ours = self.sides.encoded == arm
        return summary_of(
            (self.reference if arm == "reference" else self.candidate).plan.name,
            kernel="this engine" if is_ours else ANOTHER,
            reason="encoded for this comparison" if is_ours else NO_SPEED,
        )


def summary_of(precision: str, *, kernel: str, reason: str) -> ArmSummary:
    """Return the summary of a side that was not timed."""
    return ArmSummary(
        precision=precision,
        attention_kernel=kernel,
        attention_reason=reason,
        tokens_per_s=None,
        seconds=0.0,
        end_to_end_seconds=0.0,
        load_seconds=0.0,
        peak_memory_mib=None,
        cached=False,
    )
