"""Overhead of several devices; run with `make bench`, prints ratios, never fails on time.

Real Ray actors of this machine encode 100,000 sequences with a sleeping fake in the place of a GPU: its packed batches
take the seconds that were measured on an H200. The overhead is the share of the wall clock in which the devices do not
encode; the CPU seconds are those of the run's process. A busy machine makes both larger.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Running
from vp_tui.core.engine.queueing import delayed
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.runs.devices import Devices
from vp_tui.core.workers.embedder import started
from vp_tui.core.workers.validate.budget import Budget

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "workers"))
import fake_device

ray = pytest.importorskip("ray", reason="the extra ray is not installed: pip install vp-tui[ray]")

from ray import cloudpickle  # noqa: E402

from vp_tui.core.workers.fleet import cluster  # noqa: E402
from vp_tui.core.workers.fleet.actor import Order  # noqa: E402

pytestmark = [
    pytest.mark.bench,
    pytest.mark.timeout(900),
    # of Ray itself
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]
SEQUENCES = 100_000
DEVICES = 2
BUDGET = 33_792
GOAL = 0.02


class SleepingEncoder:
    """A fake of an encoder: a packed batch sleeps `seconds` per BUDGET tokens; embeddings are the sequence's number."""

    ahead = 1

    def __init__(self, seconds, width):
        self._stream, self._seconds, self._width = fake_device.FakeStream(), seconds, width

    def start(self, tokens, packs):
        began_s = time.perf_counter()
        members_S = np.concatenate(packs)
        total = int(tokens.lengths_S[members_S].sum())
        kernels = [self._stream.launch(self._seconds * float(tokens.lengths_S[pack].sum()) / BUDGET) for pack in packs]
        none_S = torch.zeros(len(members_S), dtype=torch.int64)
        rows_SD = np.repeat(members_S[:, None], self._width, axis=1).astype(np.float32)
        return Running(
            packs=packs, tokens=total, embeddings_SD=torch.from_numpy(rows_SD), nan_S=none_S, bad_S=none_S,
            clock=fake_device.FakeClock(kernels), began_s=began_s,
        )  # fmt: skip


class SleepingEncoders:
    """Makes them in the actors, whatever the model."""

    note = None

    def __init__(self, seconds, width):
        self._arguments = seconds, width

    def make(self, arm, loaded, plan, device):
        return SleepingEncoder(*self._arguments)


@pytest.fixture(scope="module")
def fleet():
    # the actors cannot import this folder
    for module in (sys.modules[__name__], fake_device):
        cloudpickle.register_pickle_by_value(module)
    with cluster.started(Devices("cpu", None, DEVICES), None, print) as made:
        yield made


def token_set(mean):
    """SEQUENCES sequences of about `mean` tokens."""
    lengths_S = np.random.default_rng(0).integers(mean // 2, 3 * mean // 2, SEQUENCES)
    return TokenSet(
        ids_N=np.zeros(int(lengths_S.sum()), np.int32), lengths_S=lengths_S, starts_S=np.cumsum(lengths_S) - lengths_S,
        truncated=0, unknown=0, unknown_letters={}, lower_case=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "seconds", "width", "mean"),
    [("DNABERT-S, FP16", 0.017, 768, 102), ("ESM-2 3B, FP16", 0.350, 2560, 300)],
    ids=["dnabert-s", "esm2-3b"],
)
def test_overhead_of_the_run_process(name, seconds, width, mean, fleet, made_checkpoint):
    plan, tokens = plain_plan("fp32"), token_set(mean)
    order = Order(
        arm="candidate", source=resolve(str(made_checkpoint())), plan=plan, attention="auto", spare_fp32=False,
        linear="native", encoders=SleepingEncoders(seconds, width),
    )  # fmt: skip
    _, encoder = fleet.load(order)
    encoder.encode(tokens, [np.arange(BUDGET // (2 * mean))])
    print(f"\n{name}, {DEVICES} actors that sleep: {encoded(encoder, tokens, SEQUENCES, DEVICES)} (goal {GOAL:.0%})")
    alone = encoded(SleepingEncoder(seconds, width), tokens, SEQUENCES // 10, 1)
    print(f"the same fake in this process, without Ray: {alone}")


def encoded(encoder, tokens, count, devices):
    """Encode the first `count` sequences; return the overhead and its cost in words."""
    seen_S = np.zeros(count, bool)
    busy_s, packs, cpu_s, began_s = 0.0, 0, time.process_time(), time.perf_counter()
    budget = Budget(BUDGET, int(tokens.lengths_S.max()), print)
    first = replace(tokens, lengths_S=tokens.lengths_S[:count], starts_S=tokens.starts_S[:count])
    for running in delayed(started(encoder, first, np.zeros(count, np.int64), budget), encoder.ahead):
        block = running.finish()
        busy_s += block.encode_s
        packs += int(block.pack_of_S[-1]) + 1
        assert np.array_equal(block.embeddings_SD[:, -1], block.seq_indices_S)
        seen_S[block.seq_indices_S] = True
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    assert seen_S.all()
    return (
        f"{count} sequences, {packs} packed batches of {1e3 * busy_s * devices / packs:.1f} ms, overhead "
        f"{1 - busy_s / wall_s:.2%} of {wall_s:.1f} s, {1e3 * cpu_s / packs:.2f} ms CPU of this process for each"
    )
