"""The probe of a run: what is taken while each model is loaded, and the numbers made of it.

The order for a caller: `look_inside` and `encode_again` while the candidate is loaded, noise.noise while the reference
is, then both unloaded, oracle.obtain, `measured`. Errors of embeddings (R1, R3) are those of the run's own rows;
everything else is seen by looking inside once more. Token cosines (T1) are against the exact outputs, so a stored
reference serves too.

Shape suffixes: P sequences of the sample, N its tokens, D width.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vp_tui.core.config import STRATA, PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.probe.every_module import every_module, headroom
from vp_tui.core.engine.probe.noise import noise, padded_tokens
from vp_tui.core.engine.probe.oracle_file import OracleTrace
from vp_tui.core.engine.probe.point import PointTrace
from vp_tui.core.engine.probe.ratio_numbers import (
    NOT_FINITE,
    module_ratios,
    noise_ratio,
    pooled_ratios,
    quotient,
    semantics,
)
from vp_tui.core.engine.probe.ratios import Ratio, growth, ratios
from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.engine.probe.semantics import Semantics
from vp_tui.core.engine.probe.tables import Tables, watching_tables
from vp_tui.core.engine.probe.trace import Trace, tokens_error, trace
from vp_tui.core.errors import Unavailable
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.measurements import Measured
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.measures.tokens import token_numbers
from vp_tui.core.models.precision import significant_bits

_LISTED: Final = 8
"""Points named in a detail."""
OF_THE_ORACLE: Final = ("T1", "V3", "V4", "R1", "R2", "R4", "R5", "R6")
"""The measures that need exact arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateProbe:
    """What is taken while the candidate is loaded."""

    plan: PrecisionPlan
    kind: Kind
    """Of the model."""
    trace: Trace
    noise_P: NDArray[np.float64]
    padded: NDArray[np.float32] | Unavailable
    """Token outputs [N, D] with attention in padded groups."""
    tables: Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Everything the numbers are made of."""

    sample: Sample
    candidate: CandidateProbe
    candidate_rows_PD: NDArray[np.float32]
    """The main run's embeddings of the sample."""
    reference_rows_PD: NDArray[np.float32]
    reference_noise: NDArray[np.float64] | Unavailable
    """noise.noise of the reference; unavailable for some stored references."""
    oracle: OracleTrace | Unavailable
    semantics: Semantics | Unavailable
    """The candidate's code in FP32, and the reference is FP32 too."""


def look_inside(encoder: Encoder, sample: Sample, frequencies_k: Tensor | None) -> tuple[Trace, Tables]:
    """Look into the loaded candidate; `frequencies_k` are tables.stored_frequencies of its checkpoint.

    Raises OutOfMemoryError: the sample does not fit.
    """
    with watching_tables(encoder.loaded.model, frequencies_k) as tables:
        traced = trace(encoder.loaded.model, sample, encoder.plan, encoder.device)
    return traced, tables


def encode_again(
    encoder: Encoder, sample: Sample, rows_PD: NDArray[np.float32], inside: tuple[Trace, Tables]
) -> CandidateProbe:
    """Encode the sample in other packed batches and by the padded kernel; `rows_PD` are its rows of the main run.

    Raises OutOfMemoryError: the sample does not fit.
    """
    traced, tables = inside
    return CandidateProbe(
        plan=encoder.plan,
        kind=encoder.loaded.spec.kind,
        trace=traced,
        tables=tables,
        noise_P=noise(encoder, sample.tokens, sample.indices_P, rows_PD, sample.budget),
        padded=padded_tokens(encoder, sample),
    )


def measured(probed: Probed) -> Measured:
    """All measures of the probe; what could not be measured is named in details["not_measured"] by its id."""
    points = probed.candidate.trace.points
    broken: list[dict[str, Any]] = [
        {"module": name, "count": point.nonfinite} for name, point in points.items() if point.nonfinite
    ]
    # a linear layer's input is no module of its own
    modules = {item["module"].removesuffix(".in") for item in broken}
    saturated = sum(point.saturated for point in points.values())
    values: dict[str, dict[str, dict[str, float | None]]] = {
        "V2": {"all": {"nonfinite_modules": len(modules), "saturated_values": saturated}},
        "R3": {"all": _noise_numbers(probed)},
        "R7": {"all": {"rotary_mismatch": probed.candidate.tables.mismatch}},
    }
    details: dict[str, Any] = {
        "nonfinite": broken[:_LISTED],
        "rotary": {"blocks": len(probed.candidate.tables.seen), "mismatched": sorted(probed.candidate.tables.others)},
        "not_measured": {},
    }
    if probed.candidate.tables.mismatch is None:
        details["not_measured"]["R7"] = "no rotary table of the candidate can be compared with its checkpoint"
    if isinstance(probed.reference_noise, Unavailable):
        details["not_measured"]["R3"] = probed.reference_noise.reason
    if isinstance(probed.oracle, Unavailable):
        details["not_measured"] |= dict.fromkeys(OF_THE_ORACLE, probed.oracle.reason)
        return Measured(values=values, details=details)
    _add_oracle(values, details, probed, probed.oracle)
    return Measured(values=values, details=details)


