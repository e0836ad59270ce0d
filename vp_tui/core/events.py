"""Frozen records that a run emits, in this order.

    (PhaseChanged | Progress | AlertRaised)*  RunPlanned
    (PhaseChanged | BlockEncoded | BlockCompared | Progress | AlertRaised | GpuSample)*  RunFinished | RunStopped

A worker emits events, the store turns them into rows, screens show the rows.
Missing numbers are None with a count, never NaN. Times are microseconds since the epoch,
UTC (`at_us`); durations are seconds.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Arm = Literal["reference", "candidate"]
Severity = Literal["info", "warn", "fail"]
Verdict = Literal["PASS", "WARN", "FAIL", "INVALID"]
SpeedVerdict = Literal["PASS", "MISS", "NOT JUDGED"]
Scope = Literal["short", "medium", "long", "all"]

ARMS: tuple[Arm, ...] = ("reference", "candidate")


def now_us() -> int:
    """Return microseconds since the epoch, UTC, as used by every `at_us`."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumStats:
    """Measures of one stratum (or of all) so far; `n` of `planned` sequences are compared."""

    scope: Scope
    planned: int
    n: int
    tokens: int
    """Tokens of the compared sequences, BOS and EOS included."""
    cosine_min: float | None
    cosine_p01: float | None
    """1st percentile of the cosine similarity (M1)."""
    cosine_mean: float | None
    below: int
    """Sequences at or below the cosine limit, non-finite ones included."""
    nan: int
    """Sequences with a NaN in any token output of the candidate (V1)."""
    inf: int
    """Sequences with an infinity in any token output of the candidate (V1)."""
    relative_l2_p99: float | None
    """99th percentile of |y - x| / |x| (M4)."""
    norm_ratio_worst: float | None
    """|y| / |x| farthest from 1 (M5)."""
    reference_tokens_per_s: float | None
    candidate_tokens_per_s: float | None
    speedup: float | None
    """candidate tokens/s over reference tokens/s."""

    @property
    def bad(self) -> int:
        """Return the sequences at or below the limit, with NaN or with Inf; each once."""
        return max(self.below, self.nan, self.inf)

    @property
    def nonfinite(self) -> int:
        """Return the sequences with NaN or Inf, each once where one has both."""
        return max(self.nan, self.inf)

    @property
    def low(self) -> int:
        """Return the sequences at or below the limit that have a similarity."""
        return self.bad - self.nonfinite


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceResult:
    """One compared sequence."""

    seq_idx: int
    sequence_id: str
    stratum: str
    num_tokens: int
    cosine: float | None
    """None when either embedding is not finite."""
    relative_l2: float | None
    norm_ratio: float | None
    nan_count: int
    """NaN among the candidate's token outputs of this sequence."""
    inf_count: int
    seq_hash: int
    """core.fingerprint.sequence_hash of the letters: pairs the sequence with the same one of another run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChanged:
    """The run entered a phase: waiting, reading, loading, warm-up, encoding, measuring, storing."""

    at_us: int
    phase: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopped:
    """The run ended without a verdict: failed (with the error), cancelled by its user, or interrupted by a signal."""

    at_us: int
    status: Literal["failed", "cancelled", "interrupted"]
    reason: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlanned:
    """Plan of a run, known once data and checkpoint are read."""

    total: int
    planned: Mapping[str, int]
    """Sequences per stratum."""
    dataset: Mapping[str, Any]
    model: Mapping[str, Any]
    environment: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEncoded:
    """One arm has encoded one block (packed batches of one stratum)."""

    at_us: int
    block: int
    arm: Arm
    stratum: str
    sequences: int
    tokens: int
    encode_s: float
    """Device work only."""
    wall_s: float
    """With packing, copies and pooling; those of blocks encoded without a pause add up to their whole time."""
    is_warmup: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCompared:
    """Both arms have encoded the block: its sequences and the strata so far."""

    at_us: int
    block: int
    stratum: str
    sequences: int
    cosine_min: float | None
    """Lowest cosine of its sequences; None where one of them has NaN or Inf, which is worse than any number."""
    results: tuple[SequenceResult, ...]
    strata: tuple[StratumStats, ...]
    """short, medium, long, all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress of the run; `eta_s` of all its steps is None until a rate is known.

    A run without steps (of an older version, or judged) leaves the fields after `eta_s` at their defaults.
    """

    at_us: int
    done: int
    """Sequences compared, of `total`."""
    total: int
    eta_s: float | None
    step: int = 0
    """From 1."""
    steps: int = 0
    name: str = ""
    """Of the step, in plain words."""
    part_done: int = 0
    """Of `part_total` of this step; 0 of 0 where it is not counted."""
    part_total: int = 0
    fraction: float | None = None
    """Of the time of the whole run; it never falls, and only the last event of a run has 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSample:
    """One reading of the run's GPU through NVML; a field the GPU does not report is None."""

    at_us: int
    utilization: float | None
    """Percent of the sample period in which any kernel ran."""
    memory_used_mib: float | None
    memory_total_mib: float | None
    power_w: float | None
    power_limit_w: float | None
    sm_clock_mhz: float | None
    temperature_c: float | None
    throttle_reasons: int
    """NVML clocks-event-reasons bit mask."""
    sm_active: float | None = None
    """Percent of SMs with work since the previous sample; this and the next two from GPM (Hopper and newer)."""
    tensor_active: float | None = None
    """Percent of the time in which SMs used their tensor cores, in any format."""
    dram_active: float | None = None
    """Percent of the memory bandwidth that was used."""
    other_processes: int | None = None
    """Other processes with a compute context on the GPU (core.engine.gpu.nvml.others); None: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised:
    """Alert for the user; never replaced, never merged."""

    at_us: int
    kind: str
    """nan, inf, cosine, reference, input, memory, gpu, device, model, precision, store"""
    severity: Severity
    message: str
    stratum: str | None = None
    seq_idx: int | None = None
    sequence_id: str | None = None
    block: int | None = None
    pack: int | None = None
    layer: str | None = None
    """First affected module, if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: gate, severity, text, value and limit."""

    gate: str
    severity: Severity
    stratum: str | None
    text: str
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """One arm of a finished run."""

    precision: str
    attention_kernel: str
    attention_reason: str
    """Reason for this kernel and against each other one."""
    tokens_per_s: float | None
    """Over encode seconds, excluding warm-up."""
    seconds: float
    """Encode seconds, excluding warm-up."""
    end_to_end_seconds: float
    """Reading, tokenizing, packing, copies, encoding, pooling and storing, as this arm alone would take them, excluding
    model load; at least `seconds`, or the times of the run are unusable."""
    load_seconds: float
    peak_memory_mib: float | None
    cached: bool
    """True: embeddings and times come from a cached reference."""
    mfu: float | None = None
    """FLOPs of all timed blocks over their encode seconds, as a share of the GPU's nominal peak in this precision; None
    on a CPU and for a GPU or a model whose numbers are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speedup:
    """Candidate over reference; `ci95` of tokens/s is of this run only (measures.speed)."""

    tokens_per_s: float | None
    end_to_end: float | None
    ci95: tuple[float, float] | None
    verdict: SpeedVerdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """End of a completed run, whatever its verdict."""

    at_us: int
    verdict: Verdict
    sentence: str
    findings: tuple[Finding, ...]
    strata: tuple[StratumStats, ...]
    arms: Mapping[Arm, ArmSummary]
    speedup: Speedup
    exit_code: int
    measures: Mapping[str, Any] = field(default_factory=dict)
    perf_valid: bool | None = None
    """True if timing is comparable with other runs; None: unknown."""
    perf_invalid_reason: str | None = None
    clock_suspect: bool | None = None
    """Wall clock and monotonic clock disagree."""
    step_seconds: Mapping[str, float] = field(default_factory=dict)
    """Of each step, to expect as much of a later run; a mapping from workers.validate.course's names."""


Event = (
    PhaseChanged | RunPlanned | BlockEncoded | BlockCompared | Progress | GpuSample | AlertRaised
    | RunFinished | RunStopped
)  # fmt: skip
