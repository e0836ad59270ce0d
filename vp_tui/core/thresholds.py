"""The limits of every gate in one frozen record, each with its reason; a TOML file may replace some of them.

Ids and formulas are those of docs/measures.md. `_fail` is the gate's hard limit, `_warn` the soft one; a gate with one
limit has it as its hard one. Limits without another reason are those of the calibration notes the project began with:
about three times the noise of repeated runs, or the smallest error known to have changed a label.
"""

import difflib
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vp_tui.core.errors import UsageError

_TABLE = "thresholds"


class Frozen(BaseModel):
    """A record that cannot change, takes no unknown name and trims its text."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Thresholds(Frozen):
    """Limits of the gates."""

    headroom_bits_fail: float = Field(1.0, ge=0)
    """V3: fewer bits between a module's largest value and the format's largest number; one more doubling overflows."""

    headroom_bits_warn: float = Field(3.0, ge=0)
    """V3: another sequence may be eight times as large as the ones that were looked at."""

    subnormal_share: float = Field(0.01, ge=0, le=1)
    """V4: share of a module's values that the format holds with fewer digits, or not at all."""

    cosine_fail: float = Field(0.99, gt=-1, lt=1)
    """M1: any sequence at or below this cosine similarity fails (the mission's own limit)."""

    cosine_p01_warn: float = Field(0.999, gt=-1, le=1)
    """M1: the 1st percentile of a stratum below this warns (4.5 % relative error)."""

    centred_cosine_fail: float = Field(0.99, gt=-1, le=1)
    """M2: M1's limit where it means something, on what tells sequences apart."""

    centred_cosine_p01_warn: float = Field(0.999, gt=-1, le=1)
    """M2: as M1's."""

    standardized_cosine_fail: float = Field(0.98, gt=-1, le=1)
    """M3: looser than M2, because every dimension weighs the same, the noisy ones too."""

    standardized_cosine_p01_warn: float = Field(0.998, gt=-1, le=1)
    """M3: as M2's, twice the distance."""

    relative_l2_p99_fail: float = Field(1e-2, gt=0)
    """M4: 99th percentile of |y - x| / |x|; ten times what FP16 storage alone does. Cosine cannot see scale."""

    relative_l2_p99_warn: float = Field(5e-3, gt=0)
    """M4: half of it."""

    centred_l2_p99_fail: float = Field(3e-2, gt=0)
    """M4c: 99th percentile of |y - x| / |x - mean|: the error beside what tells sequences apart."""

    centred_l2_p99_warn: float = Field(1.5e-2, gt=0)
    """M4c: half of it."""

    relative_l2_spread: float = Field(10.0, gt=1)
    """M4-worst: the worst sequence errs this many times as much as the median one: a fault of that sequence."""

    relative_l2_floor: float = Field(2e-3, gt=0)
    """M4-worst: below this (four roundings of FP16) the spread is not asked."""

    norm_ratio_fail: float = Field(5e-3, gt=0)
    """M5: | |y| / |x| - 1 | above this for any sequence."""

    norm_ratio_warn: float = Field(1e-3, gt=0)
    """M5: twice the rounding of one FP16 number."""

    match_rate: float = Field(0.99, gt=0, le=1)
    """M6: a smaller share of elements within 1 % (relative, and of the median element) of the reference."""

    token_cosine_p001_fail: float = Field(0.98, gt=-1, le=1)
    """T1: the 0.1th percentile of token cosines below this."""

    token_cosine_min_warn: float = Field(0.98, gt=-1, le=1)
    """T1: any single token below this."""

    knn_overlap_fail: float = Field(0.95, gt=0, le=1)
    """S1: mean share of the ten nearest neighbours that stay."""

    knn_overlap_warn: float = Field(0.98, gt=0, le=1)
    """S1: a fifth of a neighbour of ten."""

    nearest_agreement: float = Field(0.99, gt=0, le=1)
    """S1: share of sequences whose nearest neighbour stays."""

    structure_similarity: float = Field(0.999, gt=0, le=1)
    """S2: CKA, debiased CKA and rank correlation of all distances."""

    mean_shift_fail: float = Field(0.1, gt=0)
    """S5: |mean(y) - mean(x)| of a dimension in its standard deviations."""

    mean_shift_warn: float = Field(0.05, gt=0)
    """S5: half of it."""

    std_ratio_fail: float = Field(0.05, gt=0)
    """S5: |std(y) / std(x) - 1| of a dimension."""

    std_ratio_warn: float = Field(0.02, gt=0)
    """S5: what a thousand sequences can tell from chance."""

    ks_distance: float = Field(0.05, gt=0)
    """S5: Kolmogorov-Smirnov distance of a dimension, as an effect size: paired data have no p-value."""

    outlier_share: float = Field(1e-3, gt=0)
    """S6: change of the share of elements beyond three standard deviations of the reference."""

    reference_error_invalid: float = Field(1e-4, gt=0)
    """R1: an FP32 reference is 1e-6 from FP64; TF32 or 16 bits somewhere in it are 5e-4."""

    reference_bits: float = Field(15.0, ge=8, le=24)
    """R1: a reference with a larger error is still FP32 if it behaves like this many significant bits: TF32 and FP16
    have 11, IEEE FP32 measured 18.8 to 23."""

    reference_error_warn: float = Field(1e-5, gt=0)
    """R1: ten times what FP32 needs."""

    kernel_ratio_fail: float = Field(2.0, gt=1)
    """R2: error of the attention kernel against that of attention in padded groups (FlashAttention's own rule)."""

    kernel_ratio_warn: float = Field(1.5, gt=1)
    """R2: half-way."""

    noise_floor: float = Field(1e-4, gt=0)
    """R3: relative L2 between two FP32 encodings of the same sequence among other neighbours."""

    rounding_ratio_fail: float = Field(1.75, gt=1)
    """R4: a module's error against exact arithmetic that rounds once per module. Sound engines measured 1.31 at most,
    one block of 36 rounded through BF16 1.96."""

    rounding_ratio_warn: float = Field(1.5, gt=1)
    """R4: half-way."""

    systematic_ratio: float = Field(2.5, gt=1)
    """R4: the same for the error that all tokens share, which rounding alone averages away; sound is below 2."""

    label_agreement_fail: float = Field(0.99, gt=0, le=1)
    """D1: a smaller share of frames with the same label in both arms fails."""

    label_agreement_warn: float = Field(0.999, gt=0, le=1)
    """D1: a smaller share warns."""

    flip_band: float = Field(0.05, gt=0, le=0.5)
    """D2: a label that flips although one arm's probability is this far from 0.5 fails."""

    probability_shift_mean: float = Field(1e-2, gt=0)
    """D2: mean |dp| above this fails."""

    probability_shift_max: float = Field(1e-2, gt=0)
    """D2: the largest |dp| above this warns."""

    consensus_fail: float = Field(0.98, gt=0, le=1)
    """D3: a smaller share of chunks or contigs with the same consensus in both arms fails."""

    consensus_warn: float = Field(0.995, gt=0, le=1)
    """D3: a smaller share warns."""

    speedup: float = Field(1.8, gt=0)
    """P1: tokens/s and end-to-end time, candidate against reference."""

    gpu_utilization: float = Field(80.0, ge=0, le=100)
    """P1: mean NVML utilization in percent while encoding."""


