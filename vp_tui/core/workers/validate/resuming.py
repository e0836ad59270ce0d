"""Finished blocks kept while a run goes on, and taken over from an interrupted one.

What is taken over is what this run would compute: same data, weights, packs, kernels and device. The two runs together
equal one that was not interrupted to the last digit; the times are those that were measured when a block was encoded.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from vp_tui.core.engine.encode import ENGINE_VERSION, EncodedBlock
from vp_tui.core.events import Event
from vp_tui.core.files import DAMAGED
from vp_tui.core.runs import cached_reference
from vp_tui.core.store import kept_blocks, references
from vp_tui.core.store.kept_blocks import KeptBlock, KeptStretch
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.plan import Arms, Plan, Setting, note

KEEP_SECONDS: Final = 30.0
"""Between two writes: what a killed run loses at most. One that is asked to end loses the current blocks only."""


class Keeping:
    """Writes the finished stretches of the arms that run, and restores those of the run before."""

    def __init__(self, setting: Setting, plan: Plan, arms: Arms) -> None:
        """Nothing is written or read yet."""
        self._folder, self._plan, self._arms = setting.place.folder, plan, arms
        self._facts = {
            "key": _key(setting, plan),
            "budget": plan.data.budget,
            "budget_reason": plan.data.budget_reason,
            "linear": plan.environment["linear"],
            "run_uuid": setting.place.run_uuid,
        }
        self._written = {runner.arm: 0 for runner in arms.running}
        self._wrote_s = time.monotonic()
        self._works = True

    def taken_over(self) -> Iterator[Event]:
        """Fill the arms with the kept blocks that fit this run; yield their events and a note."""
        blocks, other, runs = 0, 0, set()
        for path in kept_blocks.files(self._folder):
            try:
                facts, stretches = kept_blocks.facts_of(path), kept_blocks.read(path)
            except DAMAGED as error:
                yield _warning(f"{path} is corrupt ({error}): its blocks are encoded again")
                continue
            if facts["key"] != self._facts["key"]:
                other += sum(len(stretch.blocks) for stretch in stretches)
                continue
            runs.add(facts["run_uuid"][:8])
            self._plan.budget.tokens = min(self._plan.budget.tokens, facts["tokens"])
            for stretch in stretches:
                restored = [*self._restored(stretch)]
                blocks += len(restored)
                yield from restored
        self._written = {runner.arm: len(runner.stretches) for runner in self._arms.running}
        if other:
            yield _warning(
                f"{other} finished blocks of the interrupted run are not used: device, software, data or weights "
                "differ, and a run of one half each would equal neither"
            )
        if blocks:
            total = len(self._plan.data.blocks) * len(self._arms.running)
            text = f"{blocks} of {total} blocks were taken over from run {', '.join(sorted(runs))}, with their times"
            yield note("resume", text)

    def _restored(self, stretch: KeptStretch) -> Iterator[Event]:
        for runner in self._arms.running:
            if runner.arm == stretch.arm:
                for kept in stretch.blocks:
                    yield runner.take_over(self._plan.data.blocks[kept.index], self._encoded(kept))
                runner.stretches.append(tuple(kept.index for kept in stretch.blocks))

    def _encoded(self, kept: KeptBlock) -> EncodedBlock:
        return EncodedBlock(
            embeddings_SD=kept.embeddings_SD,
            seq_indices_S=kept.rows_S,
            pack_of_S=kept.pack_of_S,
            nan_count_S=kept.nan_S,
            inf_count_S=kept.inf_S,
            encode_s=kept.encode_s,
            wall_s=kept.wall_s,
            tokens=int(self._plan.data.tokens.lengths_S[kept.rows_S].sum()),
            sequences=len(kept.rows_S),
        )

    def now_and_then(self) -> Iterator[Event]:
        """Write if KEEP_SECONDS are over; yield a note when that failed, and try no more."""
        if not self._works or time.monotonic() - self._wrote_s < KEEP_SECONDS:
            return
        problem = self.write()
        if problem is not None:
            self._works = False
            yield note("resume", problem)

    def write(self) -> str | None:
        """Write what is finished and not written yet; return a note when that failed."""
        new = [
            KeptStretch(arm=runner.arm, blocks=tuple(_kept(runner, index) for index in indices))
            for runner in self._arms.running
            for indices in runner.stretches[self._written[runner.arm] :]
        ]
        self._wrote_s = time.monotonic()
        if not new:
            return None
        try:
            kept_blocks.write(self._folder, {**self._facts, "tokens": self._plan.budget.tokens}, new)
        except OSError as error:
            return f"finished blocks could not be kept in {self._folder} ({error.strerror}): the run cannot be resumed"
        self._written = {runner.arm: len(runner.stretches) for runner in self._arms.running}
        return None

    def discard(self) -> None:
        """Remove what was kept: the run is complete."""
        kept_blocks.discard(self._folder)


def _key(setting: Setting, plan: Plan) -> str:
    """Return the hash of everything the digits of both arms depend on."""
    shared = cached_reference.content(
        setting.config, plan.data.facts, plan.environment, engine=ENGINE_VERSION, weights_sha256=plan.weights_sha256
    )
    own: Mapping[str, Any] = {
        "plan": setting.config.candidate_plan.model_dump(mode="json"),
        "budget": plan.data.budget,
        **{name: plan.environment[name] for name in ("attention", "flags", "linear")},
    }
    return references.key_of({"reference": shared, "run": own})


def _kept(runner: ArmRunner, index: int) -> KeptBlock:
    packs = runner.packs_of(index)
    rows_S = np.concatenate(packs)
    return KeptBlock(
        index=index,
        rows_S=rows_S,
        pack_of_S=np.repeat(np.arange(len(packs)), [len(pack) for pack in packs]),
        embeddings_SD=runner.embeddings_SD[rows_S],
        nan_S=runner.nan_S[rows_S],
        inf_S=runner.inf_S[rows_S],
        encode_s=runner.encode_s[index],
        wall_s=runner.wall_s[index],
    )


def _warning(text: str) -> Event:
    return replace(note("resume", text), severity="warn")
