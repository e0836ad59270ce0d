"""The two charts of the Live screen as widgets; what they draw is made in tui/charts.py."""

from typing import ClassVar, Literal

from textual.widgets import Static

from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui import format as fmt

Kind = Literal["similarity", "throughput"]
NAMES = ("short", "medium", "long", "reference", "candidate", "limit")


class ChartPanel(Static):
    """One chart; drawn anew only when its data or its size changed."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{name}" for name in NAMES}

    def __init__(self, kind: Kind, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self.kind = kind
        self._drawn: object = None
        self._snapshot: RunSnapshot | None = None

    def show(self, snapshot: RunSnapshot) -> None:
        """Draw the run, if anything of it is news for this chart."""
        self._snapshot = snapshot
        self.border_title = title(self.kind, snapshot)
        width, height = self.content_size
        data = snapshot.similarity if self.kind == "similarity" else snapshot.blocks
        state = (snapshot.run.id, data, width, height, self.app.theme)
        if width < 12 or height < 3 or state == self._drawn:
            return
        self._drawn = state
        self._draw(snapshot, width, height)

    def on_resize(self) -> None:
        """The size is known only now, and changes with the terminal."""
        if self._snapshot is not None:
            self.show(self._snapshot)

    def _draw(self, snapshot: RunSnapshot, width: int, height: int) -> None:
        # plotext is not needed for the first frame
        from vp_tui.tui import charts

        if not (snapshot.similarity if self.kind == "similarity" else snapshot.blocks):
            self.update("nothing to draw yet: no block is finished")
            return
        palette = self._palette()
        if self.kind == "similarity":
            limit = snapshot.limits.cosine_fail
            drawn = charts.similarity(
                snapshot.similarity, cosine_limit=limit, width=width, height=height, palette=palette
            )
        else:
            labels = {"reference": fmt.safe(snapshot.run.reference), "candidate": fmt.safe(snapshot.run.precision)}
            drawn = charts.throughput(snapshot.blocks, labels=labels, width=width, height=height, palette=palette)
        self.update(drawn)

    def _palette(self) -> dict[str, tuple[int, int, int]]:
        return {name: self.get_component_styles(f"chart--{name}").color.rgb for name in NAMES}


def title(kind: Kind, snapshot: RunSnapshot) -> str:
    """What the axes mean, in one line."""
    if kind == "similarity":
        limit = snapshot.limits.cosine_fail
        return f"1 - cosine, worst of each block, log; line: limit {fmt.limit(limit)}"
    arms = f"{fmt.safe(snapshot.run.reference)} and {fmt.safe(snapshot.run.precision)}"
    return f"tokens/s of each block, {arms}, over sequences"
