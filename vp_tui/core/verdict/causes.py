"""Findings grouped by cause: one paragraph of a report instead of one per gate and stratum."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from vp_tui.core.events import Finding
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.model import V1, V2, V3
from vp_tui.core.gates.table import BY_ID

RANK = {"fail": 0, "warn": 1, "info": 2}
"""Severity -> place; the most severe first."""
_OVERFLOWS: Final = (V1.id, V2.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Findings of one cause and severity."""

    lead: Finding
    """The first of the most severe ones."""
    others: tuple[Finding, ...]

    @property
    def gates(self) -> tuple[str, ...]:
        """Return the ids of the other gates, each once."""
        return tuple(dict.fromkeys(one.gate for one in self.others if one.gate != self.lead.gate))


def grouped(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Return one group per cause, notes apart, in the order of the findings; without a gate each is its own cause."""
    causes: dict[tuple[str, bool], list[Finding]] = {}
    for number, finding in enumerate(findings):
        gate = BY_ID.get(finding.gate)
        name = gate.cause if gate is not None else str(number)
        causes.setdefault((name, finding.severity == "info"), []).append(finding)
    return tuple(Group(lead=found[0], others=tuple(found[1:])) for found in causes.values())


def problems(findings: Iterable[Finding], low: int | None = None) -> tuple[Group, ...]:
    """Return the groups that warn or fail; an overflow has in its group what it explains.

    That is V3, whose headroom is used up, and M1 where no sequence that has an embedding is at or below the limit
    (`low`, their number).
    """
    found = [one for one in findings if one.severity != "info"]
    overflows = any(one.gate in _OVERFLOWS for one in found)
    explained = [one for one in found if overflows and (one.gate == V3.id or (one.gate == M1.id and low == 0))]
    return tuple(
        replace(group, others=(*group.others, *explained)) if group.lead.gate in _OVERFLOWS else group
        for group in grouped(one for one in found if one not in explained)
    )


def notes(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Return the groups that change no verdict."""
    return tuple(group for group in grouped(findings) if group.lead.severity == "info")
