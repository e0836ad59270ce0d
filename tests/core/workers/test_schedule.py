"""In which order blocks are started and read; the arms are fakes that write down what is asked of them, because only a
GPU has work under way (tests/gpu/test_turns_cuda.py asks a real one)."""

import time
from types import SimpleNamespace

import pytest
import torch

from vp_tui.core.errors import ResourceError
from vp_tui.core.workers.validate.schedule import delayed, encode_in_order


class FakeArm:
    def __init__(self, told, name=""):
        self.told, self.name = told, name
        self.since_s = []

    def start(self, block, budget):
        self.told.append(f"start {self.name}{block.index}")
        return block

    def keep(self, block, running, since_s):
        assert running is block
        self.told.append(f"keep {self.name}{block.index}")
        self.since_s.append(since_s)
        return f"event {block.index}"


BLOCKS = [SimpleNamespace(index=number) for number in range(3)]


def test_on_a_gpu_the_next_block_is_queued_before_the_last_one_is_read():
    told = []
    arm = FakeArm(told)
    for block, event in encode_in_order(((arm, block) for block in BLOCKS), None, torch.device("cuda")):
        told.append(f"told {block.index}")
        assert event == f"event {block.index}"
    assert told == ["start 0", "start 1", "keep 0", "told 0", "start 2", "keep 1", "told 1", "keep 2", "told 2"]


def test_on_a_cpu_a_block_is_read_before_the_next_one_begins():
    told = []
    arm = FakeArm(told)
    for block, _ in encode_in_order(((arm, block) for block in BLOCKS), None, torch.device("cpu")):
        told.append(f"told {block.index}")
    assert told == [f"{step} {number}" for number in range(3) for step in ("start", "keep", "told")]


def test_two_arms_are_read_in_the_order_of_their_turns():
    told = []
    one, other = FakeArm(told, "a"), FakeArm(told, "b")
    turns = [(one, BLOCKS[0]), (other, BLOCKS[0]), (other, BLOCKS[1]), (one, BLOCKS[1])]
    list(encode_in_order(turns, None, torch.device("cuda")))
    assert [line for line in told if line.startswith("keep")] == ["keep a0", "keep b0", "keep b1", "keep a1"]


def test_the_seconds_of_a_block_begin_when_the_one_before_it_was_done():
    arm = FakeArm([])
    before_s = time.perf_counter()
    list(encode_in_order(((arm, block) for block in BLOCKS), None, torch.device("cuda")))
    first_s, *others_s = arm.since_s
    assert first_s == 0.0
    assert before_s < others_s[0] <= others_s[1] <= time.perf_counter()


def test_a_block_that_does_not_fit_ends_the_turns_with_its_error():
    class FakeFullArm(FakeArm):
        def start(self, block, budget):
            if block.index == 1:
                raise ResourceError("no room")
            return super().start(block, budget)

    arm = FakeFullArm([])
    with pytest.raises(ResourceError, match="no room"):
        list(encode_in_order(((arm, block) for block in BLOCKS), None, torch.device("cuda")))


@pytest.mark.parametrize(("count", "by"), [(0, 1), (1, 0), (1, 1), (5, 1), (5, 2), (2, 7)])
def test_what_comes_behind_is_everything_in_order_and_so_many_later(count, by):
    taken = []

    def source():
        for number in range(count):
            taken.append(number)
            yield number

    for place, number in enumerate(delayed(source(), by)):
        assert number == place
        assert len(taken) == min(place + by + 1, count)
