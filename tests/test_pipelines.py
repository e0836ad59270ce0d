"""Pipelines as users build them, on trained weights: nine with a fault are named, sound ones are not accused."""

import copy
import functools

import numpy as np
import pytest
import torch
import trained
from torch import nn
from transformers import EsmModel, EsmTokenizer

from samples import PROTEINS
from vp_tui.core.engine.suspects.lineup import Lineup
from vp_tui.core.engine.suspects.outputs import FP32, Outputs
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.tokenizing import tokenize
from vp_tui.core.models.loading import load
from vp_tui.core.models.precision import round_to_tf32
from vp_tui.core.workers.judged import recognize

pytestmark = [pytest.mark.trained, pytest.mark.timeout(600), pytest.mark.xdist_group("trained")]
CPU = torch.device("cpu")
NUM, LONGEST = 24, 100


@pytest.fixture(scope="module")
def folder():
    return trained.esm2_with_head()


@pytest.fixture(scope="module")
def residues():
    """Windows of real proteins, in an order that is not that of their lengths."""
    whole = sequences.read(PROTEINS).residues
    lengths = np.random.default_rng(0).integers(20, LONGEST, NUM)
    return [text[:length].decode() for text, length in zip(whole[-NUM:], lengths, strict=True)]


@pytest.fixture(scope="module")
def model(folder):
    return EsmModel.from_pretrained(
        folder, add_pooling_layer=False, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()


@pytest.fixture(scope="module")
def tokenizer(folder):
    return EsmTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def lineup(folder, residues):
    source = resolve(str(folder))
    spec = read_spec(source.path, source.name)
    data = sequences.SequenceSet(
        ids=tuple(f"w{index}" for index in range(NUM)), residues=tuple(text.encode() for text in residues)
    )
    tokens = tokenize(spec, source.path, data, None)

    def loaded():
        return load(source, FP32, CPU)

    return Lineup(
        load=loaded,
        outputs=Outputs(loaded(), CPU),
        tokens=tokens,
        rows_R=np.arange(0, NUM, 2),
        orders={"in the order of the file": np.arange(NUM)},
    )


@pytest.fixture(scope="module")
def batches(tokenizer, residues):
    """Padded batches of eight, as a tokenizer makes them."""
    return [tokenizer(residues[first : first + 8], return_tensors="pt", padding=True) for first in range(0, NUM, 8)]


def outputs(model, batches, **more):
    """last_hidden_state, attention mask and all hidden states of every batch."""
    with torch.inference_mode():
        return [(model(**batch, **more), batch["attention_mask"]) for batch in batches]


def over(hidden_BTD, mask_BT, first=1, last=1):
    """Mean over the tokens of each row without its first and last ones."""
    return [
        row_TD[first : int(valid) - last].float().mean(0)
        for row_TD, valid in zip(hidden_BTD, mask_BT.sum(1), strict=True)
    ]


def masked_mean(model, batches):
    rows = [row for found, mask in outputs(model, batches) for row in over(found.last_hidden_state, mask)]
    return torch.stack(rows).numpy()


def changed(model, change):
    other = copy.deepcopy(model)
    change(other)
    return other


# sound


def padded_with_a_mask(model, batches, **_):
    return masked_mean(model, batches)


def fp16_sdpa(model, batches, **_):
    return masked_mean(copy.deepcopy(model).half(), batches)


def fair_esm_fp32(residues, folder, **_):
    import esm

    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    batch = esm.data.Alphabet.from_architecture("ESM-1b").get_batch_converter()
    theirs = esm.model.esm2.ESM2(num_layers=6, embed_dim=320, attention_heads=20).eval()
    theirs.load_state_dict(fair_names(state), strict=False)
    rows = []
    with torch.inference_mode():
        for text in residues:
            _, _, tokens = batch([("x", text)])
            found = theirs(tokens, repr_layers=[6])["representations"][6]
            rows.append(found[0, 1 : len(text) + 1].mean(0))
    return torch.stack(rows).numpy()


def fair_names(state):
    """The tensors of transformers' names under fair-esm's."""
    parts = {
        "attention.self.query": "self_attn.q_proj", "attention.self.key": "self_attn.k_proj",
        "attention.self.value": "self_attn.v_proj", "attention.output.dense": "self_attn.out_proj",
        "attention.LayerNorm": "self_attn_layer_norm", "LayerNorm": "final_layer_norm",
        "intermediate.dense": "fc1", "output.dense": "fc2",
    }  # fmt: skip
    found = {"embed_tokens.weight": state["esm.embeddings.word_embeddings.weight"]}
    for end in ("weight", "bias"):
        found[f"emb_layer_norm_after.{end}"] = state[f"esm.encoder.emb_layer_norm_after.{end}"]
    for layer in range(6):
        base = f"esm.encoder.layer.{layer}"
        for theirs, name in parts.items():
            for end in ("weight", "bias"):
                found[f"layers.{layer}.{name}.{end}"] = state[f"{base}.{theirs}.{end}"]
        found[f"layers.{layer}.self_attn.rot_emb.inv_freq"] = state[f"{base}.attention.self.rotary_embeddings.inv_freq"]
    return found


SOUND = {
    "padded-with-a-mask": (padded_with_a_mask, "fp32"),
    "fp16": (fp16_sdpa, "fp16"),
    "fair-esm": (fair_esm_fp32, "fp32"),
}


# with a fault


def pads_in_mean(model, batches, **_):
    found = [found.last_hidden_state.mean(1) for found, _ in outputs(model, batches)]
    return torch.cat(found).numpy()


def missing_scale(model, batches, **_):
    def change(other):
        other.config.token_dropout = other.embeddings.token_dropout = False

    return masked_mean(changed(model, change), batches)


def eos_in_mean(model, batches, **_):
    rows = [row for found, mask in outputs(model, batches) for row in over(found.last_hidden_state, mask, last=0)]
    return torch.stack(rows).numpy()


class Tanh(nn.Module):
    """Every GELU of transformers' ESM replaced while it is entered."""

    def __enter__(self):
        from transformers.models.esm import modeling_esm

        self.module, self.real = modeling_esm, modeling_esm.gelu
        modeling_esm.gelu = lambda x: nn.functional.gelu(x, approximate="tanh")

    def __exit__(self, *_):
        self.module.gelu = self.real


def tanh_gelu(model, batches, **_):
    with Tanh():
        return masked_mean(model, batches)


def tanh_gelu_in_fp16(model, batches, **_):
    with Tanh():
        return masked_mean(copy.deepcopy(model).half(), batches)


def another_layer(model, batches, **_):
    states = [(found.hidden_states[-2], mask) for found, mask in outputs(model, batches, output_hidden_states=True)]
    return torch.stack([row for hidden, mask in states for row in over(hidden, mask)]).numpy()


def read_together(model, tokenizer, residues, **_):
    """Packed rows with position ids: with sdpa transformers lets all of a row read each other."""
    rows = []
    for first in range(0, NUM, 4):
        ids = [tokenizer(text)["input_ids"] for text in residues[first : first + 4]]
        packed = torch.tensor([[token for one in ids for token in one]])
        positions = torch.tensor([[place for one in ids for place in range(len(one))]])
        with torch.inference_mode():
            hidden = model(input_ids=packed, position_ids=positions).last_hidden_state[0]
        start = 0
        for one in ids:
            rows.append(hidden[start + 1 : start + len(one) - 1].mean(0))
            start += len(one)
    return torch.stack(rows).numpy()


def fp16_sums(model, batches, **_):
    rows = []
    for found, mask in outputs(copy.deepcopy(model).half(), batches):
        for row_TD, valid in zip(found.last_hidden_state, mask.sum(1), strict=True):
            residues_TD = row_TD[1 : int(valid) - 1]
            total = torch.zeros(1, residues_TD.shape[1], dtype=torch.float16)
            total.index_add_(0, torch.zeros(len(residues_TD), dtype=torch.long), residues_TD)
            rows.append((total[0] / len(residues_TD)).float())
    return torch.stack(rows).numpy()


def tf32(model, batches, **_):
    """As a GPU with TF32 does: inputs and weights of linear layers with 10 bits of mantissa."""

    def change(other):
        for module in other.modules():
            if isinstance(module, nn.Linear):
                module.weight.data = round_to_tf32(module.weight.data)
                module.register_forward_pre_hook(lambda _, inputs: (round_to_tf32(inputs[0]), *inputs[1:]))

    return masked_mean(changed(model, change), batches)


def another_checkpoint(model, batches, **_):
    def change(other):
        generator = torch.Generator().manual_seed(0)
        for name, weight in other.named_parameters():
            if name.endswith("dense.weight"):
                weight.data += 0.1 * weight.std() * torch.randn(weight.shape, generator=generator)

    return masked_mean(changed(model, change), batches)


def scaled(model, batches, **_):
    return 0.88 * masked_mean(model, batches)


def padded_divisor(model, batches, **_):
    rows = [
        row * int(valid - 2) / (len(valids_T) - 2)
        for found, mask in outputs(model, batches)
        for row, valid, valids_T in zip(over(found.last_hidden_state, mask), mask.sum(1), mask, strict=True)
    ]
    return torch.stack(rows).numpy()


LENGTHS = {"scaled": scaled, "padded-divisor": padded_divisor}
"""Faults of the embeddings' length alone."""
FAULTY = {
    "pads-in-mean": (pads_in_mean, "fp32"),
    "missing-scale": (missing_scale, "fp32"),
    "eos-in-mean": (eos_in_mean, "fp32"),
    "tanh-gelu": (tanh_gelu, "fp32"),
    "another-layer": (another_layer, "fp32"),
    "read-together": (read_together, "fp32"),
    "reduced-precision": (tf32, "fp32"),
    "another-checkpoint": (another_checkpoint, "fp32"),
}


@pytest.fixture(scope="module")
def made(model, tokenizer, residues, batches, folder):
    @functools.cache
    def embeddings(pipeline):
        return pipeline(model=model, tokenizer=tokenizer, residues=residues, batches=batches, folder=folder)

    return embeddings


@pytest.fixture(scope="module")
def recognized(made, lineup):
    def faults(pipeline, precision):
        made_SD = made(pipeline)
        return recognize.by_lineup(lineup, made_SD[lineup.rows_R].astype(np.float64), precision)

    return faults


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_pipeline_is_named(name, recognized):
    (fault,) = recognized(*FAULTY[name])
    assert fault.name == name, fault.text
    assert fault.evidence


@pytest.mark.parametrize("name", LENGTHS)
def test_one_factor_for_all_is_told_from_a_division_by_each_batch_s_length(name, recognized):
    (fault,) = recognized(LENGTHS[name], "fp32")
    assert (fault.name, fault.confidence) == (name, "clear"), fault.text
    assert ("0.88" in fault.evidence) == (name == "scaled")


def test_sums_in_fp16_are_named_and_means_rounded_to_fp16_are_not(made, residues):
    counts_S, rows_S = np.array([len(text) for text in residues]), np.arange(NUM)
    (fault,) = recognize.fp16_sums(made(fp16_sums), counts_S, rows_S)
    assert fault.name == "fp16-sums"
    for pipeline in (padded_with_a_mask, fp16_sdpa):
        for sound_SD in (made(pipeline), made(pipeline).astype(np.float16).astype(np.float32)):
            assert not [*recognize.fp16_sums(sound_SD, counts_S, rows_S)]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_pipeline_is_not_accused(name, recognized):
    assert recognized(*SOUND[name]) == []


def test_a_fault_below_the_noise_of_fp16_is_named(recognized):
    (fault,) = recognized(tanh_gelu_in_fp16, "fp16")
    assert fault.name == "tanh-gelu", fault.text
