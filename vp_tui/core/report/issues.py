"""What a reader has to know about a run, one entry per cause: problems before notes, findings before alerts.

A storm of alerts about single sequences is one entry; once its finding exists, they belong to that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.events import AlertRaised, Finding, Severity
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.model import V1
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.report.headline import kind_of, overall
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.verdict.causes import RANK, Group, grouped

_GATE_OF: Final = {"nan": V1.id, "inf": V1.id, "cosine": M1.id}
"""Kind of the alerts about single sequences -> the gate that judges them at the end."""
NOTHING_TO_DO: Final = "Nothing to do."


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One cause."""

    key: str
    """The same in every snapshot of a run."""
    lead: AlertRaised | Finding
    others: tuple[AlertRaised | Finding, ...] = ()
    """Of the same cause."""
    text: str
    """What was found, where, and whether it had an effect."""
    next_step: str
    """What to do; empty where only the reader knows."""

    @property
    def severity(self) -> Severity:
        """Return that of the lead, which is the most severe one."""
        return self.lead.severity


def issues(snapshot: RunSnapshot) -> tuple[Issue, ...]:
    """Return the most severe first; among equals findings, then alerts, each in their order."""
    about, single = _by_gate(snapshot.alerts)
    found = [_of_findings(group, about) for group in grouped(snapshot.findings)]
    judged = {finding.gate for finding in snapshot.findings if finding.severity != "info"}
    found += [_of_sequences(gate, alerts, snapshot) for gate, alerts in about.items() if gate not in judged]
    # a snapshot may hold the newest alerts only
    first = max(snapshot.run.num_alerts, len(snapshot.alerts)) - len(snapshot.alerts)
    found += [_alone(f"a{first + place}", alert) for place, alert in single]
    return tuple(sorted(found, key=lambda one: RANK[one.severity]))


def _by_gate(
    alerts: Sequence[AlertRaised],
) -> tuple[dict[str, list[AlertRaised]], list[tuple[int, AlertRaised]]]:
    about: dict[str, list[AlertRaised]] = {}
    single = []
    for place, alert in enumerate(alerts):
        gate = _GATE_OF.get(alert.kind) if alert.severity == "fail" else None
        if gate is None:
            single.append((place, alert))
        else:
            about.setdefault(gate, []).append(alert)
    return about, single


def _of_findings(group: Group, about: dict[str, list[AlertRaised]]) -> Issue:
    lead = group.lead
    gates = dict.fromkeys((lead.gate, *group.gates))
    alerts = [] if lead.severity == "info" else [alert for gate in gates for alert in about.get(gate, ())]
    also = len(group.others)
    gate = BY_ID.get(lead.gate)
    advice = NOTHING_TO_DO if lead.severity == "info" else gate.advice if gate is not None else ""
    return Issue(
        key=f"f{lead.gate}{lead.severity}",
        lead=lead,
        others=(*group.others, *alerts),
        text=f"{fmt.safe(lead.text)}{_and(also)}",
        next_step=advice,
    )


def _and(others: int) -> str:
    return f" (and {fmt.exact(others)} more of this cause)" if others else ""


def _of_sequences(gate: str, alerts: Sequence[AlertRaised], snapshot: RunSnapshot) -> Issue:
    stats = overall(snapshot)
    which = [alert.layer for alert in alerts if alert.layer]
    place = f"; first in {fmt.safe(which[0])}" if which else ""
    if stats is None:
        count = fmt.plural(len(alerts), "sequence")
    else:
        count = (
            f"{fmt.exact(stats.nonfinite if gate == V1.id else stats.low)} of {fmt.exact(stats.n)} {kind_of(snapshot)}"
        )
    limit = fmt.limit(snapshot.limits.fail(M1))
    what = "become NaN or Inf" if gate == V1.id else f"are at or below similarity {limit}"
    text = f"{count} {what}{place}" if len(alerts) > 1 else fmt.safe(alerts[0].message)
    return Issue(key=f"s{gate}", lead=alerts[0], others=tuple(alerts[1:]), text=text, next_step=BY_ID[gate].advice)


def _alone(key: str, alert: AlertRaised) -> Issue:
    # most messages name them already
    place = " ".join(fmt.safe(part) for part in _places(alert) if part not in alert.message)
    words = f"{place}: {fmt.safe(alert.message)}" if place else fmt.safe(alert.message)
    return Issue(key=key, lead=alert, text=words, next_step="")


def _places(alert: AlertRaised) -> Iterable[str]:
    return (part for part in (alert.stratum, alert.sequence_id) if part)
