"""Formats of linear layers, and the built-in plans made of them: fp8, fp8-ffn, fp16-acc16, and what --emulate takes.

A linear layer in FP8 takes and gives FP16: only the operands of its product have 8 bits. An emulated one rounds its
operands as the format does and multiplies them in FP32, on any device, so that it says nothing about speed.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

EmulatedFormat = Literal["emulated-fp8", "emulated-fp8-e5m2", "emulated-int8", "emulated-nf4"]
UnitFormat = Literal["fp32", "tf32", "bf16", "fp16", "fp8", "fp16-acc16", EmulatedFormat]
"""What a unit of a plan can be in."""

FP8_CAPABILITY: Final = (8, 9)
"""Compute capability of the first GPUs that multiply FP8: Ada, then Hopper and Blackwell."""
EVERY_BLOCK: Final = "layers.*."
"""Begins a unit that stands for one operation of all blocks."""
FFN_LINEARS: Final = ("fc1", "fc2", "gated", "wo")
"""Linear layers of the feed-forward: of ESM-2 the first two, of DNABERT-S the others."""
LINEARS: Final = ("qkv", "out", *FFN_LINEARS)

_EMULATED_PREFIX: Final = "emulated "
"""Begins the name of an emulated plan; the blank keeps it apart from every stored plan's name."""
BUILT_IN: Final[Mapping[str, tuple[UnitFormat, tuple[str, ...]]]] = MappingProxyType(
    {"fp8": ("fp8", LINEARS), "fp8-ffn": ("fp8", FFN_LINEARS), "fp16-acc16": ("fp16-acc16", LINEARS)}
)
"""Name of a built-in plan, whose base is fp16 -> a format, and the operations in it."""
EMULATED: Final[Mapping[str, tuple[EmulatedFormat, tuple[str, ...]]]] = MappingProxyType(
    {
        "fp8": ("emulated-fp8", LINEARS),
        "fp8-ffn": ("emulated-fp8", FFN_LINEARS),
        "fp8-e5m2": ("emulated-fp8-e5m2", LINEARS),
        "int8": ("emulated-int8", LINEARS),
        "nf4": ("emulated-nf4", LINEARS),
    }
)
"""Value of --emulate -> the format, and the operations in it; the base is fp32."""
_EMULATED_FORMATS: Final = frozenset(get_args(EmulatedFormat))


def runs_fp8(environment: Mapping[str, Any]) -> bool:
    """Return True when the device of a run's environment multiplies FP8."""
    capability = tuple(int(part) for part in str(environment.get("compute_capability") or "0.0").split("."))
    return str(environment.get("device")).startswith("cuda") and capability >= FP8_CAPABILITY


def is_emulated(own: str) -> bool:
    """Return True for the format of a unit that is only imitated in FP32."""
    return own in _EMULATED_FORMATS


def is_of_linear_layers(own: str) -> bool:
    """Return True for a format that only linear layers can have."""
    return has_small_operands(own) or own == "fp16-acc16"


def has_small_operands(own: str) -> bool:
    """Return True for a format that only operands of linear layers can have, real or emulated."""
    return own == "fp8" or is_emulated(own)


def operation_in_every_block(unit: str) -> str | None:
    """Return fc1 of `layers.*.fc1`; None for any other unit."""
    return unit.removeprefix(EVERY_BLOCK) if unit.startswith(EVERY_BLOCK) else None


def shown_name(emulated: str) -> str:
    """Return the name of the plan of `--emulate EMULATED`, as every screen and report shows it."""
    return f"{_EMULATED_PREFIX}{emulated}"


def is_shown_as_built_in(name: str) -> bool:
    """Return True for the name of a built-in plan, which no stored plan may have."""
    return name in BUILT_IN or name.startswith(_EMULATED_PREFIX)


def in_every_block(own: UnitFormat, operations: tuple[str, ...]) -> dict[str, UnitFormat]:
    """Return the kept units of a plan with these operations of all blocks in one format."""
    return {f"{EVERY_BLOCK}{operation}": own for operation in operations}
