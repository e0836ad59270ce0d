"""The devices of a run of several: one row each, those that are lost or slow first where not all fit, and the total."""

from collections.abc import Sequence
from dataclasses import replace

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.store.device_rows import DeviceRow
from vp_tui.tui.marks import MARKS, Level, line, lines, styled
from vp_tui.tui.panels.panel import Panel

MOST = 4
"""Rows of devices; a machine of eight has its troubled ones among them."""
_NAME = 16


class DevicePanel(Panel):
    """Shown for runs of several devices only."""

    def show_rows(self, rows: Sequence[DeviceRow], *, is_over: bool) -> None:
        """Show the devices, or nothing; `is_over` once the run has ended."""
        self.set_class(bool(rows), "-on")
        if rows:
            self.show(devices(rows, is_over=is_over))


def devices(rows: Sequence[DeviceRow], *, is_over: bool = False) -> Content:
    """Return a heading, at most MOST devices, and the total."""
    work = "worked" if is_over else "work"
    if is_over:
        rows = [replace(row, state="worked") if row.state == "works" else row for row in rows]
    told = sorted(rows, key=_trouble)[:MOST]
    shown = [row for row in rows if row in told]
    heading = styled(f"{'device':<{_NAME}}  util  tokens/s batches  state", "title")
    return lines([heading, *map(_row, shown), _total(rows, len(rows) - len(shown), work)])


def _trouble(row: DeviceRow) -> int:
    return {"fail": 0, "warn": 1}.get(_level(row), 2)


def _level(row: DeviceRow) -> Level:
    if row.state.startswith("lost"):
        return "fail"
    return "warn" if row.state == "slow" else "plain"


def _row(row: DeviceRow) -> Content:
    level = _level(row)
    name = fmt.clip(fmt.safe(row.name), _NAME)
    state = f"{MARKS.get(level, '')}{fmt.safe(row.state)}"
    return line(_numbers(name, fmt.percent(row.utilization, of=100), row.tokens_per_s, row.packs), (state, level))


def _total(rows: Sequence[DeviceRow], hidden: int, work: str) -> Content:
    working = [row for row in rows if not row.state.startswith("lost")]
    rate = sum(row.tokens_per_s or 0.0 for row in working)
    more = f", {hidden} not shown" if hidden else ""
    state = f"{len(working)} of {len(rows)} {work}{more}"
    return line(_numbers("total", "", rate or None, sum(row.packs for row in rows)), (state, "dim"))


def _numbers(name: str, utilization: str, rate: float | None, packs: int) -> str:
    return f"{name:<{_NAME}}  {utilization:>4}  {fmt.number(rate):>8}  {fmt.number(packs):>6}  "
