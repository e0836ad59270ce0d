"""What a reader has to know about a run, one entry per cause: problems before notes, findings before alerts.

A storm of alerts about single sequences is one entry; once its finding exists, they belong to that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.events import AlertRaised, Finding, Severity, StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.model import V1
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.measurements import from_document
from vp_tui.core.report.answers import advice_of
from vp_tui.core.report.headline import kind_of, overall, problems_of
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.verdict.causes import RANK, Group, notes
from vp_tui.core.verdict.words import overflow_place

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
    groups = (*problems_of(snapshot), *notes(snapshot.findings))
    found = [_of_findings(group, about, snapshot) for group in groups]
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


def _of_findings(group: Group, about: Mapping[str, Sequence[AlertRaised]], snapshot: RunSnapshot) -> Issue:
    lead, gate = group.lead, BY_ID.get(group.lead.gate)
    if lead.severity == "info":
        # a note has said everything
        text, advice = fmt.safe(lead.text), NOTHING_TO_DO
        alerts: list[AlertRaised] = []
    else:
        alerts = [alert for one in dict.fromkeys((lead.gate, *group.gates)) for alert in about.get(one, ())]
        text, advice = _over_strata(group, snapshot), advice_of(gate, snapshot) if gate is not None else ""
    others: tuple[AlertRaised | Finding, ...] = (*group.others, *alerts)
    return Issue(key=f"f{lead.gate}{lead.severity}", lead=lead, others=others, text=text, next_step=advice)


def _over_strata(group: Group, snapshot: RunSnapshot) -> str:
    """Return the finding, of the two that name sequences with the counts of all strata."""
    stats = overall(snapshot)
    if group.lead.gate == V1.id and stats is not None:
        return overflow_place(snapshot.strata, from_document(snapshot.measures).details)
    if group.lead.gate == M1.id and stats is not None and stats.low:
        lowest = f", the lowest {fmt.similarity(stats.cosine_min)}" if stats.cosine_min is not None else ""
        return f"{_below(stats, snapshot)}{lowest}"
    also = len(group.others)
    return f"{fmt.safe(group.lead.text)}{f' (and {fmt.exact(also)} more of this cause)' if also else ''}"


def _below(stats: StratumStats, snapshot: RunSnapshot) -> str:
    limit = fmt.limit(snapshot.limits.fail(M1))
    return f"{fmt.exact(stats.low)} of {fmt.exact(stats.n)} {kind_of(snapshot)} are at or below similarity {limit}"


def _of_sequences(gate: str, alerts: Sequence[AlertRaised], snapshot: RunSnapshot) -> Issue:
    stats, place = overall(snapshot), next((alert.layer for alert in alerts if alert.layer), None)
    if stats is None or len(alerts) == 1:
        text = fmt.safe(alerts[0].message)
    elif gate == V1.id:
        text = overflow_place(snapshot.strata, None) + (f", first in {fmt.safe(place)}" if place else "")
    else:
        text = _below(stats, snapshot)
    return Issue(
        key=f"s{gate}", lead=alerts[0], others=tuple(alerts[1:]), text=text, next_step=advice_of(BY_ID[gate], snapshot)
    )


def _alone(key: str, alert: AlertRaised) -> Issue:
    # most messages name them already
    places = (part for part in (alert.stratum, alert.sequence_id) if part and part not in alert.message)
    place = " ".join(map(fmt.safe, places))
    words = f"{place}: {fmt.safe(alert.message)}" if place else fmt.safe(alert.message)
    return Issue(key=key, lead=alert, text=words, next_step="")
