"""A validation run as a stream of events: read, load, encode both arms block by block, compare, judge.

Both arms are resident when memory allows and alternate in ABBA order, so that similarity streams from the first stretch
of blocks and the speed ratio is paired. Otherwise, or when the reference is already stored, one arm follows the other.
Nothing here knows a store, a screen or a signal.
"""

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

import torch

from vp_tui.core import text as fmt
from vp_tui.core.engine import environment, memory
from vp_tui.core.events import AlertRaised, Event, Progress, now_us
from vp_tui.core.workers.validate.arms import ArmRunner, first_blocks, weight_notes
from vp_tui.core.workers.validate.budget import tokens_of_packs
from vp_tui.core.workers.validate.course import AGAIN, ENCODING, FIRST, LOADING, MEASURING
from vp_tui.core.workers.validate.inspection import Inspection
from vp_tui.core.workers.validate.outcome import Outcome, Usage
from vp_tui.core.workers.validate.plan import Arms, Place, Plan, Setting, create_arms, note, planned, read
from vp_tui.core.workers.validate.prepare import Block
from vp_tui.core.workers.validate.resuming import Keeping
from vp_tui.core.workers.validate.schedule import Stretch, abba, encode_stretch
from vp_tui.core.workers.validate.stretches import Stretches, cut_stretches, shared_evenly
from vp_tui.core.workers.validate.tally import Tally
from vp_tui.core.workers.validate.throughput import Throughput, devices_in_words, expected_seconds

log = logging.getLogger("vp_tui.run")

__all__ = ["Place", "Setting", "validate"]


def validate(setting: Setting) -> Generator[Event, None, None]:
    """Run to the end.

    Raises:
        InputError, ModelError, UsageError, ResourceError: as the modules say.
    """
    began_s = time.time() - time.monotonic()
    pending: list[Event] = []
    with ExitStack() as stack:
        plan = yield from read(setting, lambda text: pending.append(_halved(text)))
        arms = create_arms(setting, plan, stack)
        keeping = Keeping(setting, plan, arms)
        try:
            yield from _measured(setting, plan, arms, keeping, pending, began_s)
        except BaseException:
            # whatever ends it early, a signal included: what is finished is kept
            problem = keeping.write()
            if problem is not None:
                log.warning(problem)
            raise
        keeping.discard()


def _measured(
    setting: Setting, plan: Plan, arms: Arms, keeping: Keeping, pending: list[Event], began_s: float
) -> Iterator[Event]:
    """Encode, inspect and judge; `began_s` is the start of the wall clock against the monotonic one."""
    inspection = Inspection(setting, plan)
    yield planned(setting, plan, arms)
    tally = Tally(plan.data, setting.config.thresholds)
    throughput = Throughput(plan.data, arms.running, plan.stored.rates)
    yield from keeping.taken_over()
    yield from Encoding(setting, plan, arms, inspection, pending, tally, throughput, keeping).events()
    usage = _usage(setting)
    if setting.several is not None:
        yield note("device", devices_in_words(throughput.of_devices(setting.several)))
    yield from tally.unnamed()
    inspected = yield from inspection.events(arms)
    yield from setting.course.enter(MEASURING, "storing the embeddings")
    outcome = Outcome(
        setting=setting,
        plan=plan,
        arms=arms,
        tally=tally,
        throughput=throughput,
        usage=usage,
        inspected=inspected,
        clock_jump_s=abs(time.time() - time.monotonic() - began_s),
    )
    storing_s, problem = outcome.write_embeddings()
    if problem is not None:
        yield note("store", problem)
    if outcome.clock_suspect:
        yield note(
            "store",
            f"the clock of this machine was set by {fmt.seconds(outcome.clock_jump_s)} during the run: when it "
            "started and how long it took are not known; the measured speed does not depend on that clock",
        )
    yield setting.course.finished()
    yield replace(outcome.finished(storing_s), step_seconds=setting.course.seconds)


def _halved(text: str) -> AlertRaised:
    return AlertRaised(at_us=now_us(), kind="memory", severity="warn", message=text)


def _usage(setting: Setting) -> Usage:
    """Return what the run has used so far; the encoding is over and nothing else has begun."""
    sampler, device = setting.sampler, setting.device
    return Usage(
        utilization=sampler.mean_utilization(),
        peak_memory_mib=memory.peak_memory_mib(device) if setting.several is None else None,
        gpu_name=environment.device_name(device) if device.type == "cuda" else None,
        disturbed=_lost(setting) or sampler.spoiled(),
    )


