"""The units of a model that a precision plan can keep in a format of their own.

A unit is one operation of one block (`layers.3.fc1`), or one outside the blocks (`final_norm`). What computes in FP32
whatever the plan is no unit: the rotary table and rotation, sums inside products, LayerNorm and softmax inside their
kernels, and pooling.

| unit of a block | ESM-2 | DNABERT-S |
|---|---|---|
| attention_norm | LayerNorm before attention | residual sum and LayerNorm after attention |
| qkv, out | linear layers of attention | the same |
| attention | rotation, scores, softmax, mix of v | scores with ALiBi, softmax, mix of v |
| residual | both residual sums of the block | - (part of the norms) |
| ffn_norm | LayerNorm before the feed-forward | residual sum and LayerNorm after it |
| fc1, gelu, fc2 | feed-forward | gated, gelu (GELU of one half times the other), wo |
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from vp_tui.core.errors import UsageError
from vp_tui.core.formats import operation_in_every_block
from vp_tui.core.inputs.spec import Kind, ModelSpec

_ESM2: Final = ("attention_norm", "qkv", "attention", "out", "residual", "ffn_norm", "fc1", "gelu", "fc2")
_DNABERT: Final = ("qkv", "attention", "out", "attention_norm", "gated", "gelu", "wo", "ffn_norm")
IN_BLOCK: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType({"esm2": _ESM2, "dnabert-s": _DNABERT, "hf": ()})
"""Operations of a block in the order of execution; transformers' models have none that can be kept apart."""
_IN_ANY_BLOCK: Final = frozenset({*_ESM2, *_DNABERT})
_BEFORE: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {"esm2": ("embedding",), "dnabert-s": ("embedding", "embedding_norm"), "hf": ()}
)
_AFTER: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType({"esm2": ("final_norm",), "dnabert-s": (), "hf": ()})
_TAKEN_BY: Final[Mapping[Kind, Mapping[str, str]]] = MappingProxyType(
    {
        "esm2": {"attention_norm": "qkv", "ffn_norm": "fc1", "gelu": "fc2"},
        "dnabert-s": {"attention_norm": "gated", "gelu": "wo"},
        "hf": {},
    }
)

BLOCKS: Final = "layers"
PRODUCTS: Final = frozenset({"qkv", "attention", "out", "fc1", "fc2", "gated", "wo"})
"""Operations that are matrix products: expensive in FP32. The others are limited by memory."""
_POINT: Final = re.compile(rf"{BLOCKS}\.(\d+)(?:\.(.+))?")


def units_of(spec: ModelSpec) -> tuple[str, ...]:
    """Return the units of a model in the order of execution.

    Raises UsageError for a model of transformers, whose operations cannot be kept apart.
    """
    inside = IN_BLOCK[spec.kind]
    if not inside:
        raise UsageError(
            f"{spec.name} runs inside transformers, where no operation can be kept in a precision of its own; "
            "precision plans are for ESM-2 and DNABERT-S"
        )
    blocks = (f"{BLOCKS}.{index}.{name}" for index in range(spec.num_layers) for name in inside)
    before, after = outside(spec.kind)
    return (*before, *blocks, *after)


def outside(kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the units before the first block, and those after the last one."""
    return _BEFORE[kind], _AFTER[kind]


def linear_after(spec: ModelSpec) -> dict[str, str]:
    """Return unit -> the linear layer that takes its result, for the norms and GELU before one."""
    found: dict[str, str] = {}
    for index in range(spec.num_layers):
        block = f"{BLOCKS}.{index}"
        found |= {f"{block}.{before}": f"{block}.{after}" for before, after in _TAKEN_BY[spec.kind].items()}
        if spec.kind == "dnabert-s":
            before = "embedding_norm" if index == 0 else f"{BLOCKS}.{index - 1}.ffn_norm"
            found[before] = f"{block}.qkv"
    return found


def operation_of(unit: str) -> str:
    """Return fc1 of layers.3.fc1."""
    return unit.rpartition(".")[2]


def block_of(unit: str) -> int | None:
    """Return 3 of layers.3.fc1; None for a unit outside the blocks."""
    found = _POINT.fullmatch(unit)
    return None if found is None else int(found[1])


def unit_of(point: str, kind: Kind) -> str:
    """Return the unit that computes the value at a point of a model (engine.probe.points) or holds a parameter.

    A block's own output is the residual stream, in DNABERT-S that of its last norm; `.in` is what a linear layer takes
    in, in its own format.
    """
    name = point.removesuffix(".in").removesuffix(".weight").removesuffix(".bias")
    if name == "token_type":
        # DNABERT-S: one table, added to the embedding
        return "embedding"
    found = _POINT.fullmatch(name)
    if found is None or found[2] is not None:
        return name
    return f"{name}.residual" if kind == "esm2" else f"{name}.ffn_norm"


def expand(patterns: Iterable[str], units: Sequence[str]) -> tuple[str, ...]:
    """Return the units that the patterns name, in the order of `units`; `*` stands for any text (`layers.*.gelu`).

    Raises UsageError: a pattern that names no unit, with the nearest name.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        named = {unit for unit in units if fnmatchcase(unit, pattern)}
        if not named:
            raise UsageError(_unknown(pattern, units))
        chosen |= named
    return tuple(unit for unit in units if unit in chosen)


def _unknown(pattern: str, units: Sequence[str]) -> str:
    near = difflib.get_close_matches(pattern, units, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"the model has no unit {pattern!r}: {guess}Units are {units[0]}, {units[1]} ... {units[-1]}"


def require(kept: Mapping[str, str], spec: ModelSpec, name: str) -> None:
    """Refuse a plan whose units the model does not have.

    `layers.*.OPERATION` stands for one operation of all blocks; that of another kind of model stands for none.

    Raises UsageError: the first unknown unit with the nearest name, or a model without units.
    """
    known = set(units_of(spec)) if kept else set()
    for unit in kept:
        if unit not in known and operation_in_every_block(unit) not in _IN_ANY_BLOCK:
            raise UsageError(f"plan {name} does not fit {spec.name}: {_unknown(unit, units_of(spec))}")
