"""What the live measures cost; run with `make bench`, prints shares with an interval, never fails on time.

Goal: at most 1 % each. The device part is counting NaN and Inf in every token output, against the same encoder
without it, in ABBA order; the host part is comparing a block and making its events, against the block's own time.
"""

import time
from functools import partial

import numpy as np
import pytest
import torch

from vp_tui.core.config import RunConfig, plain_plan
from vp_tui.core.engine import memory
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.measures.speed import ratio_interval
from vp_tui.core.models.loading import load
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.data import make_fasta
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.budget import Budget
from vp_tui.core.workers.validate.prepare import prepare
from vp_tui.core.workers.validate.tally import Tally

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
SHAPES = {
    "tiny": {"num_layers": 6, "hidden": 128, "num_heads": 2},
    "35M": {"num_layers": 12, "hidden": 480, "num_heads": 20},
}
DEVICES = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
FP16 = plain_plan("fp16")
ROUNDS = 10


class Uncounted(Encoder):
    """The ordinary encoder without the NaN and Inf counts."""

    counts = False


@pytest.fixture(scope="module", params=SHAPES)
def source(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / request.param
    make_checkpoint(folder, **SHAPES[request.param])
    return resolve(str(folder))


def prepared(source, device, folder, *, num_sequences):
    path = folder / "sequences.fasta"
    make_fasta(path, num_sequences=num_sequences)
    spec = read_spec(source.path)

    def budget(longest):
        return memory.auto_token_budget(spec, [FP16], device, memory.free_memory(device), longest)

    return spec, prepare(
        RunConfig(model=str(source.path), input=str(path)), spec, source.path, cache=None, budget_for=budget
    )


def percent(with_s, without_s):
    """Mean extra time in percent, with its 95 % interval over pairs."""
    low, high = ratio_interval(with_s, without_s)
    return f"{100 * (sum(with_s) / sum(without_s) - 1):+.2f} % [{100 * (low - 1):+.2f}, {100 * (high - 1):+.2f}]"


def seconds_of(encoder, tokens, packs):
    """On a CPU its own seconds: what else runs there does not count."""
    started = time.process_time()
    wall_s = encoder.encode(tokens, packs).wall_s
    return time.process_time() - started if encoder.device.type == "cpu" else wall_s


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_counting_non_finite_values(source, device, tmp_path):
    loaded = load(source, FP16, device)
    # ten blocks on a GPU are timed at once, or the pooling's launches would be all there is
    _, data = prepared(source, device, tmp_path, num_sequences=90 if device.type == "cpu" else 6000)
    packs = [block.indices_S for block in data.blocks][: 3 if device.type == "cpu" else None]
    encoders = {"on": Encoder(loaded, FP16, device), "off": Uncounted(loaded, FP16, device)}
    seconds = {"on": [], "off": []}
    for encoder in encoders.values():
        encoder.encode(data.tokens, packs)
    for turn in range(ROUNDS):
        for name in ("on", "off", "off", "on") if turn % 2 == 0 else ("off", "on", "on", "off"):
            seconds[name].append(seconds_of(encoders[name], data.tokens, packs))
    tokens = sum(int(data.tokens.lengths_S[pack].sum()) for pack in packs)
    print(f"\ncounts, {source.path.name} on {device}, {tokens} tokens: {percent(seconds['on'], seconds['off'])}")


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_comparing_a_block_and_making_its_events(source, device, tmp_path):
    num_sequences = 10_000 if device.type == "cuda" else 600 if source.path.name == "tiny" else 90
    spec, data = prepared(source, device, tmp_path, num_sequences=num_sequences)
    embeddings_SD = np.zeros((num_sequences, spec.hidden), np.float32)
    arm = ArmRunner("candidate", FP16, source=source, device=device, data=data, embeddings_SD=embeddings_SD)
    arm.load()
    budget = Budget(data.budget, int(data.tokens.lengths_S.max()), pytest.fail)
    tally = Tally(data, Thresholds())
    for block in data.blocks:
        arm.keep(block, arm.start(block, budget))
    x_SD = arm.embeddings_SD * np.float32(1.0001)

    def compare(block):
        tally.compare(block, x_SD, arm)
        tally.compared(block, arm, tally.strata(arm, {"reference": {}, "candidate": {}}))
        list(tally.alerts(block, arm))

    def seconds(block, meanwhile):
        started = time.perf_counter()
        running = arm.start(block, budget)
        meanwhile()
        arm.keep(block, running)
        return time.perf_counter() - started

    on_s, off_s = [], []
    for turn, block in enumerate(data.blocks):
        # as in a run: a block is compared while the device works on another one
        ways = [(on_s, partial(compare, block)), (off_s, lambda: None)]
        for found_s, meanwhile in ways if turn % 2 == 0 else ways[::-1]:
            found_s.append(seconds(block, meanwhile))
    print(f"\nhost, {source.path.name} on {device}, {num_sequences} sequences: {percent(on_s, off_s)}")
