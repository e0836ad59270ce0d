"""Immutable records returned by Reader."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vp_tui.core.events import AlertRaised, BlockEncoded, Finding, GpuSample, StratumStats
from vp_tui.core.store.device_rows import DeviceRow
from vp_tui.core.thresholds import Thresholds

Status = Literal["queued", "starting", "running", "completed", "failed", "cancelled", "interrupted"]
ACTIVE: frozenset[str] = frozenset({"queued", "starting", "running"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    """The step that a run is at."""

    step: int
    """From 1."""
    steps: int
    name: str
    """In plain words: comparing FP16 with FP32."""
    done: int
    """Of `total` sequences of this step; 0 of 0 where they are not counted."""
    total: int
    fraction: float
    """Of the time of the whole run, in [0, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One row of the history; `status` is derived from facts, so a dead run is never `running`."""

    id: int
    uuid: str
    name: str | None
    status: Status
    status_reason: str | None
    phase: str
    """Current phase with detail: `loading esm2 in fp16`."""
    verdict: str | None
    sentence: str | None
    """The verdict in words."""
    speed_verdict: str | None
    model: str
    """As given by the user."""
    input: str
    precision: str
    precision_reason: str | None
    """Reason for running the candidate in another precision than requested."""
    reference: str
    device: str | None
    done: int
    total: int
    eta_s: float | None
    created_at_us: int
    started_at_us: int | None
    ended_at_us: int | None
    heartbeat_at_us: int | None
    pid: int | None
    speedup: float | None
    """tokens/s, candidate over reference."""
    end_to_end_speedup: float | None
    cosine_min: float | None
    """Lowest cosine; None where a sequence has NaN or Inf, or nothing is compared."""
    exit_code: int | None
    num_alerts: int
    tags: Mapping[str, str]
    note: str | None = None
    group_id: int | None = None
    """The group of repeats it belongs to."""
    repeat_idx: int | None = None
    accuracy_key: str | None = None
    """Runs with equal keys have comparable accuracy; None until weights and data are known."""
    perf_key: str | None = None
    """Runs with equal keys have comparable performance."""
    perf_valid: bool | None = None
    """False: timing was disturbed; None: unknown."""
    perf_invalid_reason: str | None = None
    clock_suspect: bool | None = None
    """True: the clock of the machine was set during the run, so its times of day give no duration."""
    archived_at_us: int | None = None
    """Time at which rows of sequences and samples were pruned; metrics stay."""

    num_bad: int = 0
    """Sequences at or below the cosine limit, with NaN or with Inf; each once."""
    num_nonfinite: int = 0
    """Above 0 where a sequence has NaN or Inf."""
    progress: StepProgress | None = None
    """Of an active run; None before its first step, and for one of an older version."""

    @property
    def is_active(self) -> bool:
        """True while the run is queued, starting or running."""
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityPoint:
    """One compared block on the similarity chart."""

    at_us: int
    stratum: str
    sequences: int
    cosine_min: float | None
    """None where a sequence of it has NaN or Inf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Read position in an append-only table (core.store.growing)."""

    complete: int = 0
    """Number of records that are final."""
    next_id: int = 0
    """Id of the next row to read."""
    stride: int = 1
    """Number of ids per record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSnapshot:
    """Everything a screen needs to show one run, read at one moment."""

    run: RunRow
    config: Mapping[str, Any]
    """RunConfig as JSON types."""
    dataset: Mapping[str, Any]
    model: Mapping[str, Any]
    environment: Mapping[str, Any]
    arms: Mapping[str, Mapping[str, Any]]
    """reference and candidate, each as an ArmSummary in JSON types; empty until the run is finished."""
    speedup: Mapping[str, Any]
    """A Speedup in JSON types; empty until the run is finished."""
    measures: Mapping[str, Any]
    findings: tuple[Finding, ...]
    strata: tuple[StratumStats, ...]
    """short, medium, long, all; empty until the plan is known."""
    blocks: tuple[BlockEncoded, ...]
    similarity: tuple[SimilarityPoint, ...]
    gpu: tuple[GpuSample, ...]
    alerts: tuple[AlertRaised, ...]
    folder: str
    """The run's folder under VP_TUI_HOME: run.log, embeddings."""
    devices: tuple[DeviceRow, ...] = ()
    """Of a run on several devices."""
    step_seconds: Mapping[str, float] = field(default_factory=dict)
    """Of each step of a finished run."""
    positions: Mapping[str, Position] = field(default_factory=dict, compare=False, repr=False)
    """For the next read, which takes this snapshot as its `since`."""

    @property
    def limits(self) -> Thresholds:
        """Return the thresholds of this run; the defaults if it recorded none."""
        return Thresholds(self.config.get("thresholds", {}))
