"""Findings of one cause are one group, with the most severe first."""

import pytest

from vp_tui.core.events import Finding
from vp_tui.core.verdict.causes import grouped, notes, problems


def finding(gate, severity="warn", stratum="all"):
    return Finding(gate=gate, severity=severity, stratum=stratum, text=gate)


def test_gates_of_one_cause_are_one_group_and_notes_are_apart():
    found = [
        finding("S8", "fail", "short"), finding("S8", "fail", "long"), finding("R4"), finding("S1"), finding("R5"),
        finding("M4", "info"), finding("V4", "info"),
    ]  # fmt: skip
    groups = grouped(found)
    assert [(group.lead.gate, group.gates) for group in groups] == [
        ("S8", ("S1",)), ("R4", ("R5",)), ("M4", ()), ("V4", ()),
    ]  # fmt: skip
    assert [len(problems(found)), len(notes(found))] == [2, 2]


def test_findings_of_gates_of_older_versions_stand_alone():
    assert [group.lead.gate for group in grouped([finding("X1"), finding("X1"), finding("P9")])] == ["X1", "X1", "P9"]


@pytest.mark.parametrize(("low", "lead"), [(0, ["V1", "R4"]), (3, ["V1", "M1", "R4"]), (None, ["V1", "M1", "R4"])])
def test_an_overflow_explains_its_headroom_and_m1_where_no_other_sequence_misses_it(low, lead):
    found = [finding("V1", "fail"), finding("V2"), finding("M1", "fail"), finding("V3"), finding("R4")]
    groups = problems(found, low)
    assert [group.lead.gate for group in groups] == lead
    assert "V3" in groups[0].gates


def test_headroom_without_an_overflow_is_a_problem_of_its_own():
    assert [group.lead.gate for group in problems([finding("V3"), finding("M1", "fail")], 0)] == ["V3", "M1"]


def test_what_an_overflow_does_not_explain_stays_a_problem():
    """The centred similarity of sequences that have an embedding."""
    found = [finding("V1", "fail"), finding("M1", "fail"), finding("M2")]
    assert [(group.lead.gate, group.gates) for group in problems(found, 0)] == [("V1", ("M1",)), ("M2", ())]