def _add_oracle(values: dict[str, Any], details: dict[str, Any], probed: Probed, oracle: OracleTrace) -> None:
    found = ratios(probed.candidate.trace, oracle)
    values["T1"] = {scope: _token_numbers(probed, oracle, keep_P) for scope, keep_P in _scopes(probed.sample)}
    values["R1"] = {scope: _error_numbers(probed, oracle, keep_P) for scope, keep_P in _scopes(probed.sample)}
    error, noise = values["R1"]["all"], values["R3"]["all"]
    error["reference_bits"] = _reference_bits(error["reference_error_max"], probed, oracle)
    noise["reference_noise_bits"] = _reference_bits(noise["reference_noise"], probed, oracle)
    details["headroom"] = _headroom(oracle, probed.candidate)
    details["subnormal"] = _subnormal(oracle)
    bits = [item["bits"] for item in details["headroom"]]
    values["V3"] = {"all": {"headroom_bits": min(bits, default=None)}}
    values["V4"] = {"all": _small_numbers(oracle)}
    values["R2"] = {"all": {"kernel_ratio": _kernel_ratio(probed, oracle, details["not_measured"])}}
    reasons = details["not_measured"]
    output = tokens_error(probed.candidate.trace.tokens_ND, oracle.exact.tokens_ND)
    values["R4"] = {"all": module_ratios(output, oracle, found, probed.candidate.plan.name, reasons)}
    details["rounding"] = _rounding(probed, found)
    candidate = probed.candidate
    details["modules"] = every_module(candidate.trace, oracle, found, candidate.plan, candidate.kind)
    values["R3"]["all"]["candidate_noise_ratio"] = noise_ratio(probed.candidate.noise_P, oracle.embedding_floor_P)
    values["R5"], details["pooled"] = pooled_ratios(
        probed.sample, oracle.exact.embeddings_PD, probed.candidate_rows_PD, oracle.embedding_floor_P, reasons
    )
    values["R6"], details["semantics"] = semantics(
        probed.semantics, oracle.exact.embeddings_PD, probed.reference_rows_PD, reasons
    )
    details["growth"] = growth(probed.candidate.trace, oracle)
    details["oracle"] = {
        "sequences": len(probed.sample.indices_P),
        "tokens": int(probed.sample.lengths_P.sum()),
        "seconds": oracle.seconds,
        "cached": oracle.cached,
        "notes": list(oracle.notes),
    }


def _rounding(probed: Probed, found: list[Ratio]) -> list[dict[str, Any]]:
    """The points with the largest ratios, each with its most conspicuous sequence (index of the run)."""
    rows: list[dict[str, Any]] = [
        {
            "module": ratio.name,
            "ratio": ratio.by_sequence.mean,
            "rms_ratio": ratio.rms,
            "systematic_ratio": ratio.shared,
            "sequence": int(probed.sample.indices_P[ratio.by_sequence.worst_place]),
            "sequence_ratio": ratio.by_sequence.worst,
        }
        for ratio in found
        if ratio.by_sequence is not None
    ]
    return sorted(rows, key=lambda row: -row["ratio"])[:_LISTED]


def _scopes(sample: Sample) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for index, name in enumerate(STRATA):
        keep_P = sample.stratum_P == index
        if keep_P.any():
            yield name, keep_P
    yield "all", np.ones(len(sample.indices_P), dtype=np.bool_)


