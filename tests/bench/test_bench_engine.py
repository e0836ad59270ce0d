"""Ratios of the engine against its peers on this machine; run with `make bench`, prints, never fails on time.

The packed forward against transformers' EsmModel on padded, length-sorted batches of the same sequences, and the
byte-table tokenizer against transformers' EsmTokenizer.
"""

import time

import numpy as np
import pytest
import torch

from samples import PROTEINS
from vp_tui.core import packing, sequences
from vp_tui.core.config import plain_plan
from vp_tui.core.encode import Encoder
from vp_tui.core.models.loading import load
from vp_tui.core.models.source import resolve
from vp_tui.core.tokens import tokenize

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
REPEATS = 5


def median_seconds(work):
    work()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


@pytest.fixture(scope="module")
def proteins():
    return sequences.read(PROTEINS).residues * 4


def test_packed_forward_against_padded_batches(made_checkpoint, proteins):
    from transformers import EsmModel

    folder, device = made_checkpoint(), torch.device("cpu")
    tokens = tokenize(proteins, max_residues=1022)
    encoder = Encoder(load(resolve(str(folder)), plain_plan("fp32"), device), plain_plan("fp32"), device)
    packs = packing.first_fit_decreasing(tokens.lengths_S, 4096)
    theirs = EsmModel.from_pretrained(
        folder, add_pooling_layer=False, dtype=torch.float32, local_files_only=True
    ).eval()
    batches = _padded(tokens, size=16)

    def padded():
        with torch.inference_mode():
            for ids_BT, mask_BT in batches:
                theirs(input_ids=ids_BT, attention_mask=mask_BT)

    ours_s, theirs_s = median_seconds(lambda: encoder.encode(tokens, packs)), median_seconds(padded)
    rate = tokens.ids_N.size / ours_s
    print(f"\npacked FP32 on CPU: {rate:.0f} tokens/s, {theirs_s / ours_s:.2f}x transformers (sdpa, sorted, padded)")


def _padded(tokens, *, size):
    order = np.argsort(tokens.lengths_S)
    batches = []
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        width = int(tokens.lengths_S[chosen].max())
        ids_BT = torch.ones(len(chosen), width, dtype=torch.long)
        for row, index in enumerate(chosen):
            begin, length = int(tokens.starts_S[index]), int(tokens.lengths_S[index])
            ids_BT[row, :length] = torch.from_numpy(tokens.ids_N[begin : begin + length].astype(np.int64))
        batches.append((ids_BT, (ids_BT != 1).long()))
    return batches


def test_byte_table_against_the_python_tokenizer(made_checkpoint, proteins, tmp_path):
    from transformers import EsmTokenizer

    theirs = EsmTokenizer(str(made_checkpoint() / "vocab.txt"))
    texts = [protein.decode() for protein in proteins]
    ours_s = median_seconds(lambda: tokenize(proteins, max_residues=1022))
    theirs_s = median_seconds(lambda: theirs(texts)["input_ids"])
    tokens = sum(map(len, proteins)) + 2 * len(proteins)
    print(f"\ntokenizer: {tokens / ours_s / 1e6:.0f} M tokens/s, {theirs_s / ours_s:.0f}x EsmTokenizer")
