"""The oracle's answer, and the file that keeps it: by content, not by device or version of torch.

One safetensors file per answer: outputs, pooled embeddings, sums and sketches as tensors, the rest as JSON in its
metadata.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.engine.probe.trace import PointTrace, Trace
from vp_tui.core.files import replacing

ORACLE_VERSION: Final = 2
"""Part of the key: raised by every change of the passes, the points or the sketches."""

UNREADABLE: Final = (OSError, SafetensorError, KeyError, ValueError, TypeError)
"""What `load` raises for a damaged file."""

_FACTS: Final = "vp_tui"
_SUM: Final = "sum_D"
_SKETCH: Final = "sketch_RK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The twin's error at one point; as trace.rms_error and trace.shared_error."""

    rms: float
    shared: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleTrace:
    """The sample in exact arithmetic, and the least error of the candidate's format."""

    exact: Trace
    floors: Mapping[str, Floor]
    """By point, where the twin is finite; empty for FP32, which has none."""
    output_floor: float | None
    """The twin's RMS error at the token outputs."""
    embedding_floor: float | None
    """Relative L2 of the twin's pooled embeddings, median sequence."""
    seconds: float
    """That making it took."""
    cached: bool
    notes: tuple[str, ...] = ()
    """What the reader should know, each a sentence."""


def path_of(cache: Path, facts: Mapping[str, Any], sample: Sample, plan: PrecisionPlan, *, is_padded: bool) -> Path:
    """Where the answer is, or would be; rows of padded batches depend on the token budget too."""
    key = {
        "facts": dict(facts),
        "oracle": ORACLE_VERSION,
        "format": plan.precision,
        "pooling": sample.pooling,
        "indices": _hash(sample.indices_P),
        "lengths": _hash(sample.lengths_P),
        "budget": sample.budget if is_padded else None,
    }
    text = json.dumps(key, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return cache / "oracles" / f"{hashlib.sha256(text.encode()).hexdigest()}.safetensors"


def _hash(numbers: NDArray[np.int64]) -> str:
    return hashlib.sha256(numbers.astype("<i8").tobytes()).hexdigest()


def write(path: Path, made: OracleTrace) -> None:
    """Write `made`, whole or not at all.

    Raises OSError.
    """
    tensors: dict[str, Any] = {"tokens": made.exact.tokens_ND, "embeddings": made.exact.embeddings_PD}
    points = []
    for index, (name, point) in enumerate(made.exact.points.items()):
        numbers = {key: value for key, value in asdict(point).items() if key not in {_SUM, _SKETCH}}
        floor = made.floors.get(name)
        points.append({"name": name, "numbers": numbers, "floor": None if floor is None else asdict(floor)})
        tensors[f"{_SUM}.{index}"], tensors[f"{_SKETCH}.{index}"] = point.sum_D, point.sketch_RK
    facts = {
        "points": points,
        "blocks": made.exact.blocks,
        "output_floor": made.output_floor,
        "embedding_floor": made.embedding_floor,
        "seconds": made.seconds,
    }
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(contiguous, temporary, metadata={_FACTS: json.dumps(facts)})


def load(path: Path, sample: Sample) -> OracleTrace | None:
    """The stored answer for `sample`, None when there is none.

    Raises UNREADABLE: there is one and it is not what was written.
    """
    if not path.exists():
        return None
    with safe_open(path, framework="numpy") as file:
        facts = json.loads((file.metadata() or {})[_FACTS])
        tokens_ND, embeddings_PD = file.get_tensor("tokens"), file.get_tensor("embeddings")
        points = {
            point["name"]: PointTrace(
                **point["numbers"],
                sum_D=file.get_tensor(f"{_SUM}.{index}"),
                sketch_RK=file.get_tensor(f"{_SKETCH}.{index}"),
            )
            for index, point in enumerate(facts["points"])
        }
    if (len(tokens_ND), len(embeddings_PD)) != (sample.lengths_P.sum(), len(sample.indices_P)):
        raise ValueError("it is not of this sample")
    return OracleTrace(
        exact=Trace(points=points, blocks=tuple(facts["blocks"]), tokens_ND=tokens_ND, embeddings_PD=embeddings_PD),
        floors={point["name"]: Floor(**point["floor"]) for point in facts["points"] if point["floor"] is not None},
        output_floor=facts["output_floor"],
        embedding_floor=facts["embedding_floor"],
        seconds=facts["seconds"],
        cached=True,
    )
