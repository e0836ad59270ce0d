"""The published fine-tuned checkpoint with its head loads as it is, and embeds as its encoder alone does."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from samples import PROTEINS
from vp_tui.core.config import RunConfig
from vp_tui.core.workers.embed import embed

pytestmark = pytest.mark.trained


@pytest.fixture(scope="module")
def encoder_only(tmp_path_factory, trained_esm2):
    """A copy of the checkpoint without its head, under names without prefix."""
    given, folder = trained_esm2, tmp_path_factory.mktemp("encoder") / "esm2"
    folder.mkdir()
    state = torch.load(given / "pytorch_model.bin", weights_only=True)
    assert any(name.startswith("classifier.") for name in state), "the published file has a head"
    encoder = {name.removeprefix("esm."): tensor for name, tensor in state.items() if name.startswith("esm.")}
    save_file(encoder, folder / "model.safetensors")
    values = json.loads((given / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "architectures": ["EsmModel"]}))
    return folder


def embedded(folder, precision):
    notes = []
    made = embed(RunConfig(model=str(folder), input=str(PROTEINS), precision=precision, device="cpu"), notes.append)
    return made.embeddings_SD, notes


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_head_changes_no_bit_of_an_embedding_and_is_named(precision, encoder_only, trained_esm2):
    whole_SD, notes = embedded(trained_esm2, precision)
    alone_SD, _ = embedded(encoder_only, precision)
    assert np.array_equal(whole_SD, alone_SD)
    assert any("classifier (4 tensors)" in note for note in notes)


def test_embeddings_equal_transformers_own_of_the_published_file(proteins, trained_esm2):
    from transformers import EsmModel

    from vp_tui.core.inputs.tokens import tokenize

    model = EsmModel.from_pretrained(trained_esm2, dtype=torch.float32, attn_implementation="eager").eval()
    rows = []
    with torch.inference_mode():
        for protein in proteins:
            ids = torch.from_numpy(tokenize([protein], max_residues=1022).ids_N[None]).long()
            rows.append(model(input_ids=ids, attention_mask=torch.ones_like(ids))[0][0, 1:-1].double().mean(0))
    wanted_SD = torch.stack(rows).numpy()
    whole_SD, _ = embedded(trained_esm2, "fp32")
    error_S = np.linalg.norm(whole_SD - wanted_SD, axis=1) / np.linalg.norm(wanted_SD, axis=1)
    # FP32 reordering on trained weights: 2.6e-6 on 30 other proteins
    assert error_S.max() < 1e-5
