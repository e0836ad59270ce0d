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
from vp_tui.core.engine.probe.point import PointTrace
from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.engine.probe.sketch import Sketched
from vp_tui.core.engine.probe.trace import Trace
from vp_tui.core.files import DAMAGED, replacing
from vp_tui.core.fingerprint import hash_of, plan_hash

ORACLE_VERSION: Final = 5
"""Part of the key: raised by every change of the passes, the points or the sketches."""

UNREADABLE: Final[tuple[type[Exception], ...]] = (SafetensorError, *DAMAGED)
"""What `load` raises for a damaged file, and `write` for one that cannot be written."""

_FACTS: Final = "vp_tui"
_SUM: Final = "sum_D"
_SKETCH: Final = "sketch_RK"
_FLOOR: Final = "floor_P"
_EMBEDDING_FLOOR: Final = "embedding_floor_P"
_ROWS: Final = "sketched"
_ROW_TENSORS: Final = ("row_R", "sequence_R", "weight_R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The error of the rounding emulation at one point; as point.rms_error and point.shared_error."""

    rms: float
    shared: float
    error_P: NDArray[np.float64]
    """As point.sequence_errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleTrace:
    """The sample in exact arithmetic, and the least error of the candidate's format."""

    exact: Trace
    floors: Mapping[str, Floor]
    """By point, where the twin is finite; empty for FP32, which has none."""
    output_floor: float | None
    """The twin's RMS error at the token outputs."""
    embedding_floor_P: NDArray[np.float64] | None
    """Relative L2 of the twin's pooled embeddings; NaN where they are not finite."""
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
        "format": plan.precision if plan.is_plain else plan_hash(plan),
        "pooling": sample.pooling,
        "indices": _hash(sample.indices_P),
        "lengths": _hash(sample.lengths_P),
        "budget": sample.budget if is_padded else None,
    }
    return cache / "oracles" / f"{hash_of(key)}.safetensors"


def _hash(numbers: NDArray[np.int64]) -> str:
    return hashlib.sha256(numbers.astype("<i8").tobytes()).hexdigest()


def write(path: Path, made: OracleTrace) -> None:
    """Write `made`, whole or not at all.

    Raises OSError or SafetensorError (a full disk).
    """
    exact = made.exact
    tensors: dict[str, Any] = {"tokens": exact.tokens_ND, "embeddings": exact.embeddings_PD}
    tensors |= {f"{_ROWS}.{key}": getattr(exact.sketched, key) for key in _ROW_TENSORS}
    points = []
    for index, (name, point) in enumerate(exact.points.items()):
        numbers = {key: value for key, value in asdict(point).items() if key not in {_SUM, _SKETCH}}
        floor = made.floors.get(name)
        points.append({"name": name, "numbers": numbers, "floor": None if floor is None else (floor.rms, floor.shared)})
        tensors[f"{_SUM}.{index}"], tensors[f"{_SKETCH}.{index}"] = point.sum_D, point.sketch_RK
        if floor is not None:
            tensors[f"{_FLOOR}.{index}"] = floor.error_P
    if made.embedding_floor_P is not None:
        tensors[_EMBEDDING_FLOOR] = made.embedding_floor_P
    facts = {
        "points": points,
        "blocks": exact.blocks,
        "rows": exact.sketched.rows,
        "output_floor": made.output_floor,
        "has_embedding_floor": made.embedding_floor_P is not None,
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
        exact = _exact(file, facts)
        if (len(exact.tokens_ND), exact.sequences) != (sample.lengths_P.sum(), len(sample.indices_P)):
            raise ValueError("it is not of this sample")
        return OracleTrace(
            exact=exact,
            floors={
                point["name"]: Floor(
                    rms=point["floor"][0], shared=point["floor"][1], error_P=file.get_tensor(f"{_FLOOR}.{index}")
                )
                for index, point in enumerate(facts["points"])
                if point["floor"] is not None
            },
            output_floor=facts["output_floor"],
            embedding_floor_P=file.get_tensor(_EMBEDDING_FLOOR) if facts["has_embedding_floor"] else None,
            seconds=facts["seconds"],
            cached=True,
        )


def _exact(file: Any, facts: Mapping[str, Any]) -> Trace:
    points = {
        point["name"]: PointTrace(
            **point["numbers"],
            sum_D=file.get_tensor(f"{_SUM}.{index}"),
            sketch_RK=file.get_tensor(f"{_SKETCH}.{index}"),
        )
        for index, point in enumerate(facts["points"])
    }
    rows = {key: file.get_tensor(f"{_ROWS}.{key}") for key in _ROW_TENSORS}
    return Trace(
        points=points,
        blocks=tuple(facts["blocks"]),
        tokens_ND=file.get_tensor("tokens"),
        embeddings_PD=file.get_tensor("embeddings"),
        sketched=Sketched(rows=facts["rows"], **rows),
    )
