"""Any encoder that transformers can load, behind the same call as the native models.

Batches are the pack's own groups: sequences of nearly the same length, padded to the longest, with an attention mask.
What is FP32 and what is not follows from_pretrained(dtype=...): that is how production gets its 16 bits. Weights that
the checkpoint does not have would be random numbers: they are an error, except in a pooler, which nothing reads.
The checkpoint's own Python code runs with trust_remote_code only.

Shape suffixes: B sequences of a group, T padded length, N tokens of the pack, n tokens of a group, D width.
"""

import inspect
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.errors import ModelError, UsageError
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models.checkpoint import first_line
from vp_tui.core.models.kernels.base import DeviceGroup, DeviceLayout
from vp_tui.core.models.precision import is_16_bit, storage_dtype

SCORE_BYTES: Final = 256 * 2**20
"""Attention scores of one call where the plain backend lays them out in full."""
_NAMED: Final = 3
_UNLOADABLE: Final = (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError)
"""What transformers raises for a checkpoint that it does not know, whose tensors do not fit, or whose code breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attending:
    """How attention runs inside transformers."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedHf:
    """An encoder of transformers, ready to be called like a native model."""

    model: nn.Module
    attending: Attending
    notes: tuple[str, ...]
    """What the reader should know of how it was loaded."""


class HfEncoder(nn.Module):
    """model(ids_N, layout) -> token outputs [N, D] of an encoder of transformers."""

    def __init__(self, body: nn.Module, *, pad_id: int, num_heads: int, math_only: bool) -> None:
        super().__init__()
        self.body = body
        self.pad_id = pad_id
        self.num_heads = num_heads
        self.math_only = math_only

    @torch.inference_mode()
    def forward(self, ids_N: Tensor, layout: DeviceLayout) -> Tensor:
        """last_hidden_state of every token of the pack, special ones included, in the plan's format."""
        with self._backends():
            parts = [self._group(ids_N, group) for group in layout.groups]
        return torch.cat(parts)

    def _backends(self) -> AbstractContextManager[None]:
        # as kernels/sdpa.py: the memory-efficient kernel's FP32 is three TF32 products, not IEEE
        return sdpa_kernel([SDPBackend.MATH]) if self.math_only else nullcontext()

    def _group(self, ids_N: Tensor, group: DeviceGroup) -> Tensor:
        ids_BT = ids_N[group.gather_BT]
        keep_BT = torch.ones_like(ids_BT) if group.mask_B11T is None else group.mask_B11T[:, 0, 0].long()
        # some models find padding by its id, not by the mask
        ids_BT = ids_BT.masked_fill(keep_BT == 0, self.pad_id)
        rows = self._rows(*ids_BT.shape)
        parts = [
            self.body(input_ids=ids_BT[first : first + rows], attention_mask=keep_BT[first : first + rows])[0]
            for first in range(0, len(ids_BT), rows)
        ]
        hidden_BTD = parts[0] if len(parts) == 1 else torch.cat(parts)
        return hidden_BTD.flatten(0, 1)[group.take_n]

    def _rows(self, sequences: int, width: int) -> int:
        """Sequences per call, so that scores laid out in full stay below SCORE_BYTES."""
        if not self.math_only:
            return sequences
        return max(1, SCORE_BYTES // (max(1, self.num_heads) * width * width * torch.float32.itemsize))


def attending(asked: AttentionName, plan: PrecisionPlan, device: torch.device) -> Attending:
    """The attention of an encoder of transformers; only its own can be had.

    Raises UsageError for a kernel of ours that was asked for.
    """
    if asked not in {"auto", "sdpa"}:
        raise UsageError(
            f"--attention {asked} is for ESM-2 and DNABERT-S; this model runs inside transformers: use --attention auto"
        )
    math = _is_math(plan, device)
    why = ", plain backend only: the other ones are not IEEE FP32" if math else ""
    return Attending(
        name="transformers-sdpa-math" if math else "transformers-sdpa",
        reason=f"the model runs inside transformers, through scaled_dot_product_attention on padded batches{why}",
    )


def _is_math(plan: PrecisionPlan, device: torch.device) -> bool:
    return not is_16_bit(storage_dtype(plan.precision)) and device.type == "cuda"


def load_hf(
    spec: ModelSpec,
    folder: Path,
    plan: PrecisionPlan,
    device: torch.device,
    asked: AttentionName,
    *,
    trust_remote_code: bool,
) -> LoadedHf:
    """The encoder in `folder` on `device`, its weights in the plan's format.

    Raises ModelError: unknown to transformers, a decoder, code of its own without trust_remote_code, weights missing
    or of another shape, another width than its config.json says. UsageError: see `attending`.
    """
    way = attending(asked, plan, device)
    config = _config(folder, trust_remote_code=trust_remote_code)
    kind = _model_class(config, folder, trust_remote_code=trust_remote_code)
    implementation = "sdpa" if getattr(kind, "_supports_sdpa", False) else "eager"
    if implementation == "eager":
        way = Attending(name="transformers-eager", reason=f"{kind.__name__} of transformers has no other attention")
    body = _body(kind, folder, config, plan, implementation, trust_remote_code=trust_remote_code)
    found = getattr(body.config, "hidden_size", None)
    if found != spec.hidden:
        raise ModelError(f"{folder}: the model is {found} wide, its config.json says {spec.hidden}; fetch it again")
    model = HfEncoder(
        body.to(device).eval().requires_grad_(False),
        pad_id=getattr(config, "pad_token_id", None) or 0,
        num_heads=spec.num_heads,
        math_only=_is_math(plan, device) and implementation == "sdpa",
    )
    return LoadedHf(model=model, attending=way, notes=_notes(kind, config, body, plan, trusted=trust_remote_code))


def _config(folder: Path, *, trust_remote_code: bool) -> Any:
    # two seconds of import, not needed by the native models
    from transformers import AutoConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
    except _UNLOADABLE as error:
        raise ModelError(_unknown(folder, error)) from error


def _unknown(folder: Path, error: Exception) -> str:
    if "trust_remote_code" in str(error):
        return (
            f"{folder} can only run through the Python code that lies beside it, and that code may do anything; "
            "read it, then give --trust-remote-code"
        )
    return f"transformers cannot read {folder} ({first_line(error)}); use a checkpoint of a model type that it knows"


def _model_class(config: Any, folder: Path, *, trust_remote_code: bool) -> Any:
    """The class whose from_pretrained gives the encoder alone.

    Raises ModelError for decoders: their tokens see nothing of what follows, and a mean over them is another thing.
    """
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
        MODEL_FOR_TEXT_ENCODING_MAPPING,
        MODEL_MAPPING,
        AutoModel,
    )

    kind = type(config)
    if trust_remote_code and "AutoModel" in (getattr(config, "auto_map", None) or {}):
        return AutoModel
    is_decoder = kind in MODEL_FOR_CAUSAL_LM_MAPPING and kind not in MODEL_FOR_MASKED_LM_MAPPING
    if getattr(config, "is_decoder", False) or (is_decoder and kind not in MODEL_FOR_TEXT_ENCODING_MAPPING):
        raise ModelError(f"{folder}: {config.model_type} is a decoder; embeddings need an encoder such as BERT or ESM")
    if kind in MODEL_FOR_TEXT_ENCODING_MAPPING:
        return MODEL_FOR_TEXT_ENCODING_MAPPING[kind]
    if kind not in MODEL_MAPPING or getattr(config, "is_encoder_decoder", False):
        raise ModelError(f"{folder}: transformers has no encoder for the model type {config.model_type!r}")
    found = MODEL_MAPPING[kind]
    return found[0] if isinstance(found, tuple | list) else found


