"""Findings and alerts, newest last: what the reader must see, each with its severity as a word."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui import format as fmt
from vp_tui.tui.marks import level_of, line, lines, styled
from vp_tui.tui.panels.panel import Panel

MOST = 200
"""More lines than anybody scrolls through; the rest is in the run's document."""


def alerts(snapshot: RunSnapshot) -> Content:
    """Alerts in the order they came, then the findings of the verdict."""
    rows = [_alert(alert, snapshot.run.started_at_us) for alert in snapshot.alerts[-MOST:]]
    rows += [_finding(finding) for finding in snapshot.findings]
    if not rows:
        return styled("no alerts", "dim")
    return lines(rows)


def title(snapshot: RunSnapshot) -> str:
    """How many there are, for the frame and the line above the list."""
    raised = max(snapshot.run.num_alerts, len(snapshot.alerts))
    words = f"alerts: {fmt.exact(raised)}"
    if snapshot.findings:
        words += f", findings: {fmt.exact(len(snapshot.findings))}"
    if len(snapshot.alerts) > MOST:
        words += f" (last {MOST} shown)"
    return words


def _alert(alert: AlertRaised, started_at_us: int | None) -> Content:
    since = (alert.at_us - started_at_us) / 1e6 if started_at_us is not None else None
    place = " ".join(fmt.safe(part) for part in (alert.stratum, alert.sequence_id) if part)
    return line(
        (f"{alert.severity.upper():<5}", level_of(alert.severity)),
        (f"{fmt.duration(since)} ", "dim"),
        f"{place}: " if place else "",
        fmt.safe(alert.message),
    )


def _finding(finding: Finding) -> Content:
    return line(
        (f"{finding.severity.upper():<5}", level_of(finding.severity)),
        (f"{fmt.safe(finding.gate)} ", "dim"),
        fmt.safe(finding.text),
    )


class AlertList(VerticalScroll):
    """The list with its own scrolling; stays at the newest unless the reader scrolled away."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._list = Panel()

    def compose(self) -> ComposeResult:
        """One panel in it."""
        yield self._list

    def show(self, snapshot: RunSnapshot) -> None:
        """Fill it."""
        self.border_title = title(snapshot)
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._list.show(alerts(snapshot))
        if at_end:
            self.scroll_end(animate=False, immediate=False)
