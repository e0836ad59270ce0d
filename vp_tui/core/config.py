"""Configuration of a run: RunConfig and the precision plan, both frozen.

RunConfig is the one source for validation, for the options of the command line and for the New-run form:
default, title, description and limits of a field are written here and nowhere else.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field, JsonValue, field_validator, model_validator

from vp_tui.core import formats
from vp_tui.core.formats import BUILT_IN, EMULATED, LINEARS, UnitFormat
from vp_tui.core.thresholds import Frozen, Thresholds

Precision = Literal["fp32", "tf32", "bf16", "fp16"]
PlanPrecision = Literal["fp64", UnitFormat]
"""fp64 is for the oracle alone; no arm runs in it."""
Profile = Literal["mission", "strict"]
Stratum = Literal["short", "medium", "long"]
AttentionName = Literal["auto", "flash", "varlen", "sdpa", "flex"]

RESIDENT_SHARE: Final = 0.9
"""Both arms stay loaded when weights and activations take at most this share of the free memory."""
STRATA: tuple[Stratum, ...] = ("short", "medium", "long")
PROTEIN_CUTS = (64, 128)
"""Residues: short <= 64 (150-bp reads), medium 65-128 (300 bp), long >= 129 (500 bp and whole proteins)."""
DNA_CUTS = (199, 399)
"""Bases: short <= 199 (150-bp reads, about 50 tokens), medium 200-399 (300 bp), long >= 400 (500 bp and more)."""

DISABLE_VARIABLE = "VIRNUCPRO_DISABLE_FP16"
ATTENTION_VARIABLE = "VIRNUCPRO_V1_ATTENTION"
"""Without it FP32 raises TypeError in the VirNucPro fork."""

MORE: dict[str, JsonValue] = {"form": "more"}
"""Marks a field that the form shows only on request; `{"form": False}`: never."""


PLAN_PREFIX: Final = "plan:"
"""Begins the value of --precision that names a precision plan."""
PLAN_NAME: Final = r"[A-Za-z0-9][\w.-]{0,59}"


class PrecisionPlan(Frozen):
    """The number format of an arm: one for all units of the model, and another one for those kept apart."""

    name: str
    """Shown and stored; equals `precision` for the plain plans."""

    precision: PlanPrecision
    """fp32 is IEEE FP32 (TF32 off); tf32 is FP32 storage with TF32 tensor-core products; fp64 is the oracle's."""

    kept: dict[str, UnitFormat] = Field(default_factory=dict)
    """Unit (core.inputs.units) -> its own format; units that are not named have `precision`."""

    @field_validator("kept", mode="after")
    @classmethod
    def _in_order(cls, value: dict[str, UnitFormat]) -> dict[str, UnitFormat]:
        for unit, own in value.items():
            if formats.is_of_linear_layers(own) and unit.rpartition(".")[2] not in LINEARS:
                raise ValueError(f"{unit} cannot be in {own}: only linear layers can ({', '.join(LINEARS)})")
        return dict(sorted(value.items()))

    @property
    def is_plain(self) -> bool:
        """Return True when every unit has the same format."""
        return all(own == self.precision for own in self.kept.values())

    @property
    def is_emulated(self) -> bool:
        """Return True when a unit's format is imitated in FP32: accuracy only, speed means nothing."""
        return any(map(formats.is_emulated, self.kept.values()))

    def of(self, unit: str | None) -> PlanPrecision:
        """Return the format of a unit; None stands for what belongs to no unit."""
        if unit is None:
            return self.precision
        everywhere = f"{formats.EVERY_BLOCK}{unit.rpartition('.')[2]}"
        return self.kept.get(unit, self.kept.get(everywhere, self.precision))

    def at(self, unit: str | None) -> "PrecisionPlan":
        """Return the plain plan in the format of a unit."""
        own = self.of(unit)
        return PrecisionPlan(name=own, precision=own)


def built_in_plan(name: str) -> PrecisionPlan:
    """Return the plan of `--precision fp8`, `fp8-ffn` or `fp16-acc16`."""
    return PrecisionPlan(name=name, precision="fp16", kept=formats.in_every_block(*BUILT_IN[name]))


