"""Peers: transformers, faesm and fair-esm on the same weights, each in its fastest configuration.

Their modules are built on the meta device and get views of our tensors, so a peer needs no memory for weights and only
the engine differs. A run does not depend on any of them.

Peers have padded batches: one forward per batch, then the mean over residues. Batches are built once, in pinned memory
on CUDA, and not timed, which favours peers: only upload, forward, pooling and download count.

Shape suffixes: B sequences of a batch, T padded length, S sequences, D width.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vp_tui.core.bench.implementations import Implementation, Work
from vp_tui.core.bench.interleaved import FAILURES, failure_text
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.inputs.fair_esm import hugging_face_name
from vp_tui.core.inputs.spec import Esm2Spec
from vp_tui.core.inputs.tokens import MASK, PAD, TokenSet
from vp_tui.core.models import precision
from vp_tui.core.models.loading import LoadedModel, family_of
from vp_tui.core.models.precision import back_to, is_16_bit, storage_dtype

Forward = Callable[[Tensor, Tensor | None], Tensor]
"""Maps ids [B, T] and a mask (1: token; None: no padding) to token outputs [B, T, D]."""

Batcher = Callable[[NDArray[np.int64]], list[NDArray[np.int64]]]
"""Maps sequence lengths to the indices of each batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    ids_BT: Tensor
    mask_BT: Tensor | None
    pooled_BT: Tensor
    """Weight of each token in the mean (residues only), FP32."""


