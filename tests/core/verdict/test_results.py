"""One row per gate at the end of a run: its numbers, its limit, and how it stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import empty_stats, four_strata, stats

from vp_tui.core.gates.table import EMBEDDING_GATES, GATES
from vp_tui.core.measurements import Measured
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.verdict.results import gate_results

LIMITS = Thresholds()


def rows(values=None, strata=(), gates="mission", details=None, reference_precision="fp32"):
    measured = Measured(values=values or {}, details=details or {})
    found = judge.findings(strata, measured, limits=LIMITS, gates=gates, reference_precision=reference_precision)
    return {row.id: row for row in gate_results(measured, strata, found, LIMITS)}


def test_there_is_one_row_per_gate_in_order_and_nothing_is_measured_at_first():
    found = rows()
    assert list(found) == [gate.id for gate in GATES if not gate.is_of_judged]
    assert {row.state for row in found.values()} == {"not measured"}


def test_the_gates_of_a_judged_run_are_those_of_it_alone():
    found = rows({"I2": {"all": {"unmatched_share": 0.5}}, "F1": {"all": {"faults": 0.0}}})
    assert (found["I2"].state, found["F1"].state) == ("warn", "pass")


def test_an_old_run_stands_by_its_strata_alone():
    found = rows(strata=four_strata())
    assert {row.id for row in found.values() if row.state == "pass"} == {"V1", "M1", "M1-p01", "M4", "M5"}
    assert found["M1"].values == dict.fromkeys(("short", "medium", "long", "all"), 0.99999)
    assert found["V1"].values["all"] == 0


def test_a_gate_on_the_whole_set_has_no_numbers_of_strata():
    found = rows({"S1": {scope: {"overlap": 0.99} for scope in ("short", "all")}})
    assert found["S1"].values == {"short": None, "medium": None, "long": None, "all": 0.99}


@pytest.mark.parametrize(
    ("gate", "limit"),
    [
        ("V1", "0"),
        ("V3", ">=3 (1)"),
        ("M1", ">0.99"),
        ("M2", ">=0.99"),
        ("M4", "<=0.01"),
        ("M5", "1+-0.005"),
        ("S8", "<=0.1 (0.5)"),
        ("V4-error", "<=0.1"),
        ("S6", "0+-0.001"),
        ("R1", "<=1e-05 (0.0001)"),
    ],
)
def test_the_limit_is_what_is_asked_with_the_hard_one_in_brackets(gate, limit):
    assert rows()[gate].limit == limit


@pytest.mark.parametrize(("gates", "hard"), [("mission", "warn"), ("strict", "fail")])
def test_the_state_is_that_of_the_gravest_finding(gates, hard):
    values = {"S1": {"all": {"overlap": 0.9}}}
    assert rows(values, gates=gates)["S1"].state == hard
    assert rows({"S1": {"all": {"overlap": 0.97}}}, gates=gates)["S1"].state == "warn"


@pytest.mark.parametrize("gates", ["mission", "strict"])
def test_a_miss_of_a_gate_for_information_is_a_note_also_where_another_one_told_it(gates):
    values = {"M4": {"short": {"relative_l2_p99": 0.02}}, "M6": {"short": {"match_1e-2": 0.1}}}
    assert [rows(values, gates=gates)[gate].state for gate in ("M4", "M6", "M5")] == ["note", "note", "not measured"]


def test_a_gate_that_is_silent_because_a_graver_one_spoke_does_not_pass():
    values = {"M2": {"short": {"min": 0.5, "p01": 0.9}}}
    assert {rows(values)[gate].state for gate in ("M2", "M2-p01")} == {"warn"}
    assert {rows(values, gates="strict")[gate].state for gate in ("M2", "M2-p01")} == {"fail"}
    assert rows({"M2": {"short": {"min": 0.5, "p01": 1.0}}})["M2-p01"].state == "pass"


def test_a_gate_that_caught_no_control_is_blind_and_not_passed():
    details = {"controls": {"blind": ["M1", "S6-rogue", "M2", "V1", "R3"]}}
    values = {"M2": {"all": {"min": 0.5}}, "R3": {"all": {"reference_noise": 0.0}}}
    found = rows(values, four_strata(), details=details)
    assert found["M1"].state == "blind"
    # missed, so it did see something; not measured at all; not asked by the controls
    assert [found[gate].state for gate in ("M2", "S6-rogue", "V1", "R3")] == ["warn", "not measured", "pass", "pass"]


@pytest.mark.parametrize("gate", [gate for gate in GATES if gate not in EMBEDDING_GATES], ids=lambda gate: gate.id)
def test_a_gate_the_controls_do_not_ask_is_never_blind(gate):
    good = 1.0 if gate.sense in {"below", "away_from_one"} else 0.0
    values = {gate.measure: {"all": {gate.names[0]: good * 100}}}
    assert rows(values, details={"controls": {"blind": [gate.id]}})[gate.id].state == "pass"


def test_the_error_of_another_reference_is_told_and_not_judged():
    values = {"R1": {"all": {"reference_error_max": 3e-3}}}
    assert rows(values, reference_precision="bf16")["R1"].state == "not judged"
    assert rows(values)["R1"].state == "fail"


def test_an_empty_stratum_has_no_numbers():
    assert rows(strata=(stats("short"), empty_stats("long"), stats("all")))["M1"].values["long"] is None


NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


# no deadline: the cores are shared
@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=len(GATES), max_size=len(GATES)), st.sampled_from(["mission", "strict"]))
def test_no_gate_passes_that_has_a_finding_and_none_is_left_out(numbers, gates):
    values = {}
    for gate, number in zip(GATES, numbers, strict=True):
        values.setdefault(gate.measure, {}).setdefault("all", {})[gate.names[0]] = number
    measured = Measured(values=values)
    found = judge.findings((), measured, limits=LIMITS, gates=gates)
    states = {row.id: row.state for row in gate_results(measured, (), found, LIMITS)}
    assert len(states) == len(GATES)
    for finding in found:
        assert states[finding.gate] in ({"note", "not judged"} if finding.severity == "info" else {"warn", "fail"})