def plan_named(name: str) -> PrecisionPlan | None:
    """Return the plan of a precision or the built-in plan of this name; None for any other name."""
    if name in BUILT_IN:
        return built_in_plan(name)
    plain: Precision | None = next((one for one in get_args(Precision) if one == name), None)
    return None if plain is None else plain_plan(plain)


def emulated_plan(name: str) -> PrecisionPlan:
    """Return the plan of `--emulate NAME`."""
    kept = formats.in_every_block(*EMULATED[name])
    return PrecisionPlan(name=formats.shown_name(name), precision="fp32", kept=kept)


def plain_plan(precision: Precision) -> PrecisionPlan:
    """Return the plan that runs every operation in `precision`."""
    return PrecisionPlan(name=precision, precision=precision)


class PrecisionChoice(Frozen):
    """The candidate's precision after the rollback switch."""

    precision: Precision
    reason: str | None = None
    """None when the requested precision is used."""


def choose_precision(requested: Precision, environment: Mapping[str, str]) -> PrecisionChoice:
    """Apply VIRNUCPRO_DISABLE_FP16: 1, true or yes (any case, trimmed) makes the candidate run in FP32."""
    value = environment.get(DISABLE_VARIABLE, "")
    if value.strip().lower() not in {"1", "true", "yes"} or requested == "fp32":
        return PrecisionChoice(precision=requested)
    return PrecisionChoice(
        precision="fp32",
        reason=f"{DISABLE_VARIABLE}={value.strip()} is set: the candidate runs in fp32 instead of {requested}",
    )


class PredictionColumns(Frozen):
    """Names of the columns of predictions; empty: those of VirNucPro."""

    id: str = ""
    label: str = ""
    score: str = ""
    """Probability of virus."""


class Judged(Frozen):
    """The two sides of a run that judges what other programs computed (`vp-tui judge`)."""

    reference: str
    """A file or folder of embeddings, a checkpoint, or a table of predictions."""
    candidate: str
    encoded: Literal["reference", "candidate"] | None = None
    """The side that is a checkpoint; this engine encodes it."""
    has_sequences: bool = False
    """True: RunConfig.input is a FASTA or FASTQ file; False: it is the candidate."""
    kind: Literal["embeddings", "predictions"] = "embeddings"
    truth: str | None = None
    """A table of true labels, for predictions."""
    columns: PredictionColumns = PredictionColumns()