def _token_numbers(probed: Probed, oracle: OracleTrace, keep_P: NDArray[np.bool_]) -> dict[str, float | None]:
    sample = probed.sample
    keep_N = keep_P[sample.sequence_N]
    sequence_N, position_N = sample.sequence_N[keep_N], sample.position_N[keep_N]
    numbers = token_numbers(
        oracle.exact.tokens_ND[keep_N],
        probed.candidate.trace.tokens_ND[keep_N],
        first_N=position_N == 0,
        last_N=position_N == sample.lengths_P[sequence_N] - 1,
    )
    kept = ("centred_min", "centred_p001", "first_min", "last_min")
    return {"token_min": numbers["min"], "token_p001": numbers["p001"]} | {name: numbers[name] for name in kept}


def _error_numbers(probed: Probed, oracle: OracleTrace, keep_P: NDArray[np.bool_]) -> dict[str, float | None]:
    exact_PD = oracle.exact.embeddings_PD[keep_P]
    numbers: dict[str, float | None] = {}
    for arm, rows_PD in (("reference", probed.reference_rows_PD), ("candidate", probed.candidate_rows_PD)):
        error_P = pair_measures(exact_PD, rows_PD[keep_P]).relative_l2_S
        finite_P = error_P[np.isfinite(error_P)]
        numbers[f"{arm}_error_max"] = float(finite_P.max()) if finite_P.size else None
        numbers[f"{arm}_error_p50"] = float(np.median(finite_P)) if finite_P.size else None
    numbers["ratio_p50"] = quotient(numbers["candidate_error_p50"], numbers["reference_error_p50"])
    return numbers


def _reference_bits(largest: float | None, probed: Probed, oracle: OracleTrace) -> float | None:
    """Significant bits that the reference behaves like: those of the candidate's format, and one for every time that
    the reference's `largest` error is half of the largest of rounding to that format in the same model. A model may
    amplify rounding a thousandfold, and that of some sequences most; this does not move."""
    ratio = quotient(_largest(oracle.embedding_floor_P), largest)
    return significant_bits(probed.candidate.plan) + float(np.log2(ratio)) if ratio else None


def _noise_numbers(probed: Probed) -> dict[str, float | None]:
    reference = None if isinstance(probed.reference_noise, Unavailable) else _largest(probed.reference_noise)
    return {"reference_noise": reference, "candidate_noise": _largest(probed.candidate.noise_P)}


def _largest(noise_P: NDArray[np.float64] | None) -> float | None:
    if noise_P is None:
        return None
    finite_P = noise_P[np.isfinite(noise_P)]
    return float(finite_P.max()) if finite_P.size else None


def _headroom(oracle: OracleTrace, candidate: CandidateProbe) -> list[dict[str, Any]]:
    """The tightest points: bits = log2(largest number of the unit's format / largest exact value)."""
    rows: list[dict[str, Any]] = [
        {
            "module": name,
            "bits": headroom(name, point.max_abs, candidate.plan, candidate.kind),
            "max_abs": point.max_abs,
        }
        for name, point in oracle.exact.points.items()
        if point.max_abs > 0
    ]
    return sorted(rows, key=lambda row: row["bits"])[:_LISTED]


def _small_shares(point: PointTrace) -> tuple[float, float]:
    return point.subnormal / point.values, point.flushed / point.values


def _subnormal(oracle: OracleTrace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "module": name,
            "subnormal_share": subnormal,
            "flushed_share": flushed,
            "error_share": point.subnormal_error_share,
        }
        for name, point in oracle.exact.points.items()
        for subnormal, flushed in [_small_shares(point)]
        if subnormal > 0
    ]
    return sorted(rows, key=lambda row: -row["subnormal_share"])[:_LISTED]


def _small_numbers(oracle: OracleTrace) -> dict[str, float | None]:
    shares = [_small_shares(point) for point in oracle.exact.points.values()]
    return {
        "subnormal_share": max(subnormal for subnormal, _ in shares),
        "flushed_share": max(flushed for _, flushed in shares),
        "subnormal_error_share": max(point.subnormal_error_share for point in oracle.exact.points.values()),
    }


def _kernel_ratio(probed: Probed, oracle: OracleTrace, reasons: dict[str, str]) -> float | None:
    padded = probed.candidate.padded
    if isinstance(padded, Unavailable):
        reasons["R2"] = padded.reason
        return None
    own = tokens_error(probed.candidate.trace.tokens_ND, oracle.exact.tokens_ND)
    if own is None:
        reasons["R2"] = NOT_FINITE
    return quotient(own, tokens_error(padded, oracle.exact.tokens_ND))