def read_thresholds(path: Path) -> Thresholds:
    """Return the limits of the TOML file at `path`: name = number, at the top or under [thresholds].

    Limits that the file does not name keep their defaults.

    Raises:
        UsageError: the file cannot be read, is no TOML (with the line), has an unknown name (with the nearest one) or
            a value that is not allowed; all wrong names and values of a file are told at once.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no thresholds file {str(path)!r}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the thresholds file {str(path)!r} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the thresholds file {str(path)!r} is no valid TOML: {error}") from error
    values = _values(document, path)
    problems = [*_unknown(values), *_not_finite(values)]
    if not problems:
        try:
            return Thresholds.model_validate(values, strict=True)
        except ValidationError as error:
            problems = [_told(item) for item in error.errors()]
    raise UsageError(f"the thresholds file {str(path)!r}: {'; '.join(problems)}")


def _values(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The names at the top and those under [thresholds] together; a name may stand in one place only."""
    top = {name: value for name, value in document.items() if name != _TABLE}
    table = document.get(_TABLE, {})
    if not isinstance(table, Mapping):
        raise UsageError(f"the thresholds file {str(path)!r}: {_TABLE!r} is a table, [{_TABLE}]; got {table!r}")
    twice = sorted(set(top) & set(table))
    if twice:
        raise UsageError(
            f"the thresholds file {str(path)!r}: {', '.join(twice)} both at the top and under [{_TABLE}]; keep one"
        )
    return {**top, **table}


def _unknown(values: Mapping[str, Any]) -> list[str]:
    known = list(Thresholds.model_fields)
    problems = []
    for name in values:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {nearest[0]!r}?" if nearest else f"the names are {', '.join(known)}"
            problems.append(f"there is no limit {name!r}: {advice}")
    return problems


def _not_finite(values: Mapping[str, Any]) -> list[str]:
    """TOML knows nan and inf; as a limit either would switch its gate off without a word."""
    return [
        f"{name} = {value}: a finite number is needed"
        for name, value in values.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]


def _told(item: Any) -> str:
    name = ".".join(map(str, item["loc"]))
    return f"{name} = {item['input']!r}: {item['msg'].replace('Input', 'it', 1)}"
