"""A run's map of module by block with a cursor: darker is nearer to the limit, ~ and ! are beyond it."""

from typing import Final, Literal

from textual import events
from textual.content import Content
from textual.strip import Strip

from vp_tui.core import text as fmt
from vp_tui.core.gates.engine import R4
from vp_tui.core.gates.model import V3, V4
from vp_tui.core.report.heat_map import STEPS, HeatMap, Quantity, Spot, edges, grade, shade
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import MARKS, line
from vp_tui.tui.panels.line_list import LineList

SHADES: Final = "\u00b7\u2591\u2592\u2593\u2588"
"""From harmless to near the limit; told apart without colour."""
UNKNOWN: Final = "?"
_LABEL_MOST: Final = 24
_CELL_MOST: Final = 4


def cell(spot: Spot | None, quantity: Quantity, limits: Thresholds, width: int) -> Content:
    """Return one cell of `width` columns, the last of them blank where there is room for it."""
    mark, style = " ", ""
    if spot is not None:
        level = grade(spot, quantity, limits)
        if level != "plain":
            return line((f"{MARKS[level]:<{width}}", level))
        mark = UNKNOWN if spot.value is None else SHADES[shade(spot.value, quantity, limits)]
        style = "$foreground-muted" if spot.value is None else "$foreground"
    filled = max(1, width - 1)
    return Content.styled(f"{mark * filled if mark != UNKNOWN else mark:<{width}}", style)


def legend(quantity: Quantity, limits: Thresholds) -> Content:
    """Return what the shades and marks mean."""
    ends = [_written(edge, quantity) for edge in edges(quantity, limits)]
    sign = "from" if quantity == "headroom" else "to"
    near = "below" if quantity == "headroom" else "above"
    shades = [f"{SHADES[0]} {sign} {ends[0]}", *(f"{SHADES[at]} {ends[at]}" for at in range(1, STEPS - 1))]
    shades.append(f"{SHADES[-1]} {near} {ends[-1]}")
    parts = [*map(Content, shades), line((f"{MARKS['warn']} {beyond(quantity, limits, 'warn')}", "warn"))]
    if quantity != "subnormal":
        parts.append(line((f"{MARKS['fail']} {beyond(quantity, limits, 'fail')}", "fail")))
    return Content("  ").join(parts)


def _written(value: float, quantity: Quantity) -> str:
    if quantity == "subnormal":
        return fmt.error(value)
    return fmt.ratio(value) if quantity == "rounding" else fmt.limit(value)


def beyond(quantity: Quantity, limits: Thresholds, level: Literal["warn", "fail"]) -> str:
    """Return what the mark of a level means in a map."""
    if quantity == "headroom":
        return f"below {_written(limits.fail(V3) if level == 'fail' else limits.warn(V3), quantity)}"
    if level == "fail":
        return "NaN or Inf"
    return f"above {_written(limits.fail(R4 if quantity == 'rounding' else V4), quantity)}"


class HeatGrid(LineList):
    """The map; arrow keys move the cursor from module to module and from block to block."""

    BINDINGS = bindings("module map")
    topic = "module map"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._map: HeatMap | None = None
        self._limits = Thresholds()
        self._block = 0

    def show(self, found: HeatMap, limits: Thresholds) -> None:
        """Show a map; the cursor stays."""
        self._map, self._limits = found, limits
        self.resize_to(len(found.rows))
        self.post_message(self.Moved())

    @property
    def spot(self) -> Spot | None:
        """Return the module under the cursor."""
        if self._map is None or not self._map.rows:
            return None
        row = self._map.rows[self.cursor_row]
        # a module outside the blocks has one cell
        return self._map.spots.get((row, self._block)) or self._map.spots.get((row, 0))

    def _sizes(self) -> tuple[int, int]:
        """Return the columns of the labels and of a cell."""
        if self._map is None:
            return 0, 1
        label = min(_LABEL_MOST, max((len(row) for row in self._map.rows), default=0)) + 2
        return label, max(1, min(_CELL_MOST, (self.size.width - label) // max(1, self._map.blocks)))

    def title_line(self) -> Content:
        label, each = self._sizes()
        text = f"{'block':>{max(0, label - 1)}} "
        for block in range(self._map.blocks if self._map is not None else 0):
            at = label + each * block
            if at >= len(text) + (block > 0):
                text = f"{text:<{at}}{block}"
        return Content(text)

    def row_line(self, row: int) -> Content:
        if self._map is None:
            return Content("")
        label, each = self._sizes()
        name = self._map.rows[row]
        spots = (self._map.spots.get((name, block)) for block in range(max(1, self._map.blocks)))
        cells = (cell(spot, self._map.quantity, self._limits, each) for spot in spots)
        return line(fmt.pad(fmt.clip(fmt.safe(name), label - 2), label), *cells)

    def render_line(self, y: int) -> Strip:
        """Paint a row; of that of the cursor one cell is reversed, which needs no colour."""
        row = y - 1 + self.scroll_offset.y
        if y == 0 or row != self.cursor_row or row >= self.row_count:
            return super().render_line(y)
        label, each = self._sizes()
        start = label + each * self._block
        content = self.row_line(row).stylize("bold", 0, label).stylize("reverse", start, start + max(1, each - 1))
        return self._painted(content, "lines--even")

    def action_open(self) -> None:
        """A module has no page of its own: the line below says it all."""

    def action_point(self, step: int) -> None:
        """Go to the next block."""
        last = max(0, self._map.blocks - 1) if self._map is not None else 0
        self._block = max(0, min(self._block + step, last))
        self.refresh_row(self.cursor_row)
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        row = event.y - 1 + self.scroll_offset.y
        if self._map is None or event.y == 0 or row >= self.row_count:
            return
        label, each = self._sizes()
        self._block = max(0, min((event.x - label) // each, max(0, self._map.blocks - 1)))
        self.move_cursor(row)
        self.refresh_row(row)
        self.post_message(self.Moved())
