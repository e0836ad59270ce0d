"""Each run's end-to-end time is its own: two arms on a fake of a GPU (fake_device; tests/gpu asks a real one)."""

import dataclasses
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_device import FakeEncoder, FakeStream

from vp_tui.core import text as fmt
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.queueing import delayed
from vp_tui.core.events import ArmSummary, BlockEncoded, Progress
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.budget import Budget
from vp_tui.core.workers.validate.course import Course
from vp_tui.core.workers.validate.prepare import Block
from vp_tui.core.workers.validate.schedule import Stretch, abba, encode_stretch
from vp_tui.core.workers.validate.stretches import cut_stretches
from vp_tui.core.workers.validate.throughput import Throughput, expected_seconds
from vp_tui.core.workers.validate.validation import Encoding

CUDA = torch.device("cuda")
KERNEL_S = {"reference": 0.02, "candidate": 0.002}
NUM_BLOCKS, PACKS = 12, 6
COMPARING_S = 0.02


@pytest.fixture
def data():
    """Blocks of six sequences, each of which fills a packed batch."""
    num_sequences = NUM_BLOCKS * PACKS
    members = np.arange(num_sequences).reshape(NUM_BLOCKS, PACKS)
    return SimpleNamespace(
        sequences=range(num_sequences),
        tokens=SimpleNamespace(lengths_S=np.full(num_sequences, 100)),
        blocks=tuple(Block(index=i, stratum=0, indices_S=members[i]) for i in range(NUM_BLOCKS)),
    )


def on_one_stream(data, kernel_s):
    """Both arms on one fake stream."""
    stream, found = FakeStream(), []
    for name, precision in (("reference", "fp32"), ("candidate", "fp16")):
        rows_SD = np.zeros((len(data.sequences), 4), np.float32)
        arm = ArmRunner(name, plain_plan(precision), source=None, device=CUDA, data=data, embeddings_SD=rows_SD)
        arm._encoder = FakeEncoder(stream, kernel_s[name])
        found.append(arm)
    return found


@pytest.fixture
def slow_arms(data):
    """Kernels that outlast what the host does, on a machine that others use, too."""
    return on_one_stream(data, KERNEL_S)


@pytest.fixture
def arms(data):
    """Kernels of 1 ms."""
    return on_one_stream(data, dict.fromkeys(KERNEL_S, 0.001))


@pytest.fixture
def budget():
    return Budget(100, 100, pytest.fail)


def seconds(arm):
    """Seconds of encoding and of the wall clock."""
    return sum(arm.encode_s.values()), sum(arm.wall_s.values())


def summaries(arms):
    return {
        arm.arm: ArmSummary(
            precision=arm.plan.name, attention_kernel="", attention_reason="", load_seconds=0.0, cached=False,
            seconds=seconds(arm)[0], end_to_end_seconds=seconds(arm)[1], tokens_per_s=1.0, peak_memory_mib=None,
        )
        for arm in arms
    }  # fmt: skip


def in_stretches(arms, data, budget, number=6):
    for stretch in abba(arms, tuple(data.blocks[i::number] for i in range(number))):
        for _ in encode_stretch(stretch, budget):
            pass


def block_by_block(arms, data, budget):
    """As before there were stretches: each block is queued behind one of the other arm."""
    turns = ((arm, block) for block in data.blocks for arm in arms[:: 1 if block.index % 2 == 0 else -1])
    started = ((arm, block, arm.start(block, budget)) for arm, block in turns)
    kept_s = 0.0
    for arm, block, running in delayed(started, 1):
        arm.keep(block, running, max(running.began_s, kept_s))
        kept_s = time.perf_counter()
    for arm in arms:
        arm.stretches += [(block.index,) for block in data.blocks]


def test_each_run_takes_end_to_end_what_it_would_take_alone(slow_arms, data, budget):
    arms = slow_arms
    in_stretches(arms, data, budget)
    reference_s, candidate_s = (seconds(arm) for arm in arms)
    for encode_s, wall_s in (reference_s, candidate_s):
        assert encode_s <= wall_s
    for encode_s, wall_s in (reference_s, candidate_s):
        assert wall_s < encode_s + 0.12 * reference_s[0]
    assert Throughput(data, arms, {}).contradiction(summaries(arms)) is None


def test_blocks_behind_those_of_the_other_run_gave_it_their_time_and_that_is_reported(slow_arms, data, budget):
    arms = slow_arms
    block_by_block(arms, data, budget)
    reference_s, candidate_s = (seconds(arm) for arm in arms)
    assert reference_s[1] < reference_s[0]
    assert candidate_s[1] > candidate_s[0] + 0.18 * reference_s[0]
    found = Throughput(data, arms, {}).contradiction(summaries(arms))
    assert "reference" in found
    assert f"{fmt.number(reference_s[1])} s" in found
    assert f"{fmt.number(reference_s[0] - reference_s[1])} s" in found


def test_a_stretch_whose_clocks_contradict_each_other_is_reported_although_the_sum_is_right(arms, data, budget):
    in_stretches(arms, data, budget)
    throughput, right = Throughput(data, arms, {}), summaries(arms)
    candidate = arms[1]
    for index in candidate.stretches[3]:
        candidate.wall_s[index] = 0.5 * candidate.encode_s[index]
    found = throughput.contradiction(right)
    first, *_, last = candidate.stretches[3]
    assert f"blocks {first} to {last}" in found
    assert "candidate" in found


