"""ModelSpec: kind and sizes of a checkpoint, from its config.json or its tensors' shapes; no torch.

There is one frozen record per kind on a common base; everything but the forward (tokens, packing, pooling, memory,
records) uses the base only. The kind comes from the files, never from the path. The defaults of transformers' config
classes are wrong for both native models (eps, positions, token dropout), so the file must give every value. All other
encoders run inside transformers (kind hf).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from vp_tui.core.config import DNA_CUTS, PROTEIN_CUTS
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import fair_esm, hf_config
from vp_tui.core.inputs.config_json import ConfigJson
from vp_tui.core.inputs.source import SHORT_NAMES

Kind = Literal["esm2", "dnabert-s", "hf"]
Alphabet = Literal["protein", "dna"]
Pooling = Literal["residues", "all_tokens"]

MAX_RESIDUES: Final = 1022
"""Crop of ESM-2's training: 1,024 tokens with BOS and EOS."""

_VOCAB_SIZE: Final = 33
_MASK_TOKEN_ID: Final = 32
_TOKEN_TYPES: Final = 2
_FAIR_ESM_EPS: Final = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Values common to all kinds of checkpoints."""

    kind: Kind
    name: str
    """Hub id, or the name of the folder."""
    num_layers: int
    hidden: int
    """Width of the residual stream and of the embedding."""
    num_heads: int
    ffn: int
    """Width of the feed-forward layer, of one branch if gated."""
    vocab_size: int
    num_parameters: int
    """Encoder and token embedding, without heads and pooler."""
    alphabet: Alphabet | Literal["any"]
    """any: not given by the config; sequences and tokenizer decide."""
    max_residues: int | None
    """Longer sequences are truncated; None: no limit."""
    pooling: Pooling
    """Tokens whose mean is the embedding: residues only, or all including special tokens."""

    @property
    def head_dim(self) -> int:
        """Width of an attention head."""
        return self.hidden // self.num_heads


def default_cuts(alphabet: Alphabet) -> tuple[int, int]:
    """Return the default upper length of the short and the medium stratum, in bases or residues."""
    return DNA_CUTS if alphabet == "dna" else PROTEIN_CUTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Esm2Spec(ModelSpec):
    """ESM-2 of any size."""

    layer_norm_eps: float
    kind: Literal["esm2"] = "esm2"
    alphabet: Alphabet | Literal["any"] = "protein"
    max_residues: int | None = MAX_RESIDUES
    pooling: Pooling = "residues"
    token_dropout: bool
    """Embeddings are scaled by 0.88 at inference, as in training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnabertSSpec(ModelSpec):
    """DNABERT-S and DNABERT-2: MosaicBERT with a BPE vocabulary over DNA and ALiBi instead of position embeddings."""

    layer_norm_eps: float
    kind: Literal["dnabert-s"] = "dnabert-s"
    alphabet: Alphabet | Literal["any"] = "dna"
    max_residues: int | None = None
    pooling: Pooling = "all_tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class HfSpec(ModelSpec):
    """Any other encoder that transformers supports; heads, layers and ffn are 0 if config.json lacks them."""

    kind: Literal["hf"] = "hf"
    alphabet: Alphabet | Literal["any"] = "any"
    max_residues: int | None = None
    pooling: Pooling = "all_tokens"
    max_tokens: int | None
    """Positions of the model; longer sequences are truncated."""


def read_spec(path: Path, name: str | None = None) -> ModelSpec:
    """Return the spec of `path`: a folder, from its config.json, or a fair-esm file, from its tensors' shapes.

    `name` replaces the name of the path.

    Raises ModelError naming the value: config.json missing or broken, another architecture, a missing key, quantized.
    """
    if path.is_file():
        return _read_fair_esm(path, name or path.stem)
    config = ConfigJson(path)
    _refuse_quantized(config)
    return _READERS[_kind_of(config)](config, name or path.resolve().name)


def _read_fair_esm(path: Path, name: str) -> ModelSpec:
    found = fair_esm.read(path)
    if found.vocab_size != _VOCAB_SIZE:
        raise ModelError(f"{path} has {found.vocab_size} tokens, ESM-2 has {_VOCAB_SIZE}; this is another model")
    return Esm2Spec(
        name=name,
        num_layers=found.num_layers,
        hidden=found.hidden,
        num_heads=found.num_heads,
        ffn=found.ffn,
        # not in the file: the default of torch.nn.LayerNorm
        layer_norm_eps=_FAIR_ESM_EPS,
        vocab_size=_VOCAB_SIZE,
        token_dropout=found.token_dropout,
        num_parameters=_esm2_parameters(found.num_layers, found.hidden, found.ffn),
    )


def _refuse_quantized(config: ConfigJson) -> None:
    """Raise ModelError for compressed-tensors (FP8, INT8), bitsandbytes, GPTQ and the like."""
    found = config.get("quantization_config") or config.get("compression_config")
    if found:
        method = found.get("quant_method", "unknown method") if isinstance(found, dict) else found
        raise ModelError(
            f"{config.path.parent} is quantized ({method}); FP16 and FP32 of such weights say nothing about the model "
            "they were made from: give the checkpoint before quantization"
        )


