"""How much memory there is, was used, and how many tokens of a pack fit into it."""

import resource
from collections.abc import Sequence
from typing import Final

import psutil
import torch

from vp_tui.core import text as fmt
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.footprint import activation_bytes, are_resident, weight_bytes
from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models.kernels.sdpa import SCORE_BYTES
from vp_tui.core.models.precision import is_16_bit, storage_dtype

CPU_TOKENS: Final = 2048
"""Packs on a CPU at most: larger ones only leave the caches (4,096 tokens were up to 5 % slower with ESM-2 35M)."""

TILE_ROWS: Final = 128
"""Tokens of one tile of a product: cuBLAS gives every SM such tiles, one wave of them after the other."""
WAVES: Final = 2
"""Tokens of a pack on a GPU at most, in waves: on an H200 2 x 132 x 128 = 33,792. The last wave of a product is full
then; one wave (16,896 tokens) was 1.5 % slower there with ESM-2 3B in FP16."""

_FULL: Final = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
"""How it shows where it is not torch's allocator on CUDA that says so: the driver and Triton, which load kernels late,
the allocator of the CPU, which raises a bare RuntimeError, and the handles of cuBLAS and cuDNN."""

_USABLE: Final = 0.8
"""Part of the free memory that may be planned for; the rest is for fragments and workspaces."""


def budget_of_a_run(
    spec: ModelSpec, plans: Sequence[PrecisionPlan], device: torch.device, free_bytes: int, longest: int
) -> tuple[int, str]:
    """Tokens per pack for a run with an arm per plan, none of them loaded yet, and the reason in words.

    Beside the largest arm; halved once where all arms can stay loaded then: a pack of half the tokens costs less than
    arms that cannot take turns.

    Raises ResourceError as auto_token_budget.
    """
    free_beside = max(free_bytes - max(weight_bytes(spec, plan.precision) for plan in plans), 0)
    budget, reason = auto_token_budget(spec, plans, device, free_beside, longest)
    half, precisions = budget // 2, [plan.precision for plan in plans]
    if (
        half < longest
        or are_resident(spec, precisions, budget, free_bytes)
        or not are_resident(spec, precisions, half, free_bytes)
    ):
        return budget, reason
    return half, f"{half} tokens: with {budget} both precisions do not fit into memory together"


def auto_token_budget(
    spec: ModelSpec, plans: Sequence[PrecisionPlan], device: torch.device, free_bytes: int, longest: int
) -> tuple[int, str]:
    """Tokens per pack for `--token-budget auto`, and the reason in words.

    Starts at the device's cap and halves it until the activations of the widest of `plans` fit into
    `free_bytes` (free once the weights are loaded). `longest` is the longest sequence in tokens; where it
    is longer than the cap, a pack holds that one sequence.

    Raises ResourceError when a pack that holds the longest sequence does not fit.
    """
    cap = WAVES * TILE_ROWS * num_sms(device) if device.type == "cuda" else CPU_TOKENS
    per_token = max(activation_bytes(spec, plan.precision) for plan in plans)
    scores = score_bytes(spec, plans, device, longest)
    fitting = int(free_bytes * _USABLE - scores) // per_token
    budget = max(cap, longest)
    while budget > fitting and budget // 2 >= longest:
        budget //= 2
    if budget > fitting:
        raise ResourceError(
            f"a sequence of {longest} tokens needs about {fmt.size(budget * per_token + scores)} on {device}, "
            f"{fmt.size(free_bytes)} are free; use a smaller model or free memory on the device"
        )
    if longest > cap:
        return budget, f"{budget} tokens: the longest sequence"
    if budget >= cap:
        return budget, f"{budget} tokens: the cap for {device.type}"
    return budget, f"{budget} tokens: {cap} would not fit {fmt.size(free_bytes)} free on {device}"


def num_sms(device: torch.device) -> int:
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


def score_bytes(spec: ModelSpec, plans: Sequence[PrecisionPlan], device: torch.device, longest: int) -> int:
    """Bytes of sdpa-math, the attention of FP32 on CUDA, beside the activations: scores, masked scores, softmax."""
    if device.type != "cuda" or all(is_16_bit(storage_dtype(plan.precision)) for plan in plans):
        return 0
    return 3 * max(SCORE_BYTES, spec.num_heads * longest**2 * torch.float32.itemsize)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the device or the host had no room for what was asked, whoever asked for it."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in _FULL)


def free_memory(device: torch.device) -> int:
    """Bytes free on `device`: cudaMemGetInfo on CUDA, what can be had without swapping on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def peak_memory_mib(device: torch.device) -> float:
    """Peak in MiB: allocated by torch on a CUDA device, resident set of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    # Linux counts ru_maxrss in KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
