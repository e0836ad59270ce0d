"""Checkpoints and proteins shared by the engine's tests, and transformers' EsmModel as the oracle.

torch is imported inside the fixtures, so that tests that need none are collected in a second.
"""

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from vp_tui.core.config import plain_plan
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.tokens import tokenize

REPOSITORY = Path(__file__).parents[2]
REAL_PROTEINS = REPOSITORY / "tests/data/viral_proteins_40.faa"
MANY_PROTEINS = REPOSITORY.parent / "shared/data/viral_proteins.faa.gz"


def read_fasta(text):
    records = [record.split("\n", 1) for record in text.split(">")[1:]]
    return [body.replace("\n", "").encode() for _, body in records]


@pytest.fixture(scope="session", autouse=True)
def one_thread_per_worker():
    """With xdist, two workers of two threads each on two cores spend their time waiting: 5 times slower."""
    if "PYTEST_XDIST_WORKER" in os.environ and "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def proteins():
    """40 real proteins of 25..1022 residues."""
    return read_fasta(REAL_PROTEINS.read_text())


@pytest.fixture(scope="session")
def many_proteins(proteins):
    """300 real proteins, the shortest and the longest among them, where the shared data is, else the 40."""
    if not MANY_PROTEINS.exists():
        return proteins
    found = [
        protein for protein in read_fasta(gzip.decompress(MANY_PROTEINS.read_bytes()).decode()) if len(protein) >= 20
    ]
    found.sort(key=len)
    return [
        found[i]
        for i in (*range(10), *np.random.default_rng(0).permutation(len(found) - 20)[:280] + 10, *range(-10, 0))
    ]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """checkpoint(num_layers=.., hidden=.., fault=..): folder of a checkpoint, made once per shape."""
    from vp_tui.core.workers.demo.checkpoints import make_checkpoint

    made = {}

    def folder_of(*, num_layers=2, hidden=128, num_heads=2, fault=None):
        key = (num_layers, hidden, num_heads, fault)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("checkpoint") / "esm2"
            make_checkpoint(made[key], num_layers=num_layers, hidden=hidden, num_heads=num_heads, fault=fault)
        return made[key]

    return folder_of


@pytest.fixture(scope="session")
def tiny(checkpoint):
    return checkpoint()


def load_model(folder, precision="fp32", device="cpu"):
    import torch

    from vp_tui.core.models import loading

    device = torch.device(device)
    return loading.load(ModelSource(given=str(folder), folder=Path(folder)), plain_plan(precision), device)


@pytest.fixture(scope="session")
def load():
    """load(folder, precision) -> LoadedModel on the CPU."""
    return load_model


@pytest.fixture(scope="session")
def engine_states():
    """engine_states(folder, proteins, ...): token outputs [n, D] of our packed forward, per protein."""
    import torch

    from vp_tui.core.models.kernels.base import to_device

    def states(folder, residues, *, precision="fp32", budget=4096, loaded=None):
        model = (loaded or load_model(folder, precision)).model
        tokens = tokenize(residues, max_residues=1022)
        found = {}
        for pack in packing.by_length(tokens.lengths_S, budget):
            layout = packing.layout(tokens.lengths_S[pack])
            parts = [tokens.ids_N[tokens.starts_S[i] :][: tokens.lengths_S[i]] for i in pack]
            ids_N = torch.from_numpy(np.concatenate(parts).astype(np.int64))
            hidden_ND = model(ids_N, to_device(layout, torch.device("cpu")))
            for row, index in enumerate(pack):
                found[int(index)] = hidden_ND[layout.cu_seqlens[row] : layout.cu_seqlens[row + 1]]
        return [found[i] for i in range(len(residues))]

    return states


@pytest.fixture(scope="session")
def oracle_states():
    """oracle_states(folder, proteins): the same from transformers, eager FP32, one protein at a time."""

    def states(folder, residues):
        import torch
        from transformers import EsmModel

        model = EsmModel.from_pretrained(
            folder, add_pooling_layer=False, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        found = []
        with torch.inference_mode():
            for protein in residues:
                ids = torch.from_numpy(tokenize([protein], max_residues=1022).ids_N.astype(np.int64))[None]
                found.append(model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0])
        return found

    return states


@pytest.fixture(scope="session")
def max_error():
    """max_error(a, b): largest absolute difference between two lists of tensors, NaN when there is one."""
    import torch

    def error(a, b):
        # Python's max would drop a NaN
        return torch.stack([(x.float() - y.float()).abs().max() for x, y in zip(a, b, strict=True)]).max().item()

    return error