def _kind_of(config: ConfigJson) -> Kind:
    model_type = config.get("model_type")
    if model_type == "esm":
        return "esm2" if _is_esm2(config) else "hf"
    if model_type == "bert" and _has_alibi(config):
        return "dnabert-s"
    if model_type or config.get("auto_map"):
        return "hf"
    raise ModelError(
        f"{config.path} has no model_type; give a checkpoint written by save_pretrained, such as "
        f"{SHORT_NAMES['esm2-8m']} or {SHORT_NAMES['dnabert-s']}"
    )


def _is_esm2(config: ConfigJson) -> bool:
    """Return whether an "esm" is ESM-2, not ESM-1b, ESM-1v or Nucleotide Transformer.

    Raises ModelError for ESMFold, and without a position type: transformers would use absolute positions.
    """
    if config.get("is_folding_model"):
        raise ModelError(f"{config.path}: is_folding_model is True; use the language model, not ESMFold")
    positions = config.field("position_embedding_type")
    is_protein = config.field("vocab_size") == _VOCAB_SIZE
    return positions == "rotary" and is_protein and not config.get("emb_layer_norm_before")


def _has_alibi(config: ConfigJson) -> bool:
    """Return whether a "bert" with absolute positions is DNABERT-2 or DNABERT-S; two other keys identify them."""
    auto_map = config.get("auto_map")
    names = auto_map.values() if isinstance(auto_map, dict) else ()
    return config.get("alibi_starting_size") is not None or any("bert_layers" in str(name) for name in names)


def _read_esm2(config: ConfigJson, name: str) -> ModelSpec:
    config.require(
        (
            ("position_embedding_type", "rotary", "absolute"),
            ("mask_token_id", _MASK_TOKEN_ID, None),
        ),
        model="ESM-2",
        instead=f"an ESM-2 checkpoint such as {SHORT_NAMES['esm2-8m']}",
    )
    layers, hidden, ffn = (config.positive(key) for key in ("num_hidden_layers", "hidden_size", "intermediate_size"))
    # rotary embeddings rotate pairs of dimensions
    heads = _heads(config, hidden, even=True)
    return Esm2Spec(
        name=name,
        num_layers=layers,
        hidden=hidden,
        num_heads=heads,
        ffn=ffn,
        layer_norm_eps=config.epsilon("layer_norm_eps"),
        vocab_size=_VOCAB_SIZE,
        token_dropout=bool(config.field("token_dropout")),
        num_parameters=_esm2_parameters(layers, hidden, ffn),
    )


def _esm2_parameters(layers: int, hidden: int, ffn: int) -> int:
    attention = 4 * hidden * hidden + 4 * hidden
    feed_forward = 2 * hidden * ffn + ffn + hidden
    two_norms = 4 * hidden
    return layers * (attention + feed_forward + two_norms) + _VOCAB_SIZE * hidden + 2 * hidden


def _read_dnabert_s(config: ConfigJson, name: str) -> ModelSpec:
    config.require(
        (
            # the published file says "absolute", although there is ALiBi and no position table
            ("position_embedding_type", "absolute", "absolute"),
            ("hidden_act", "gelu", "gelu"),
            ("type_vocab_size", _TOKEN_TYPES, _TOKEN_TYPES),
            ("is_decoder", False, False),
            ("add_cross_attention", False, False),
        ),
        model="DNABERT-S",
        instead=f"a DNABERT-S checkpoint such as {SHORT_NAMES['dnabert-s']}",
    )
    layers, hidden, ffn = (config.positive(key) for key in ("num_hidden_layers", "hidden_size", "intermediate_size"))
    vocab_size = config.positive("vocab_size")
    attention = 4 * hidden * hidden + 4 * hidden
    # the gated linear layer has two halves and no bias
    feed_forward = 3 * hidden * ffn + hidden
    two_norms = 4 * hidden
    return DnabertSSpec(
        name=name,
        num_layers=layers,
        hidden=hidden,
        num_heads=_heads(config, hidden, even=False),
        ffn=ffn,
        layer_norm_eps=config.epsilon("layer_norm_eps"),
        vocab_size=vocab_size,
        num_parameters=layers * (attention + feed_forward + two_norms) + (vocab_size + _TOKEN_TYPES + 2) * hidden,
    )


def _read_hf(config: ConfigJson, name: str) -> ModelSpec:
    found = hf_config.numbers(config)
    return HfSpec(
        name=name,
        num_layers=found["num_layers"],
        hidden=found["hidden"],
        num_heads=found["num_heads"],
        ffn=found["ffn"],
        vocab_size=found["vocab_size"],
        num_parameters=hf_config.num_parameters(config, config.path.parent),
        max_tokens=hf_config.max_tokens(config),
    )


def _heads(config: ConfigJson, hidden: int, *, even: bool) -> int:
    heads = config.positive("num_attention_heads")
    if hidden % heads or (even and hidden // heads % 2):
        raise ModelError(
            f"{config.path}: hidden_size {hidden} is not divisible by {heads} heads{' of even width' if even else ''}"
        )
    return heads


_READERS: Final[dict[Kind, Callable[[ConfigJson, str], ModelSpec]]] = {
    "esm2": _read_esm2,
    "dnabert-s": _read_dnabert_s,
    "hf": _read_hf,
}
