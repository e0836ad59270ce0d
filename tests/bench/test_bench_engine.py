"""Ratios of the engine against its peers on this machine; run with `make bench`, prints, never fails on time.

The packed forward against transformers' EsmModel on padded, length-sorted batches of the same sequences, as
`vp-tui bench` does it, and the byte-table tokenizer against transformers' EsmTokenizer.
"""

import time

import numpy as np
import pytest
import torch

from samples import PROTEINS
from vp_tui.core.bench.cases import own_cases, peer_cases
from vp_tui.core.bench.implementations import Models, weights_of
from vp_tui.core.bench.interleaved import WorkItem, measure_interleaved, protocol_for
from vp_tui.core.bench.mixes import drawer
from vp_tui.core.bench.results import ratios_of
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.memory import CPU_TOKENS
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.tokens import tokenize

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
REPEATS = 5
GOAL = 1.3
"""Of the packed engine over transformers, FP32, 35M shape, two cores."""


def median_seconds(work):
    work()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


@pytest.fixture
def two_threads():
    former = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(former)


@pytest.mark.parametrize("mix", ["uniref", "virnucpro"])
@pytest.mark.usefixtures("two_threads")
def test_packed_forward_against_padded_batches(mix):
    plan = plain_plan("fp32")
    weights = weights_of("esm2-35m", is_random=True)
    models = Models(weights, torch.device("cpu"))
    tokens = drawer(mix, weights.spec, None)(2048)
    theirs, _ = peer_cases(models, plan, tokens, protocol_for(models.device), print)
    cases = [*own_cases(models, [plan], CPU_TOKENS), *theirs]
    items = [WorkItem(name=one.name, work=one.implementation(tokens)) for one in cases]
    timings = measure_interleaved(items, protocol_for(models.device), print)
    total = int(tokens.lengths_S.sum())
    rate = total / float(np.median(list(timings["vp-tui fp32"].accepted.values())))
    print(f"\n35M shape, {mix}, FP32 on two threads, {total} tokens a block: {rate:.0f} tokens/s")
    sizes = {one.engine: one.batch_tokens for one in theirs}
    for ratio in ratios_of(cases, timings):
        found = ratio.times
        goal = f", goal >= {GOAL}x" if ratio.over_engine.startswith("transformers") else ""
        peer = f"{ratio.over_engine} (sorted, padded, {sizes[ratio.over_engine]} cells)"
        print(f"{found.median:.2f}x [{found.low:.2f}, {found.high:.2f}] {peer}{goal}")


def test_byte_table_against_the_python_tokenizer(made_checkpoint):
    from transformers import EsmTokenizer

    proteins = sequences.read(PROTEINS).residues * 4
    theirs = EsmTokenizer(str(made_checkpoint() / "vocab.txt"))
    texts = [protein.decode() for protein in proteins]
    ours_s = median_seconds(lambda: tokenize(proteins, max_residues=1022))
    theirs_s = median_seconds(lambda: theirs(texts)["input_ids"])
    tokens = sum(map(len, proteins)) + 2 * len(proteins)
    print(f"\ntokenizer: {tokens / ours_s / 1e6:.0f} M tokens/s, {theirs_s / ours_s:.0f}x EsmTokenizer")