def by_budget(budget: int) -> Batcher:
    """Return a batcher: descending length, at most `budget` padded tokens, at least one row."""

    def batches(lengths_S: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        order_S = np.argsort(-lengths_S, kind="stable")
        found, start = [], 0
        while start < len(order_S):
            rows = max(1, budget // int(lengths_S[order_S[start]]))
            found.append(order_S[start : start + rows])
            start += rows
        return found

    return batches


def padded(forward: Forward, plan: PrecisionPlan, device: torch.device, batcher: Batcher) -> Implementation:
    """Return a peer's implementation with these batches, under the same matmul settings as ours."""

    def prepare(tokens: TokenSet) -> Work:
        members = batcher(tokens.lengths_S)
        batches = [_batch(tokens, rows_B, device) for rows_B in members]
        place_S = np.argsort(np.concatenate(members))

        def work() -> NDArray[np.float32]:
            with torch.inference_mode(), precision.matmul_mode(plan):
                pooled = torch.cat([_pooled(forward, batch, device) for batch in batches]).cpu().numpy()
            embeddings_SD: NDArray[np.float32] = pooled[place_S]
            return embeddings_SD

        return work

    return prepare


def _batch(tokens: TokenSet, rows_B: NDArray[np.int64], device: torch.device) -> Batch:
    lengths_B = tokens.lengths_S[rows_B]
    columns_T = np.arange(int(lengths_B.max()))
    valid_BT = columns_T < lengths_B[:, None]
    cells_BT = np.where(valid_BT, tokens.starts_S[rows_B][:, None] + columns_T, 0)
    ids_BT = np.where(valid_BT, tokens.ids_N[cells_BT], PAD).astype(np.int64)
    # without BOS and EOS
    residues_BT = (columns_T > 0) & (columns_T < lengths_B[:, None] - 1)
    pooled_BT = (residues_BT / residues_BT.sum(axis=1, keepdims=True)).astype(np.float32)
    return Batch(
        ids_BT=_staged(ids_BT, device),
        mask_BT=None if valid_BT.all() else _staged(valid_BT.astype(np.int64), device),
        pooled_BT=_staged(pooled_BT, device),
    )


def _staged(array: NDArray[Any], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(array)
    return tensor.pin_memory() if device.type == "cuda" else tensor


def _pooled(forward: Forward, batch: Batch, device: torch.device) -> Tensor:
    mask_BT = None if batch.mask_BT is None else batch.mask_BT.to(device, non_blocking=True)
    hidden_BTD = forward(batch.ids_BT.to(device, non_blocking=True), mask_BT)
    return torch.bmm(batch.pooled_BT.to(device, non_blocking=True)[:, None], hidden_BTD.float()).squeeze(1)


_MAX_POSITIONS: Final = 1026
_UNUSED: Final = ("contact_head", "lm_head")
"""Heads not needed for an embedding; fair-esm would compute one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    name: str
    forward: Forward | None
    reason: str | None
    """Reason when it is not available."""


Builder = Callable[[LoadedModel, Esm2Spec], Forward]


def peers_of(loaded: LoadedModel, plan: PrecisionPlan) -> list[Peer]:
    """Return every peer for this model and precision; an unavailable one has its reason."""
    spec = loaded.spec
    if not isinstance(spec, Esm2Spec):
        why = "no peer: the published remote code does not work with current Triton"
        return [Peer(name="transformers", forward=None, reason=why)]
    return [_built(name, build, loaded, spec, plan) for name, build in _BUILDERS.items()]


def transformers_sdpa(loaded: LoadedModel, spec: Esm2Spec) -> Forward:
    return _transformers("sdpa", loaded, spec)


def _built(name: str, build: Builder, loaded: LoadedModel, spec: Esm2Spec, plan: PrecisionPlan) -> Peer:
    if name in _ONLY_16_BIT and not is_16_bit(storage_dtype(plan.precision)):
        return Peer(name=name, forward=None, reason="its attention supports FP16 and BF16 only")
    try:
        return Peer(name=name, forward=build(loaded, spec), reason=None)
    except ModuleNotFoundError as error:
        return Peer(name=name, forward=None, reason=f"{error.name} is not installed")
    except FAILURES as error:
        return Peer(name=name, forward=None, reason=failure_text(error))


def _transformers(attention: str, loaded: LoadedModel, spec: Esm2Spec) -> Forward:
    if attention == "flash_attention_2":
        # imported for the error that names the package
        importlib.import_module("flash_attn")
    module = importlib.import_module("transformers.models.esm.modeling_esm")
    with torch.device("meta"):
        model = module.EsmModel(_config(spec, attention), add_pooling_layer=False)
    return partial(_last_hidden_state, _adopted(model, _state(loaded)))


def _faesm(loaded: LoadedModel, spec: Esm2Spec) -> Forward:
    module = importlib.import_module("faesm.esm")
    importlib.import_module("flash_attn")
    config = _config(spec, "eager")
    config.use_fa = True
    with torch.device("meta"):
        model = module.FAEsmModel(config, add_pooling_layer=False)
    return partial(_last_hidden_state, _adopted(model, _state(loaded)))


def _fair_esm(loaded: LoadedModel, spec: Esm2Spec) -> Forward:
    module = importlib.import_module("esm.model.esm2")
    with torch.device("meta"):
        model = module.ESM2(spec.num_layers, spec.hidden, spec.num_heads, "ESM-1b", spec.token_dropout)
    state = _state(loaded)
    own_cases = {name: hugging_face_name(name) for name, _ in model.named_parameters() if not name.startswith(_UNUSED)}
    theirs = {name: state[source] for name, source in own_cases.items()}
    # its rotary table keeps the dtype of inv_freq, and its matmuls reject mixed dtypes
    theirs["inv_freq"] = back_to(state["inv_freq"], theirs["embed_tokens.weight"])
    adopted: Any = _adopted(model, theirs)

    def forward(ids_BT: Tensor, mask_BT: Tensor | None) -> Tensor:
        del mask_BT  # computed from the ids
        hidden_BTD: Tensor = adopted(ids_BT, repr_layers=[spec.num_layers])["representations"][spec.num_layers]
        return hidden_BTD

    return forward


_BUILDERS: Final[dict[str, Builder]] = {
    "transformers sdpa": transformers_sdpa,
    "transformers flash_attention_2": partial(_transformers, "flash_attention_2"),
    "faesm": _faesm,
    "fair-esm": _fair_esm,
}
_ONLY_16_BIT: Final = frozenset({"transformers flash_attention_2", "faesm"})


def _last_hidden_state(model: Any, ids_BT: Tensor, mask_BT: Tensor | None) -> Tensor:
    hidden_BTD: Tensor = model(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state
    return hidden_BTD


def _config(spec: Esm2Spec, attention: str) -> Any:
    configuration = importlib.import_module("transformers.models.esm.configuration_esm")
    return configuration.EsmConfig(
        vocab_size=spec.vocab_size,
        mask_token_id=MASK,
        pad_token_id=PAD,
        hidden_size=spec.hidden,
        num_hidden_layers=spec.num_layers,
        num_attention_heads=spec.num_heads,
        intermediate_size=spec.ffn,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=_MAX_POSITIONS,
        layer_norm_eps=spec.layer_norm_eps,
        position_embedding_type="rotary",
        emb_layer_norm_before=False,
        token_dropout=spec.token_dropout,
        attn_implementation=attention,
    )


def _state(loaded: LoadedModel) -> dict[str, Tensor]:
    """Return our tensors by Hugging Face's names; joined tensors are split into views."""
    sources = family_of(loaded.spec).sources
    found: dict[str, Tensor] = {"inv_freq": loaded.model.get_buffer("inv_freq")}
    for name, parameter in loaded.model.named_parameters():
        theirs = sources(name)
        found |= dict(zip(theirs, parameter.detach().chunk(len(theirs)), strict=True))
    return found


def _adopted(model: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """Return `model` (on the meta device) with the tensors of `state`, ready for inference.

    Raises ValueError for a parameter or buffer that our weights do not have.
    """
    for head in _UNUSED:
        if hasattr(model, head):
            setattr(model, head, nn.Identity())
    device = state["inv_freq"].device
    filled = {name: state[name] for name, _ in model.named_parameters() if name in state}
    filled |= {name: _buffer(name, buffer, state, device) for name, buffer in model.named_buffers()}
    model.load_state_dict(filled, assign=True, strict=False)
    for name, buffer in model.named_buffers():
        if buffer.is_meta:
            # not persistent, so not in a state dict
            holder, _, last = name.rpartition(".")
            model.get_submodule(holder).register_buffer(last, filled[name], persistent=False)
    missing = [name for name, parameter in model.named_parameters() if parameter.is_meta]
    if missing:
        raise ValueError(f"{type(model).__name__} has weights that own_cases have not: {', '.join(missing[:3])}")
    return model.eval().requires_grad_(False)


def _buffer(name: str, buffer: Tensor, state: dict[str, Tensor], device: torch.device) -> Tensor:
    if name.endswith("inv_freq"):
        return state["inv_freq"]
    if name.endswith("position_ids"):
        return torch.arange(buffer.shape[-1], device=device).expand(buffer.shape)
    raise ValueError(f"the buffer {name!r} is missing in our weights")
