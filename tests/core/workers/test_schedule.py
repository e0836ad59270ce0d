"""In which order blocks are started and read; the arms are fakes that write down what is asked of them. What the order
does to their clocks: test_stretches.py."""

from types import SimpleNamespace

import pytest

from vp_tui.core.engine.queueing import delayed
from vp_tui.core.errors import ResourceError
from vp_tui.core.workers.validate.schedule import Stretch, abba, encode_stretch

CPU, CUDA = 0, 1
"""Blocks that are started ahead."""


class FakeArm:
    def __init__(self, told, name="", ahead=CUDA):
        self.told, self.name = told, name
        self.since_s = []
        self.stretches = []
        self.encoder = SimpleNamespace(drain=lambda: told.append(f"drain {name}"), ahead=ahead)

    def start(self, block, budget):
        self.told.append(f"start {self.name}{block.index}")
        return block

    def keep(self, block, running, since_s):
        assert running is block
        self.told.append(f"keep {self.name}{block.index}")
        self.since_s.append(since_s)
        return SimpleNamespace(block=block.index, wall_s=100.0)


BLOCKS = tuple(SimpleNamespace(index=number) for number in range(3))


def test_on_a_gpu_the_next_block_of_a_stretch_is_queued_before_the_last_one_is_read():
    told = []
    for block, event in encode_stretch(Stretch(FakeArm(told), BLOCKS), None):
        told.append(f"told {block.index}")
        assert event.block == block.index
    assert told[1:] == ["start 0", "start 1", "keep 0", "told 0", "start 2", "keep 1", "told 1", "keep 2", "told 2"]


def test_on_a_cpu_a_block_is_read_before_the_next_one_begins():
    told = []
    for block, _ in encode_stretch(Stretch(FakeArm(told, ahead=CPU), BLOCKS), None):
        told.append(f"told {block.index}")
    assert told[1:] == [f"{step} {number}" for number in range(3) for step in ("start", "keep", "told")]


def test_a_stretch_begins_on_an_idle_device_and_ends_with_its_last_block_read():
    told = []
    arms = FakeArm(told, "a"), FakeArm(told, "b")
    for stretch in abba(arms, (BLOCKS[:2], BLOCKS[2:])):
        list(encode_stretch(stretch, None))
    first, second = ["start {0}0", "start {0}1", "keep {0}0", "keep {0}1"], ["start {0}2", "keep {0}2"]
    steps = [("a", first), ("b", first), ("b", second), ("a", second)]
    assert told == [line.format(arm) for arm, lines in steps for line in ("drain {0}", *lines)]
    assert arms[0].stretches == arms[1].stretches == [(0, 1), (2,)]


def test_the_seconds_of_a_block_begin_when_the_one_before_it_was_kept():
    arm = FakeArm([])
    list(encode_stretch(Stretch(arm, BLOCKS), None))
    first_s, second_s, third_s = arm.since_s
    assert (second_s - first_s, third_s - second_s) == pytest.approx((100.0, 100.0))


def test_a_block_that_does_not_fit_ends_the_stretch_with_its_error():
    class FakeFullArm(FakeArm):
        def start(self, block, budget):
            if block.index == 1:
                raise ResourceError("no room")
            return super().start(block, budget)

    with pytest.raises(ResourceError, match="no room"):
        list(encode_stretch(Stretch(FakeFullArm([]), BLOCKS), None))


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
