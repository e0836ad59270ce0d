"""Charts as SVG in an HTML page: style, colours, and the drawing itself.

matplotlib draws without a date and with fixed ids: the same numbers give the same bytes. Colours are placeholders that
become CSS variables, so that the page chooses light, dark or print. No stored text is drawn.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from vp_tui.core import text as fmt
from vp_tui.core.measures.scale import FLOOR, nines
from vp_tui.core.report.evidence import EDGES, Distribution

_WIDTH: Final = 8.6
"""Inches; scaled by the page."""
INK, GRID, BASE, CAND, LIMIT, PAPER = (f"#0102{place:02x}" for place in range(1, 7))
_VARIABLES: Final = {
    INK: "var(--ink)",
    GRID: "var(--grid)",
    BASE: "var(--base)",
    CAND: "var(--cand)",
    LIMIT: "var(--limit)",
    PAPER: "var(--paper)",
}
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vp-tui",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": True,
}
Draw = Callable[[Figure], None]


def drawn(name: str, draw: Draw, *, height: float) -> str:
    """Return one chart with the CSS variables of the page, ids prefixed by its name, and no address."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = written.getvalue()
    inside = svg[svg.index(">", svg.index("<svg")) + 1 :]
    ids = {' id="': f' id="{name}-', 'xlink:href="#': f'href="#{name}-', "url(#": f"url(#{name}-"}
    for found, wanted in (ids | _VARIABLES).items():
        inside = inside.replace(found, wanted)
    box = f"0 0 {fmt.limit(72 * _WIDTH)} {fmt.limit(72 * height)}"
    return f'<svg viewBox="{box}" role="img" aria-labelledby="{name}-title">{inside}'


def lowest(found: Sequence[Distribution]) -> float:
    """Return a power of ten below every filled bin."""
    filled = [EDGES[place] for one in found for place, count in enumerate(one.counts) if count]
    return max(FLOOR, float(int(min(filled, default=FLOOR)) - 1))


def x_of_logs(axes: Axes, mine_low: float) -> None:
    axes.set_xlim(mine_low, EDGES[-1])
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(similarity_at))


def similarity_at(value: float, _: int | None) -> str:
    """Return the similarity at a power of ten of its distance from 1: 0.999 at -3."""
    if value <= FLOOR:
        return "1 (equal)"
    return nines(round(-value))
