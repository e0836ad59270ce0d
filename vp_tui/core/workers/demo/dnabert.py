"""The demo's DNABERT-S: tiny random weights in exactly the files of the hub, with a BPE tokenizer trained for them.

config.json has every lie of the published one (model_type "bert", absolute positions, pad 0), the weights are a
pytorch_model.bin in FP32 with the unused pooler, and, unlike those of ESM-2, no FP16 numbers.

Shape suffixes: D width, F feed-forward width.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from torch import Tensor

from vp_tui.core.inputs.dna_tokens import CLS, SEP, SPECIAL_TOKENS, TOKENIZER_FILE
from vp_tui.core.inputs.synthetic import random_coding_dna

VOCAB_SIZE: Final = 4096
_CONFIG: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "alibi_starting_size": 512,
        "architectures": ["BertModel"],
        "attention_probs_dropout_prob": 0.0,
        "auto_map": {"AutoConfig": "configuration_bert.BertConfig", "AutoModel": "bert_layers.BertModel"},
        "classifier_dropout": None,
        "gradient_checkpointing": False,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512,
        "model_type": "bert",
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        "type_vocab_size": 2,
        "use_cache": True,
        "vocab_size": VOCAB_SIZE,
    }
)

_WEIGHT_STD: Final = 0.05
_BIAS_STD: Final = 0.02
_EMBEDDING_STD: Final = 1.0
_TYPE_STD: Final = 0.3
_COMMON_STD: Final = 0.2
"""Of the last LayerNorm's bias: pooled embeddings get norms near 4.6 and raw cosines near 0.87 between reads."""


def make_dnabert(
    folder: Path, *, seed: int = 0, num_layers: int = 4, hidden: int = 128, num_heads: int = 4, ffn: int | None = None
) -> None:
    """Write a DNABERT-S checkpoint with random weights and its tokenizer into `folder`.

    The same arguments give the same weights and tokens; torch's global random state is left alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ffn = 4 * hidden if ffn is None else ffn
    config = {
        **_CONFIG,
        "hidden_size": hidden,
        "intermediate_size": ffn,
        "num_attention_heads": num_heads,
        "num_hidden_layers": num_layers,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="ascii")
    torch.save(_weights(num_layers, hidden, ffn, seed), folder / "pytorch_model.bin")
    make_tokenizer(folder / TOKENIZER_FILE)


def make_tokenizer(path: Path, *, vocab_size: int = VOCAB_SIZE) -> None:
    """Write a BPE tokenizer trained on synthetic coding DNA, built as DNABERT-2's training script does."""
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL_TOKENS[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=list(SPECIAL_TOKENS), show_progress=False)
    corpus = random_coding_dna(np.full(1000, 300), seed=1)
    tokenizer.train_from_iterator((sequence.decode("ascii") for sequence in corpus), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    tokenizer.save(str(path))


def _weights(num_layers: int, hidden: int, ffn: int, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int, std: float) -> Tensor:
        return std * torch.randn(shape, generator=generator)

    def norm(name: str, bias_std: float = _BIAS_STD) -> dict[str, Tensor]:
        return {f"{name}.weight": 1 + random(hidden, std=_BIAS_STD), f"{name}.bias": random(hidden, std=bias_std)}

    def linear(name: str, out: int, inner: int, *, bias: bool = True) -> dict[str, Tensor]:
        weight = {f"{name}.weight": random(out, inner, std=_WEIGHT_STD)}
        return weight | ({f"{name}.bias": random(out, std=_BIAS_STD)} if bias else {})

    state = {
        "embeddings.word_embeddings.weight": random(VOCAB_SIZE, hidden, std=_EMBEDDING_STD),
        "embeddings.token_type_embeddings.weight": random(2, hidden, std=_TYPE_STD),
        **norm("embeddings.LayerNorm"),
    }
    for index in range(num_layers):
        layer = f"encoder.layer.{index}"
        state |= linear(f"{layer}.attention.self.Wqkv", 3 * hidden, hidden)
        state |= linear(f"{layer}.attention.output.dense", hidden, hidden)
        state |= norm(f"{layer}.attention.output.LayerNorm")
        state |= linear(f"{layer}.mlp.gated_layers", 2 * ffn, hidden, bias=False)
        state |= linear(f"{layer}.mlp.wo", hidden, ffn)
        state |= norm(f"{layer}.mlp.layernorm", _COMMON_STD if index == num_layers - 1 else _BIAS_STD)
    return state | linear("pooler.dense", hidden, hidden)
