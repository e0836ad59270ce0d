"""Modal: a run's modules by block: error over rounding, headroom, or subnormal share; v goes to the next of them."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from vp_tui.core import text as fmt
from vp_tui.core.report.heat_map import QUANTITIES, TITLES, HeatMap, heat_map, words
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, styled
from vp_tui.tui.panels.heat_grid import HeatGrid, legend
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel


class ModulesScreen(ModalScreen[None]):
    """The maps of one run, as it was when the screen opened."""

    BINDINGS = bindings("modules")
    AUTO_FOCUS = "#modules"

    def __init__(self, snapshot: RunSnapshot) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._place = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog modules"):
            yield Panel(id="about")
            yield HeatGrid(id="modules")
            yield Panel(id="module-legend")
            yield Panel(id="module-words")
        yield KeyBar()

    def on_mount(self) -> None:
        self._fill()

    @property
    def _map(self) -> HeatMap:
        return heat_map(self._snapshot, QUANTITIES[self._place])

    def _fill(self) -> None:
        found, limits = self._map, self._snapshot.limits
        title = f"{self._place + 1}/{len(QUANTITIES)} {TITLES[found.quantity]}"
        self.query_one("#about", Panel).show(line((f"#{self._snapshot.run.id}  ", "dim"), (title, "title")))
        self.query_one(HeatGrid).show(found, limits)
        shown = legend(found.quantity, limits) if found.rows else Content("")
        self.query_one("#module-legend", Panel).show(shown)
        self._tell(found)

    def _tell(self, found: HeatMap) -> None:
        spot = self.query_one(HeatGrid).spot
        note = styled(fmt.safe(found.note), "dim")
        if spot is None:
            self.query_one("#module-words", Panel).show(note)
            return
        said = words(spot, found.quantity, self._snapshot.limits)
        named = line((f"{fmt.safe(spot.module)}: ", "title"), said)
        self.query_one("#module-words", Panel).show(Content("\n").join([named, note]))

    def on_line_list_moved(self) -> None:
        self._tell(self._map)

    def action_next_view(self) -> None:
        self._place = (self._place + 1) % len(QUANTITIES)
        self._fill()
