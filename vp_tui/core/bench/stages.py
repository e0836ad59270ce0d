"""The techniques of the engine in the order of the waterfall: each stage has all before it.

DNABERT-S begins with packs, because transformers does not run it; what is fused on CUDA comes part by part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.bench.padded import by_budget, padded, unsorted
from vp_tui.core.bench.peers import transformers_sdpa
from vp_tui.core.bench.ways import Models, Way, packed, with_steps
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs.spec import Esm2Spec, HfSpec
from vp_tui.core.models.fusing import choose_steps
from vp_tui.core.models.precision import storage_dtype
from vp_tui.core.models.steps import PLAIN, Steps

_UNSORTED: Final = 32
_SMALL_BUDGET: Final = {"cuda": 4_096, "cpu": 1_024}
"""Tokens of a pack before the budget is one of the techniques."""
_IN_WORDS: Final = {
    "norm": "residual sum and norm in one pass",
    "rotary": "rotary in one pass, in place",
    "gated": "GELU and gate in one pass",
    "short": "a kernel for short sequences",
}
"""Fused part -> its stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a stage may build on."""

    models: Models
    plan: PrecisionPlan
    budget: int
    """The final one, in tokens."""

    @property
    def small_budget(self) -> int:
        """Before the last stage."""
        return min(self.budget, _SMALL_BUDGET[self.models.device.type])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One technique on top of the ones before."""

    name: str
    build: Callable[[Ground], Way]


def _transformers_unsorted(ground: Ground) -> Way:
    return _transformers(ground, sort=False)


def _transformers_sorted(ground: Ground) -> Way:
    return _transformers(ground, sort=True)


def _transformers(ground: Ground, *, sort: bool) -> Way:
    loaded = ground.models.get(ground.plan)
    assert isinstance(loaded.spec, Esm2Spec), "transformers runs ESM-2 only"
    batcher = by_budget(ground.small_budget) if sort else unsorted(_UNSORTED)
    return padded(transformers_sdpa(loaded, loaded.spec), ground.plan, ground.models.device, batcher)


def _mixed(ground: Ground) -> Way:
    return packed(_encoder(ground, PLAIN), ground.small_budget, as_they_come)


def _packed(ground: Ground, steps: Steps) -> Way:
    return packed(_encoder(ground, steps), ground.small_budget)


def _packed_fused(ground: Ground, parts: frozenset[str]) -> Way:
    # late, because CPU builds of torch come without Triton
    from vp_tui.core.models.fused.steps import Fused

    return _packed(ground, Fused(parts))


def _as_in_a_run(ground: Ground) -> Way:
    return packed(Encoder(ground.models.get(ground.plan), ground.plan, ground.models.device), ground.budget)


def _encoder(ground: Ground, steps: Steps) -> Encoder:
    loaded = ground.models.get(ground.plan)
    own = loaded if isinstance(loaded.spec, HfSpec) else with_steps(loaded, steps)
    return Encoder(own, ground.plan, ground.models.device)


def as_they_come(lengths_S: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Packs of at most `budget` tokens in the order of the input, each sorted by falling length inside."""
    packs: list[list[int]] = [[]]
    room = budget
    for index, length in enumerate(lengths_S.tolist()):
        if length > room and packs[-1]:
            packs.append([])
            room = budget
        packs[-1].append(index)
        room -= length
    found = [np.array(pack, np.int64) for pack in packs]
    return [pack_S[np.argsort(-lengths_S[pack_S], kind="stable")] for pack_S in found]


def stages(ground: Ground) -> list[Stage]:
    """Every technique that this model and device have, in order; each has all before it."""
    found = []
    if isinstance(ground.models.weights.spec, Esm2Spec):
        found.append(Stage(name="transformers, unsorted batches of 32", build=_transformers_unsorted))
        found.append(Stage(name="transformers, sorted by length", build=_transformers_sorted))
    found.append(Stage(name="packs without padding, one q k v product", build=_mixed))
    found.append(Stage(name="packs of one length", build=partial(_packed, steps=PLAIN)))
    parts: frozenset[str] = frozenset()
    for part in _fused_parts(ground):
        parts |= {part}
        found.append(Stage(name=_IN_WORDS[part], build=partial(_packed_fused, parts=parts)))
    found.append(Stage(name="the token budget of a run", build=_as_in_a_run))
    return found


def _fused_parts(ground: Ground) -> list[str]:
    """What is fused in a run of this model here, in the order of the stages."""
    spec = ground.models.weights.spec
    chosen = choose_steps(storage_dtype(ground.plan.precision), ground.models.device, "auto")
    if chosen.steps is PLAIN or isinstance(spec, HfSpec):
        return []
    of_other = "gated" if isinstance(spec, Esm2Spec) else "rotary"
    return [part for part in _IN_WORDS if part != of_other]