def _body(
    kind: Any, folder: Path, config: Any, plan: PrecisionPlan, implementation: str, *, trust_remote_code: bool
) -> Any:
    more: dict[str, Any] = {"trust_remote_code": True} if trust_remote_code else {}
    if "add_pooling_layer" in inspect.signature(kind.__init__).parameters:
        # it would be random where the file has none, and nothing reads it
        more["add_pooling_layer"] = False
    try:
        body, info = kind.from_pretrained(
            folder,
            config=config,
            dtype=storage_dtype(plan.precision),
            attn_implementation=implementation,
            local_files_only=True,
            output_loading_info=True,
            **more,
        )
    except _UNLOADABLE as error:
        raise ModelError(f"{folder} cannot be loaded by transformers' {kind.__name__}: {first_line(error)}") from error
    missing = sorted(name for name in info["missing_keys"] if "pooler" not in name)
    if missing:
        more_text = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ModelError(
            f"{folder} lacks {len(missing)} tensors of {kind.__name__}: {', '.join(missing[:_NAMED])}{more_text}; "
            "they would be random numbers. Fetch the checkpoint again; is it another architecture, with code of its "
            "own (--trust-remote-code)?"
        )
    return body


def _notes(kind: Any, config: Any, body: Any, plan: PrecisionPlan, *, trusted: bool) -> tuple[str, ...]:
    notes = [f"{type(body).__name__} of transformers; an embedding is the mean over all tokens, special ones included"]
    if getattr(config, "auto_map", None):
        notes.append(
            "the checkpoint's own Python code runs (--trust-remote-code)"
            if trusted
            else f"the checkpoint names Python code of its own, which was not run; {kind.__name__} has all its weights"
        )
    wanted = storage_dtype(plan.precision)
    kept = sorted(name for name, parameter in body.named_parameters() if parameter.dtype != wanted)
    if kept:
        more = ", ..." if len(kept) > _NAMED else ""
        notes.append(f"transformers keeps {len(kept)} tensors out of {plan.name}: {', '.join(kept[:_NAMED])}{more}")
    return tuple(notes)
