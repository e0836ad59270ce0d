"""The maps of a model as SVG for the HTML page of a run, in the colours of the page."""

from html import escape
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.report.heat_map import STEPS, TITLES, HeatMap, Spot, grade, shade, words
from vp_tui.core.thresholds import Thresholds

_CELL: Final = 22
_ROW: Final = 18
_LABEL: Final = 190
_LABEL_LETTERS: Final = 28
_WIDEST: Final = 900
_COLOURS: Final = {"plain": "var(--ink)", "warn": "var(--open)", "fail": "var(--bad)"}


def heat_map_svg(found: HeatMap, limits: Thresholds, name: str) -> str | None:
    """Return the map: darker is nearer to the limit, gold beyond a warning's, red beyond a failure's; None if empty.

    Names of modules are of the checkpoint and are escaped; each cell says its module and number when pointed at.
    `name` is that of the figure, whose caption is its label.
    """
    if not found.rows:
        return None
    columns = max(1, found.blocks)
    cell = min(_CELL, (_WIDEST - _LABEL) / columns)
    parts = [_column_numbers(columns, cell)]
    for row, module in enumerate(found.rows):
        top = _ROW * (row + 1)
        label = escape(fmt.clip(fmt.safe(module), _LABEL_LETTERS))
        parts.append(f'<text x="{_LABEL - 6}" y="{top + 13}" text-anchor="end">{label}</text>')
        for block in range(columns):
            spot = found.spots.get((module, block))
            if spot is not None:
                parts.append(_cell(spot, found, limits, _LABEL + cell * block, top, cell))
    # as wide for few blocks as for many, or the page would enlarge a small map
    box = f"0 0 {_WIDEST} {_ROW * (len(found.rows) + 1)}"
    style = 'font-family="sans-serif" font-size="11" fill="var(--ink)"'
    return f'<svg viewBox="{box}" role="img" aria-labelledby="{name}-title" {style}>{"".join(parts)}</svg>'


def _column_numbers(columns: int, cell: float) -> str:
    every = max(1, -(-columns // 24))
    numbers = (
        f'<text x="{fmt.limit(_LABEL + cell * (block + 0.5))}" y="13" text-anchor="middle">{block}</text>'
        for block in range(0, columns, every)
    )
    return "".join(numbers)


def _cell(spot: Spot, found: HeatMap, limits: Thresholds, left: float, top: int, cell: float) -> str:
    colour = _COLOURS[grade(spot, found.quantity, limits)]
    depth = 0.0 if spot.value is None else (shade(spot.value, found.quantity, limits) + 0.3) / STEPS
    if colour != _COLOURS["plain"]:
        depth = 1.0
    said = escape(fmt.safe(f"{spot.module}: {words(spot, found.quantity, limits)}"))
    frame = 'stroke="var(--grid)" stroke-width="1"'
    size = f'width="{fmt.limit(cell - 1)}" height="{_ROW - 1}"'
    fill = f'fill="{colour}" fill-opacity="{fmt.limit(depth)}"'
    return f'<rect x="{fmt.limit(left)}" y="{top}" {size} {fill} {frame}><title>{said}</title></rect>'


def title_of(found: HeatMap) -> str:
    """Return the caption of the map, with what is missing."""
    unit = "; columns are blocks, darker is nearer to the limit, gold and red are beyond it"
    missing = f" ({found.note})" if found.note and found.rows else ""
    return f"Map: {TITLES[found.quantity]}{unit if found.rows else ''}{missing}"
