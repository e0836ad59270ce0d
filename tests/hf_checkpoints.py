"""Tiny random encoders of transformers with tokenizers made here: what a user's own folder looks like."""

import json

import torch

AMINO_ACIDS = "LAGVSERTIDPKQNFYMHWCXBUZO"
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def prot_bert(folder):
    """ProtBERT: a BERT whose WordPiece vocabulary has one word per residue."""
    from transformers import BertConfig, BertModel

    words = [*SPECIALS, *AMINO_ACIDS]
    config = BertConfig(**sizes(), vocab_size=len(words), max_position_embeddings=1200)
    save(BertModel(config), folder)
    (folder / "vocab.txt").write_text("\n".join(words))
    write(folder / "tokenizer_config.json", tokenizer_class="BertTokenizer", do_lower_case=False)


def esm1b(folder):
    """ESM-1b: an "esm" with absolute positions and a LayerNorm before the first layer."""
    from transformers import EsmConfig, EsmModel

    from vp_tui.core.inputs.tokens import VOCABULARY

    config = EsmConfig(
        **sizes(), vocab_size=33, mask_token_id=32, pad_token_id=1, max_position_embeddings=202,
        position_embedding_type="absolute", emb_layer_norm_before=True, token_dropout=True, layer_norm_eps=1e-5,
    )  # fmt: skip
    save(EsmModel(config, add_pooling_layer=False), folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    write(folder / "tokenizer_config.json", tokenizer_class="EsmTokenizer", cls_token="<cls>", eos_token="<eos>")


def modern_bert(folder):
    """A ModernBERT over DNA with a BPE vocabulary, rounded up to a multiple of 64 as the published ones are."""
    from transformers import ModernBertConfig, ModernBertModel

    from vp_tui.core.workers.demo.dnabert import make_tokenizer

    config = ModernBertConfig(
        **sizes(), vocab_size=384, max_position_embeddings=2048, pad_token_id=3, bos_token_id=1, eos_token_id=2,
        cls_token_id=1, sep_token_id=2, local_attention=16, global_attn_every_n_layers=2,
    )  # fmt: skip
    save(ModernBertModel(config), folder)
    make_tokenizer(folder / "tokenizer.json", vocab_size=300)
    fast(folder, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")


def prot_t5(folder):
    """ProtT5: the encoder of a T5, its SentencePiece vocabulary one word per residue."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import T5Config, T5EncoderModel

    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"\u2581{one}", -2.0) for one in AMINO_ACIDS)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    fast(folder, unk_token="<unk>", pad_token="<pad>", eos_token="</s>")
    save(T5EncoderModel(T5Config(d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, vocab_size=128)), folder)


MAKERS = {"ProtBERT": prot_bert, "ESM-1b": esm1b, "ModernBERT": modern_bert, "ProtT5": prot_t5}


def sizes():
    return {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}


def save(model, folder, *, seed=0):
    """Random weights that make outputs of size 1, biases and norms included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = parameter.ndim == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if is_norm else noise * (0.5 if "embed" in name else 0.12))
    model.save_pretrained(folder)


def fast(folder, **words):
    write(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast", **words)


def write(path, **values):
    path.write_text(json.dumps(values))


REMOTE_CODE = """
import torch
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


class StrangerConfig(PreTrainedConfig):
    model_type = "stranger"

    def __init__(self, hidden_size=8, vocab_size=30, **more):
        self.hidden_size, self.vocab_size = hidden_size, vocab_size
        super().__init__(**more)


class StrangerModel(PreTrainedModel):
    config_class = StrangerConfig

    def __init__(self, config):
        super().__init__(config)
        self.embed = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        return BaseModelOutput(last_hidden_state=self.embed(input_ids))
"""


def stranger(folder):
    """An encoder that only its own Python code can run."""
    from safetensors.torch import save_file

    prot_bert(folder)
    write(
        folder / "config.json", model_type="stranger", hidden_size=8, vocab_size=30, architectures=["StrangerModel"],
        auto_map={"AutoConfig": "stranger.StrangerConfig", "AutoModel": "stranger.StrangerModel"},
    )  # fmt: skip
    weight = torch.randn(30, 8, generator=torch.Generator().manual_seed(0))
    save_file({"embed.weight": weight}, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "stranger.py").write_text(REMOTE_CODE)


GATED_ESM = """
from torch import nn
from transformers.models.esm import modeling_esm as M

from .esm_config import EsmConfig


class Gated(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)

    def forward(self, x):
        gate, value = self.dense(x).chunk(2, -1)
        return nn.functional.silu(gate) * value


class EsmForMaskedLM(M.EsmForMaskedLM):
    config_class = EsmConfig

    def __init__(self, config):
        super().__init__(config)
        for layer in self.esm.encoder.layer:
            layer.intermediate = Gated(config)
            layer.output.dense = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.post_init()
"""


def nucleotide_transformer_v2(folder):
    """An "esm" over 6-mers with a gated feed-forward in code of its own, and an auto_map without AutoModel."""
    from itertools import product

    from safetensors.torch import save_file
    from transformers import EsmConfig, EsmForMaskedLM

    words = ["<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>", *map("".join, product("ATCG", repeat=3)), *"ATCGN"]
    config = EsmConfig(
        **sizes(), vocab_size=len(words), mask_token_id=2, pad_token_id=1, max_position_embeddings=2050,
        position_embedding_type="rotary", emb_layer_norm_before=False, token_dropout=False, layer_norm_eps=1e-12,
    )  # fmt: skip
    save(EsmForMaskedLM(config), folder)
    state = _gated(folder)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    values = json.loads((folder / "config.json").read_text())
    auto_map = {"AutoConfig": "esm_config.EsmConfig", "AutoModelForMaskedLM": "modeling_esm.EsmForMaskedLM"}
    write(folder / "config.json", **{**values, "auto_map": auto_map})
    own = "from transformers import EsmConfig as Base\n\n\nclass EsmConfig(Base):\n    model_type = 'esm'\n"
    (folder / "esm_config.py").write_text(own)
    (folder / "modeling_esm.py").write_text(GATED_ESM)
    (folder / "vocab.txt").write_text("\n".join(words))
    write(folder / "tokenizer_config.json", tokenizer_class="EsmTokenizer", model_max_length=2048, eos_token=None)


def _gated(folder):
    from safetensors.torch import load_file

    state = load_file(folder / "model.safetensors")
    for name in list(state):
        if name.endswith("intermediate.dense.weight"):
            state[name] = torch.cat([state[name], state[name].flip(0)])
        elif name.endswith(("intermediate.dense.bias", ".output.dense.bias")) and "attention" not in name:
            del state[name]
    return state