class RunConfig(Frozen):
    """One validation run: model, sequences, two precisions."""

    model: str = Field(
        title="Model",
        description="Checkpoint: local folder, hub id (facebook/esm2_t36_3B_UR50D) or short name (esm2-3b).",
        min_length=1,
    )
    input: str = Field(
        title="Sequences", description="FASTA or FASTQ file, plain or compressed; - reads standard input.", min_length=1
    )
    precision: Precision = Field(
        "fp16",
        title="Precision",
        description="Candidate precision (of embed: that of the embeddings); fp8, fp8-ffn, fp16-acc16, plan:NAME or a "
        "plan file: units have their own (`vp-tui plan list`).",
    )
    reference: Precision = Field(
        "fp32",
        title="Reference",
        description="Reference precision; fp32 is IEEE FP32 with TF32 off.",
        json_schema_extra=MORE,
    )
    sample: int = Field(
        10_000,
        title="Sample",
        ge=1,
        le=10_000_000,
        description="Maximum number of sequences, shared evenly between the three strata.",
    )
    seed: int = Field(0, title="Seed", ge=0, le=2**31 - 1, description="Seed of the sample.", json_schema_extra=MORE)
    strata: tuple[int, int] | None = Field(
        None,
        title="Strata",
        description="Upper lengths of short and medium, as in 64,128; empty: the model's defaults.",
        json_schema_extra=MORE,
    )
    device: str = Field(
        "auto",
        title="Device",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto, cpu, cuda or cuda:N; auto takes a CUDA device when there is one.",
    )
    devices: str = Field(
        "",
        title="Devices",
        description="Several devices: all, GPU numbers as in 0,1, or cpu:N; needs the extra ray.",
        json_schema_extra=MORE,
    )
    ray: str = Field(
        "",
        title="Ray",
        description="Devices of a Ray cluster: HOST:PORT of its head, or auto.",
        json_schema_extra=MORE,
    )
    token_budget: Annotated[int, Field(ge=16, le=1_048_576)] | Literal["auto"] = Field(
        "auto", title="Token budget", description="Tokens per packed batch, or auto.", json_schema_extra=MORE
    )
    attention: AttentionName = Field(
        "auto",
        title="Attention",
        description="Attention kernel; auto takes the fastest exact one. FP32 keeps sdpa when the kernel is 16-bit "
        "only.",
        json_schema_extra=MORE,
    )
    trust_remote_code: bool = Field(
        False,
        title="Trust remote code",
        description="Run the Python code shipped with the checkpoint; read it first: it may do anything.",
        json_schema_extra=MORE,
    )
    fp32_compare: bool = Field(
        False,
        title="FP32 compare",
        description="Recompute the reference even when a cached one fits.",
        json_schema_extra=MORE,
    )
    gates: Profile = Field(
        "mission",
        title="Gates",
        description="mission: safety gates can fail the run; strict: every gate but notes can.",
        json_schema_extra=MORE,
    )
    oracle: int = Field(
        64,
        title="Oracle",
        ge=0,
        le=4096,
        description="Sequences also encoded in FP64, which prove the reference; 0: none.",
        json_schema_extra=MORE,
    )
    name: str | None = Field(None, title="Name", max_length=80, description="A name to find the run by.")
    tags: dict[str, str] = Field(default_factory=dict, title="Tags", description="Free k=v notes on the run.")
    thresholds: Thresholds = Field(
        default_factory=Thresholds,
        description="TOML file that overrides the default thresholds.",
        json_schema_extra={"form": False},
    )
    """The limits that decide the verdict; stored with the run."""
    plan: PrecisionPlan | None = Field(None, json_schema_extra={"form": False})
    """The candidate's precision plan, whose base is `precision`; None: all units in `precision`."""
    fault: str | None = Field(None, json_schema_extra={"form": False})
    """The fault injected into one arm for the demo (core.engine.faults); None in every real run."""
    judged: Judged | None = Field(None, json_schema_extra={"form": False})
    """The sides of a judged run, whose `model` is the reference; None in a run that encodes both sides."""
    precision_requested: Precision | None = Field(None, json_schema_extra={"form": False})
    """The precision that was requested, where VIRNUCPRO_DISABLE_FP16 replaced it; a re-run requests it again."""
    precision_reason: str | None = Field(None, json_schema_extra={"form": False})
    """The reason why the candidate does not run in the requested precision."""

    @field_validator("strata", mode="before")
    @classmethod
    def _cuts_from_text(cls, value: Any) -> Any:
        """Accept 64,128 as typed on the command line and in the form."""
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        if value.strip() == "":
            return None
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            raise ValueError("two whole numbers with a comma are needed, as in 64,128")
        return tuple(int(part) for part in parts)

    @field_validator("name", mode="before")
    @classmethod
    def _no_empty_name(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @property
    def candidate_plan(self) -> PrecisionPlan:
        """Return the plan of the candidate; the rollback switch takes the place of a plan too."""
        if self.plan is None or self.precision_reason is not None:
            return plain_plan(self.precision)
        if formats.is_shown_as_built_in(self.plan.name):
            return self.plan
        return self.plan.model_copy(update={"name": f"{PLAN_PREFIX}{self.plan.name}"})

    @model_validator(mode="after")
    def _cuts_rise(self) -> "RunConfig":
        if self.strata is not None and not 0 < self.strata[0] < self.strata[1]:
            raise ValueError(f"strata must rise and be above 0, as in 64,128; got {self.strata[0]},{self.strata[1]}")
        return self