def _lost(setting: Setting) -> str | None:
    lost = () if setting.several is None else setting.several.lost
    return f"{', '.join(lost)} went away during the run" if lost else None


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding phase: loads, warms up, encodes, compares."""

    setting: Setting
    plan: Plan
    arms: Arms
    inspection: Inspection
    """Needs an arm before it is unloaded."""
    pending: list[Event]
    """Events that wait for the next block."""
    tally: Tally
    throughput: Throughput
    keeping: Keeping

    def events(self) -> Iterator[Event]:
        """Encode all blocks in the arms that run, and compare them."""
        arms = self.arms
        if self.setting.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.setting.device)
        for arm in arms.running if arms.is_interleaved else arms.running[:1]:
            yield from self._bring_up(arm)
        if arms.is_interleaved:
            names = [arm.plan.name.upper() for arm in (arms.candidate, arms.reference)]
            yield from self.setting.course.enter(ENCODING, f"comparing {names[0]} with {names[1]}")
            yield from self._encode(*arms.running)
        else:
            yield from self._one_after_the_other()

    def _bring_up(self, arm: ArmRunner) -> Iterator[Event]:
        course, step = self.setting.course, self._step(LOADING, arm)
        yield from course.enter(step, f"loading {self.plan.spec.name} in {arm.plan.name.upper()}")
        loaded = arm.load()
        yield from (note("precision", text) for text in weight_notes(loaded, arm.plan))
        if arm is self.arms.running[-1]:
            yield from (note("model", text) for text in loaded.notes)
        yield from course.enter(step, f"warming up {arm.plan.name.upper()}")
        arm.compile_kernels()
        for block in first_blocks(self.plan.data.blocks):
            for encoded in arm.warm_up(block, self.plan.budget):
                yield from self._drain()
                yield encoded

    def _one_after_the_other(self) -> Iterator[Event]:
        for arm in self.arms.running:
            if not arm.is_loaded:
                yield from self.inspection.while_loaded(self.arms.reference, self._step(AGAIN, self.arms.reference))
                self.arms.reference.unload()
                yield from self._bring_up(arm)
            other = self.arms.reference.plan.name.upper()
            stored = "stored " if len(self.arms.running) == 1 else ""
            is_first = arm is self.arms.reference
            name = f"encoding in {other}" if is_first else f"comparing {arm.plan.name.upper()} with {stored}{other}"
            yield from self.setting.course.enter(self._step(ENCODING, arm), name)
            yield from self._encode(arm)

    def _step(self, kind: str, arm: ArmRunner) -> str:
        """Return the step of the course; a reference that is encoded before the candidate has its own."""
        arms = self.arms
        is_first = not arms.is_interleaved and len(arms.running) > 1 and arm is arms.reference
        return kind + FIRST if is_first else kind

    def _encode(self, *arms: ArmRunner) -> Iterator[Event]:
        """Encode all blocks in `arms`, which alternate; compare between stretches, where no clock runs."""
        data = self.plan.data
        left = [block for block in data.blocks if any(block.index not in arm.encode_s for arm in arms)]
        yield from self._compare_ready(data.blocks, arms)
        if not left:
            return
        for stretch in abba(arms, self._stretches(left, arms)):
            new = tuple(block for block in stretch.blocks if block.index not in stretch.arm.encode_s)
            if new:
                yield from self._encode_stretch(replace(stretch, blocks=new))
                yield from self._compare_ready(stretch.blocks, arms)
                yield from self.keeping.now_and_then()
                yield self._progress(stretch.arm)

    def _stretches(self, blocks: Sequence[Block], arms: Sequence[ArmRunner]) -> Stretches:
        data, several = self.plan.data, self.setting.several
        cut = cut_stretches(blocks, [expected_seconds(arm, data) for arm in arms], arms[0].encoder.ahead)
        if several is None:
            return cut
        return shared_evenly(cut, several.count, partial(tokens_of_packs, data.tokens, budget=self.plan.budget))

    def _compare_ready(self, blocks: Sequence[Block], arms: Sequence[ArmRunner]) -> Iterator[Event]:
        """Compare the blocks that both arms have; the candidate must be loaded, as a broken sequence is rerun."""
        for block in blocks if self.arms.candidate in arms else ():
            if not self.tally.has(block) and all(block.index in arm.encode_s for arm in self.arms.running):
                self._compare(block)
            yield from self._drain()

    def _encode_stretch(self, stretch: Stretch) -> Iterator[Event]:
        self.setting.sampler.count()
        for block, encoded in encode_stretch(stretch, self.plan.budget):
            if block is stretch.blocks[-1]:
                self.setting.sampler.stop_counting()
            yield encoded
            if block is not stretch.blocks[-1]:
                yield self._progress(stretch.arm)

    def _progress(self, arm: ArmRunner) -> Progress:
        data, course = self.plan.data, self.setting.course
        eta_s, total, done = self.throughput.eta_s(), len(data.sequences), self.tally.done
        if eta_s is not None:
            course.guess(self.inspection.sample_tokens / data.tokens.lengths_S.sum(), course.spent_s + eta_s)
        if self._step(ENCODING, arm) != ENCODING:
            # the time left is that of both
            done, eta_s = sum(len(block.indices_S) for block in data.blocks if block.index in arm.encode_s), None
        return course.progress(compared=self.tally.done, done=done, total=total, left_s=eta_s)

    def _compare(self, block: Block) -> None:
        """Compare what both arms have encoded; the events wait for the next drain."""
        candidate = self.arms.candidate
        self.tally.compare(block, self.arms.reference.embeddings_SD, candidate)
        strata = self.tally.strata(candidate, self.throughput.rates())
        self.pending.extend([self.tally.compared(block, candidate, strata), *self.tally.alerts(block, candidate)])

    def _drain(self) -> Iterator[Event]:
        yield from self.pending
        self.pending.clear()
