"""Any encoder that transformers can load, called like the native models.

Batches are the groups of a pack: sequences of similar length, padded to the longest, with an attention mask. Number
formats follow from_pretrained(dtype=...), as in production. Weights missing from the checkpoint would be random, so
they are an error, except in a pooler, which is not used. The checkpoint's own Python code runs with trust_remote_code
only.

Shape suffixes: B sequences of a group, T padded length, N tokens of the pack, n tokens of a group, D width.
"""

import inspect
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.errors import ModelError, UsageError, first_line
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models import hf_files
from vp_tui.core.models.checkpoint import first_names
from vp_tui.core.models.kernels.base import DeviceGroup, DeviceLayout
from vp_tui.core.models.precision import is_16_bit, storage_dtype
from vp_tui.core.text import plural

SCORE_BYTES: Final = 256 * 2**20
"""Attention scores per call of the math backend, which materializes them."""
_NAMED: Final = 3
_UNLOADABLE: Final = (
    OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError, MemoryError,
    StrictDataclassError,
)  # fmt: skip
"""Errors of transformers for an unknown checkpoint, tensors that do not match, or broken remote code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HfAttention:
    """Name and reason of transformers' attention implementation."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedHf:
    """An encoder of transformers, called like a native model."""

    model: nn.Module
    attention: HfAttention
    notes: tuple[str, ...]
    """Sentences about the loading, for the run record."""


class HfEncoder(nn.Module):
    """An encoder of transformers that maps (ids_N, layout) to token outputs [N, D]."""

    def __init__(self, body: nn.Module, *, pad_id: int, num_heads: int, math_only: bool) -> None:
        super().__init__()
        self.body = body
        self.pad_id = pad_id
        self.num_heads = num_heads
        self.math_only = math_only

    @torch.inference_mode()
    def forward(self, ids_N: Tensor, layout: DeviceLayout) -> Tensor:
        """Return last_hidden_state of every token of the pack, special tokens included, in the plan's format."""
        with self._backends():
            parts = [self._group(ids_N, group) for group in layout.groups]
        return torch.cat(parts)

    def _backends(self) -> AbstractContextManager[None]:
        # as in kernels/sdpa.py: FP32 in the memory-efficient kernel is three TF32 matmuls, not IEEE
        return sdpa_kernel([SDPBackend.MATH]) if self.math_only else nullcontext()

    def _group(self, ids_N: Tensor, group: DeviceGroup) -> Tensor:
        ids_BT = ids_N[group.gather_BT]
        keep_BT = torch.ones_like(ids_BT) if group.mask_B11T is None else group.mask_B11T[:, 0, 0].long()
        # some models detect padding by its id instead of the mask
        ids_BT = ids_BT.masked_fill(keep_BT == 0, self.pad_id)
        rows = self._rows(*ids_BT.shape)
        parts = [
            self.body(input_ids=ids_BT[first : first + rows], attention_mask=keep_BT[first : first + rows])[0]
            for first in range(0, len(ids_BT), rows)
        ]
        hidden_BTD = parts[0] if len(parts) == 1 else torch.cat(parts)
        return hidden_BTD.flatten(0, 1)[group.take_n]

    def _rows(self, sequences: int, width: int) -> int:
        """Return the sequences per call that keep materialized scores below SCORE_BYTES."""
        if not self.math_only:
            return sequences
        return max(1, SCORE_BYTES // (max(1, self.num_heads) * width * width * torch.float32.itemsize))


def hf_attention(requested: AttentionName, plan: PrecisionPlan, device: torch.device) -> HfAttention:
    """Return the attention of an encoder of transformers, which is always its own.

    Raises UsageError if another kernel was requested.
    """
    if requested not in {"auto", "sdpa"}:
        raise UsageError(
            f"--attention {requested} requires ESM-2 or DNABERT-S; transformers runs this model: use --attention auto"
        )
    math = _is_math(plan, device)
    why = ", math backend only: the others are not IEEE FP32" if math else ""
    return HfAttention(
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
    requested: AttentionName,
    *,
    trust_remote_code: bool,
) -> LoadedHf:
    """Return the encoder in `folder` on `device`, its weights in the plan's format.

    Raises ModelError: unknown to transformers, a decoder, code of its own without trust_remote_code, weights missing
    or of another shape, or a width other than in config.json. Raises UsageError: as hf_attention.
    """
    attention = hf_attention(requested, plan, device)
    hf_files.check(folder)
    config = _config(folder, trust_remote_code=trust_remote_code)
    kind = _model_class(config, folder, trust_remote_code=trust_remote_code)
    implementation = "sdpa" if getattr(kind, "_supports_sdpa", False) else "eager"
    if implementation == "eager":
        attention = HfAttention(name="transformers-eager", reason=f"{kind.__name__} has no other attention")
    body, unused = _body(kind, folder, config, plan, implementation, trust_remote_code=trust_remote_code)
    found = getattr(body.config, "hidden_size", None)
    if found != spec.hidden:
        raise ModelError(f"{folder}: hidden size is {found}, {spec.hidden} in its config.json; fetch it again")
    model = HfEncoder(
        body.to(device).eval().requires_grad_(False),
        pad_id=getattr(config, "pad_token_id", None) or 0,
        num_heads=spec.num_heads,
        math_only=_is_math(plan, device) and implementation == "sdpa",
    )
    notes = (*_notes(kind, config, body, plan, trusted=trust_remote_code), *unused)
    return LoadedHf(model=model, attention=attention, notes=notes)


def _config(folder: Path, *, trust_remote_code: bool) -> Any:
    # imported here because it takes two seconds and native models do not need it
    from transformers import AutoConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    # its report of missing and unexpected tensors has escape codes; what matters is in errors and notes
    logging.set_verbosity_error()
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
    except _UNLOADABLE as error:
        raise ModelError(_unknown(folder, error)) from error


def _unknown(folder: Path, error: Exception) -> str:
    if "trust_remote_code" in str(error):
        return f"{folder} requires its own Python code, which may do anything; review it, then give --trust-remote-code"
    return (
        f"transformers cannot read {folder} ({first_line(error)}); give a checkpoint of a model type that it supports"
    )


def _model_class(config: Any, folder: Path, *, trust_remote_code: bool) -> Any:
    """Return the class whose from_pretrained gives the encoder, bare or, from code of its own, under a head.

    Raises ModelError for decoders: their tokens do not attend to later ones, so mean embeddings differ in meaning.
    """
    import transformers
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
        MODEL_FOR_TEXT_ENCODING_MAPPING,
        MODEL_MAPPING,
    )

    kind = type(config)
    auto_map = getattr(config, "auto_map", None) or {}
    own = next(
        (name for name in ("AutoModel", "AutoModelForMaskedLM", *auto_map) if name in auto_map and "Model" in name),
        None,
    )
    if trust_remote_code and own is not None:
        return getattr(transformers, own)
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
) -> tuple[Any, tuple[str, ...]]:
    """Return the encoder, and sentences about what is not used.

    Raises ModelError: tensors missing, of another shape, or of the encoder but without a place in it.
    """
    more: dict[str, Any] = {"trust_remote_code": True} if trust_remote_code else {}
    if "add_pooling_layer" in inspect.signature(kind.__init__).parameters:
        # it is not used, and would be random if the file has none
        more["add_pooling_layer"] = False
    options = {
        "config": config,
        "dtype": storage_dtype(plan.precision),
        "attn_implementation": implementation,
        "local_files_only": True,
        "output_loading_info": True,
        **more,
    }
    # code of its own may have a module of such a name
    prefix = "" if trust_remote_code else hf_files.wrapper_of(folder)
    try:
        if prefix:
            # transformers would leave every weight random
            del options["local_files_only"]
            model, info = kind.from_pretrained(None, state_dict=hf_files.unwrapped(folder, prefix), **options)
        else:
            model, info = kind.from_pretrained(folder, **options)
    except _UNLOADABLE as error:
        raise ModelError(_unloadable(kind, folder, config, error, trusted=trust_remote_code)) from error
    # under a head of the checkpoint's own code; a class for AutoModel is used as its author made it
    body = model.base_model if kind.__name__.startswith("AutoModelFor") else model
    missing = sorted(name for name in info["missing_keys"] if "pooler" not in name and _is_of(body, model, name))
    if missing:
        advice = "" if trust_remote_code else ", or give --trust-remote-code if its architecture has code of its own"
        lacking = first_names(missing, f"of {kind.__name__} that are not in the file")
        raise ModelError(f"{folder} lacks {lacking}; fetch the checkpoint again{advice}")
    unused = hf_files.unused_notes(folder, body, info["unexpected_keys"])
    return body, (*unused, *([f"the names in the file begin with {prefix!r}"] if prefix else []))