def test_a_stored_reference_that_took_less_than_its_encoding_is_reported(arms, data, budget):
    in_stretches(arms, data, budget)
    found = summaries(arms)
    found["reference"] = dataclasses.replace(found["reference"], seconds=23.9, end_to_end_seconds=20.7, cached=True)
    text = Throughput(data, arms[1:], {}).contradiction(found)
    assert "20.7 s" in text
    assert "3.2 s" in text


def test_the_pairs_of_the_interval_are_stretches(arms, data, budget):
    in_stretches(arms, data, budget)
    reference_s, candidate_s = Throughput(data, arms, {}).paired_seconds()
    assert len(reference_s) == len(candidate_s) == 6
    assert sum(reference_s) == pytest.approx(seconds(arms[0])[0])
    assert sum(candidate_s) == pytest.approx(seconds(arms[1])[0])


def test_in_a_stretch_the_next_block_is_queued_before_one_is_kept(arms, data, budget):
    arm, told = arms[0], []
    start, keep = arm.start, arm.keep
    arm.start = lambda block, budget: told.append(f"start {block.index}") or start(block, budget)
    arm.keep = lambda block, *rest: told.append(f"keep {block.index}") or keep(block, *rest)
    list(encode_stretch(Stretch(arm, data.blocks[:3]), budget))
    assert told == ["start 0", "start 1", "keep 0", "start 2", "keep 1", "keep 2"]


class CountingSampler:
    """Whether GPU samples count, and how often they began to."""

    is_counting, counted = False, 0

    def count(self):
        self.is_counting, self.counted = True, self.counted + 1

    def stop_counting(self):
        self.is_counting = False


def test_comparing_is_in_the_time_of_neither_run_and_follows_each_pair_of_stretches(arms, data, budget):
    compared = []
    sampler = CountingSampler()

    class FakeTally:
        """Takes as long as a slow comparison."""

        done = 0

        def has(self, block):
            return block.index in compared

        def compare(self, block, reference_SD, candidate):
            assert np.array_equal(reference_SD[block.indices_S], candidate.embeddings_SD[block.indices_S])
            assert reference_SD[block.indices_S].any() or block.index == 0
            assert not sampler.is_counting
            time.sleep(COMPARING_S)
            compared.append(block.index)

        def strata(self, *_):
            return ()

        def compared(self, block, *_):
            return block.index

        def alerts(self, *_):
            return []

    for arm in arms:
        arm.warm_s[0] = 1e-5
    encoding = Encoding(
        setting=SimpleNamespace(device=CUDA, sampler=sampler, course=Course(), several=None),
        plan=SimpleNamespace(data=data, budget=budget),
        arms=SimpleNamespace(running=tuple(arms), reference=arms[0], candidate=arms[1], is_interleaved=True),
        inspection=SimpleNamespace(sample_tokens=1),
        pending=[],
        tally=FakeTally(),
        throughput=Throughput(data, arms, {}),
        keeping=SimpleNamespace(now_and_then=list),
    )
    events = []
    for event in encoding._encode(*arms):
        events.append(event)
        # the last block of a stretch has left the queue empty: what follows is comparing
        is_within = isinstance(event, BlockEncoded) and event.block % 2 == 0
        assert sampler.is_counting or not is_within
    order = [event.arm for event in events if isinstance(event, BlockEncoded)]
    assert order == (["reference"] * 2 + ["candidate"] * 4 + ["reference"] * 2) * 3
    assert compared == list(range(NUM_BLOCKS))
    assert [event for event in events if isinstance(event, int)] == compared
    assert isinstance(events[-1], Progress)
    assert (sampler.counted, sampler.is_counting) == (12, False)
    encode_s, wall_s = seconds(arms[1])
    assert encode_s <= wall_s < encode_s + 0.5 * NUM_BLOCKS * COMPARING_S


@pytest.mark.parametrize(
    ("expected_s", "number"),
    [
        ((24.0, 2.1), 6),
        ((0.5, 0.4), 6),
        ((60.0, 30.0), 16),
        ((590.0, 50.0), 30),
        ((9_000.0, 800.0), 100),
        ((0.0, 0.0), 6),
    ],
)
def test_stretches_last_seconds_in_the_faster_run_and_not_too_long_in_the_slower_one(expected_s, number):
    blocks = [Block(index=i, stratum=0, indices_S=np.arange(1)) for i in range(100)]
    found = cut_stretches(blocks, expected_s, 1)
    assert len(found) == number
    assert [block.index for stretch in found for block in stretch] == list(range(100))
    assert max(map(len, found)) - min(map(len, found)) <= 1


@pytest.mark.parametrize(("num_blocks", "ahead"), [(3, 1), (1, 1), (6, 1), (30, 0)])
def test_a_stretch_is_one_block_in_a_short_run_and_on_a_cpu(num_blocks, ahead):
    blocks = [Block(index=i, stratum=0, indices_S=np.arange(1)) for i in range(num_blocks)]
    assert cut_stretches(blocks, (900.0, 900.0), ahead) == tuple((block,) for block in blocks)


def test_the_warm_up_tells_what_a_run_takes(arms, data):
    arms[0].warm_s[0] = 2e-3
    assert expected_seconds(arms[0], data) == pytest.approx(NUM_BLOCKS * PACKS * 100 * 2e-3)
