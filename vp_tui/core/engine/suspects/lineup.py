"""The line-up: for a few sequences, the true embedding and what each suspect makes of it, one suspect at a time.

A fixed suspect does not look at the judged embedding. A fitted one has one unknown (how many pads, which span, which
company) and takes the value nearest to it; such a suspect must leave little to be believed.
Shape suffixes: R sequences of the line-up, D width.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.engine.faults import in_model
from vp_tui.core.engine.suspects.means import padded_means, pools_of, window_means
from vp_tui.core.engine.suspects.outputs import PAD, Outputs, ids_of
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.spec import Esm2Spec, ModelSpec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.measures.explained import nearest
from vp_tui.core.models.loading import LoadedModel

MOST_PADS: Final = 512
COMPANY: Final = (2, 4, 8)
"""Sequences of a batch that are tried together."""
_NEIGHBOURS: Final = 4
"""Sequences before and after, in whose tokens a shifted span is looked for."""
_SCALED: Final = 0.002
"""A smaller change of length is that of rounding to 16 bits."""
FEW: Final = 6
"""Sequences of the line-up that a suspect with many runs is tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """What one suspect makes of some sequences of the line-up."""

    name: str
    rows: slice
    """Of the line-up."""
    h_RD: np.ndarray
    """Its embeddings, float64."""
    is_fitted: bool = False
    detail: str = ""
    """The fitted value in words."""


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """A checkpoint, the sequences of the run, and those of the line-up; everything is encoded once."""

    load: Callable[[], LoadedModel]
    outputs: Outputs
    tokens: TokenSet
    rows_R: np.ndarray
    """Sequences of the run."""
    orders: Mapping[str, np.ndarray]
    """Order in words -> the sequences of the run in an order in which they may have been batched."""

    @property
    def spec(self) -> ModelSpec:
        """Return the checkpoint's specification."""
        return self.outputs.loaded.spec

    @cached_property
    def hidden(self) -> list[np.ndarray]:
        """Return the true token outputs."""
        return [self.outputs.of(ids_L) for ids_L in self._ids]

    @cached_property
    def true_RD(self) -> np.ndarray:
        """Return the true embeddings, float64."""
        return np.stack([self.outputs.mean(one_LD) for one_LD in self.hidden])

    def suspects(self, y_RD: np.ndarray) -> Iterator[Suspect]:
        """Yield every suspect that this model can have."""
        yield from self._fixed
        yield from self._scaled(y_RD)
        for name, choices in self._choices.items():
            found = [nearest(y_D, choices_CD) for y_D, choices_CD in zip(y_RD, choices, strict=False)]
            told = f"{int(np.median([index for index, _ in found]))} pads in the median sequence"
            yield Suspect(
                name=name.partition(":")[0],
                rows=slice(0, len(choices)),
                h_RD=np.stack([row_D for _, row_D in found]).astype(np.float64),
                is_fitted=True,
                detail=told if name == "pads-in-mean" else name.partition(":")[2],
            )

    def _scaled(self, y_RD: np.ndarray) -> Iterator[Suspect]:
        """All embeddings times one factor: divided by a padded length they have one each, and any would fit them."""
        x_RD = self.true_RD
        factor = float(np.median(np.einsum("rd,rd->r", y_RD, x_RD) / np.einsum("rd,rd->r", x_RD, x_RD)))
        if abs(factor - 1) > _SCALED:
            yield Suspect(name="scaled", rows=slice(None), h_RD=factor * x_RD, detail=f"by {fmt.number(factor)}")

    @property
    def _ids(self) -> list[np.ndarray]:
        return [ids_of(self.tokens, int(row)) for row in self.rows_R]

    @cached_property
    def _fixed(self) -> tuple[Suspect, ...]:
        everyone = slice(None)
        pools = [
            Suspect(name=name, rows=everyone, h_RD=np.stack([pool(one_LD) for one_LD in self.hidden]))
            for name, pool in pools_of(self.spec.pooling).items()
        ]
        changed = [
            Suspect(name=name, rows=everyone, h_RD=h_RD)
            for name, change in _changes(self.spec).items()
            if (h_RD := self._changed(change)) is not None
        ]
        return (*pools, *self._blocks(), *changed, *self._company())

    def _blocks(self) -> Iterator[Suspect]:
        """The outputs of every block; of an ESM-2 also those of the last one, which lack the last LayerNorm."""
        found = [self.outputs.of_every_block(ids_L) for ids_L in self._ids]
        num = len(found[0])
        for block in range(num if isinstance(self.spec, Esm2Spec) else num - 1):
            h_RD = np.stack([self.outputs.mean(one[block]) for one in found])
            last = " before the last LayerNorm" if block == num - 1 else ""
            yield Suspect(name="another-layer", rows=slice(None), h_RD=h_RD, detail=f"block {block + 1} of {num}{last}")

    def _changed(self, change: Callable[[Any], None]) -> np.ndarray | None:
        """The embeddings of a changed model; None where the change changes nothing."""
        loaded = self.load()
        try:
            change(loaded.model)
        except UsageError:
            return None
        changed = Outputs(loaded, self.outputs.device)
        return np.stack([changed.mean(changed.of(ids_L)) for ids_L in self._ids])

    @cached_property
    def _choices(self) -> dict[str, list[np.ndarray]]:
        """Fitted suspect -> per sequence what it may make of it, float32 [C, D]."""
        found = {"padded-divisor": [self._divided(one_LD) for one_LD in self.hidden]}
        if isinstance(self.spec, Esm2Spec):
            found["pads-in-mean"] = [self._padded(*pair) for pair in zip(self._ids, self.hidden, strict=True)]
            found["no-mask"] = [self._unmasked(ids_L) for ids_L in self._ids[:FEW]]
        for told, order_S in self.orders.items():
            found[f"wrong-span:{told}"] = [self._spans(order_S, int(row)) for row in self.rows_R[:FEW]]
        return found

    def _divided(self, hidden_LD: np.ndarray) -> np.ndarray:
        length = len(hidden_LD) - sum(self.outputs.margins)
        shares_C = length / (length + np.arange(1, self._most_pads(len(hidden_LD)) + 1))
        return (self.outputs.mean(hidden_LD) * shares_C[:, None]).astype(np.float32)

    def _most_pads(self, length: int) -> int:
        return max(1, min(MOST_PADS, int(self.tokens.lengths_S.max()) - length))

    def _padded(self, ids_L: np.ndarray, hidden_LD: np.ndarray) -> np.ndarray:
        """Means over all tokens and pads, none for the longest sequence of a batch."""
        pads = self.outputs.with_pads(ids_L, self._most_pads(len(ids_L)))[len(ids_L) :]
        whole_D = hidden_LD.mean(axis=0, dtype=np.float64)
        return np.concatenate([whole_D[None], padded_means(hidden_LD, pads)]).astype(np.float32)

    def _unmasked(self, ids_L: np.ndarray) -> np.ndarray:
        """Means over residues that have read pads."""
        found = [self.outputs.mean(self.outputs.of(ids_L))]
        for count in 2 ** np.arange(9):
            padded = np.concatenate([ids_L, np.full(count, PAD, ids_L.dtype)])
            found.append(self.outputs.mean(self.outputs.of(padded)[: len(ids_L)]))
        return np.stack(found).astype(np.float32)

    def _spans(self, order_S: np.ndarray, row: int) -> np.ndarray:
        """Means over as many tokens, from any place among those of the neighbours."""
        at = int(np.flatnonzero(order_S == row)[0])
        near = order_S[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1]
        whole = np.concatenate([self.outputs.of(ids_of(self.tokens, int(one))) for one in near])
        return window_means(whole, int(self.tokens.lengths_S[row]) - sum(self.outputs.margins)).astype(np.float32)

    def _company(self) -> Iterator[Suspect]:
        """Sequences of a batch that read each other."""
        few = slice(0, FEW)
        for told, order_S in self.orders.items():
            for size in COMPANY:
                for restart in (True, False):
                    h_RD = [self._together(order_S, size, int(row), restart=restart) for row in self.rows_R[few]]
                    detail = f"{size} at a time, {told}"
                    yield Suspect(name="read-together", rows=few, h_RD=np.stack(h_RD), detail=detail)

    def _together(self, order_S: np.ndarray, size: int, row: int, *, restart: bool) -> np.ndarray:
        at = int(np.flatnonzero(order_S == row)[0])
        first = at // size * size
        members = [ids_of(self.tokens, int(one)) for one in order_S[first : first + size]]
        return self.outputs.mean(self.outputs.together(members, at - first, restart=restart))


def _changes(spec: ModelSpec) -> dict[str, Callable[[Any], None]]:
    """Return the changes of the model itself that a model of this kind can have."""
    if spec.kind == "hf":
        return {}
    found: dict[str, Callable[[Any], None]] = {"tanh-gelu": in_model.with_tanh_gelu}
    if isinstance(spec, Esm2Spec):
        found |= {"recomputed-inv-freq": in_model.with_recomputed_inv_freq, "half-angles": in_model.with_half_angles}
        found |= {"missing-scale": in_model.without_scale} if spec.token_dropout else {}
    return found