def _is_of(body: Any, model: Any, name: str) -> bool:
    """Return whether a tensor of `model`, which may have a head, is in its encoder."""
    return body is model or name.startswith(f"{model.base_model_prefix}.")


def _unloadable(kind: Any, folder: Path, config: Any, error: Exception, *, trusted: bool) -> str:
    reason = first_line(error)
    if "ignore_mismatched_sizes" in str(error):
        # transformers points to a report that only its log has
        reason = f"the sizes of its tensors are not those of {kind.__name__}"
    if getattr(config, "auto_map", None) and not trusted:
        return (
            f"{folder} cannot be loaded by transformers' {kind.__name__} ({reason}); it has Python code of its own, "
            "which may do anything: review it, then give --trust-remote-code"
        )
    return f"{folder} cannot be loaded by transformers' {kind.__name__}: {reason}"


def _notes(kind: Any, config: Any, body: Any, plan: PrecisionPlan, *, trusted: bool) -> tuple[str, ...]:
    notes = [f"{type(body).__name__} of transformers; embeddings are means over all tokens, special tokens included"]
    if getattr(config, "auto_map", None):
        notes.append(
            "the checkpoint's own Python code is used (--trust-remote-code)"
            if trusted
            else f"the checkpoint's own Python code was not run; {kind.__name__} has all its weights"
        )
    wanted = storage_dtype(plan.precision)
    kept = sorted(name for name, parameter in body.named_parameters() if parameter.dtype != wanted)
    if kept:
        more = ", ..." if len(kept) > _NAMED else ""
        notes.append(
            f"{plural(len(kept), 'tensor')} not in {plan.name} but in another format: {', '.join(kept[:_NAMED])}{more}"
        )
    return tuple(notes)
