"""Every gate just inside, at and outside each of its limits, from a table that is written a second time here."""

import math

import pytest

from vp_tui.core.gates.embeddings import M4_FLOOR
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.goals import D2_MAX, P1
from vp_tui.core.gates.table import BY_ID, EMBEDDING_GATES, GATES, WITH_LIMITS
from vp_tui.core.measurements import Measured
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.verdict.evaluate import reach_of, severity_of, value_of

LIMITS = Thresholds()

# id, measure and name, side of a miss, fail limit, warn limit, scopes
EXPECTED = """
I1           I1.unknown_share        above          -       0.01    all
I2           I2.unmatched_share      above          -       0       all
F1           F1.faults               above          0       -       all
V1           V1.nan                  above          0       -       strata
V1           V1.inf                  above          0       -       strata
V2           V2.nonfinite_modules    above          0       -       all
V2           V2.saturated_values     above          0       -       all
V3           V3.headroom_bits        below          1       3       all
V4-error     V4.subnormal_error_share above         -       0.1     all
V4           V4.subnormal_share      above          0.01    -       all
V4-flushed   V4.flushed_share        above          0.01    -       all
M1           M1.min                  at_or_below    0.99    -       strata
M1           M1.below                above          0       -       strata
M1-p01       M1.p01                  below          0.999   -       strata
M2           M2.min                  below          0.99    -       strata
M2-p01       M2.p01                  below          0.999   -       strata
M3           M3.min                  below          0.98    -       strata
M3-p01       M3.p01                  below          0.998   -       strata
M4           M4.relative_l2_p99      above          1e-2    -       strata
M4c          M4.centred_l2_p99       above          3e-2    -       strata
M4-worst     M4.spread               above          10      -       strata
M5           M5.norm_ratio_worst     away_from_one  5e-3    -       strata
M5-scale     M5.scale_p50            away_from_one  5e-3    -       strata
M6           M6.match_1e-2           below          0.9     -       strata
T1           T1.token_p001           below          0.98    -       strata
T1-min       T1.token_min            below          0.98    -       strata
S1           S1.overlap              below          0.95    0.98    all
S1-nearest   S1.nearest              below          0.95    -       all
S2           S2.cka                  below          0.999   -       all
S2-debiased  S2.cka_debiased         below          0.999   -       all
S2-rdm       S2.rdm_spearman         below          0.999   -       all
S5           S5.mean_shift_max       above          0.1     0.05    all
S5-std       S5.std_ratio_min        away_from_one  0.05    0.02    all
S5-std       S5.std_ratio_max        away_from_one  0.05    0.02    all
S5-ks        S5.ks_max               above          0.05    -       all
S6           S6.outlier_share_change away_from_zero 1e-3    -       all
S6-rogue     S6.rogue_differences    above          0       -       all
S7           S7.identity_misses      above          0       -       strata
S8           S8.gap_p99              above          0.5     0.1     strata
S9           S9.lost_share           above          0.05    0.01    all
S10          S10.far_flip_share      above          0.01    0.001   all
R1           R1.reference_error_max  above          1e-4    1e-5    all
R2           R2.kernel_ratio         above          2       1.5     all
R3           R3.reference_noise      above          1e-4    -       all
R3-candidate R3.candidate_noise_ratio above         1.5      -       all
R4           R4.rounding_ratio       above          1.3     -       all
R4-bias      R4.systematic_ratio_max above          2.5     -       all
R5           R5.pooled_ratio         above          1.4     -       all
R6           R6.semantics_ratio      above          10      -       all
R7           R7.rotary_mismatch      above          0       -       all
C1           C1.uncaught             above          0       -       all
"""
ROWS = [tuple(line.split()) for line in EXPECTED.strip().splitlines()]
DECIDE = {"I1", "I2", "V1", "V2", "M1", "R1", "S7", "S8", "S9", "S10"}
NOTES = {"V4", "V4-flushed", "M4", "M4c", "M4-worst", "M5", "M6", "S1-nearest"}


def up(value):
    return math.nextafter(value, math.inf)


def down(value):
    return math.nextafter(value, -math.inf)


def around(sense, limit):
    """Values within and values beyond the limit, each as near to it as a number can be."""
    match sense:
        case "below":
            return [up(limit), limit], [down(limit)]
        case "at_or_below":
            return [up(limit)], [limit, down(limit)]
        case "above":
            return [down(limit), limit], [up(limit)]
        case "away_from_one":
            return [1.0, 1 + limit, 1 - limit], [up(1 + limit), down(1 - limit)]
        case "away_from_zero":
            return [0.0, limit, -limit], [up(limit), -up(limit)]


def cases():
    for gate_id, number, sense, fail, warn, scopes in ROWS:
        for scope in ("short", "long", "all") if scopes == "strata" else ("all",):
            if fail != "-":
                within, beyond = around(sense, float(fail))
                nearest = None if warn == "-" else "warn"
                yield from (
                    (gate_id, number, scope, value, nearest) for value in within if value != 1.0 or nearest is None
                )
                yield from ((gate_id, number, scope, value, "fail") for value in beyond)
            if warn != "-":
                within, beyond = around(sense, float(warn))
                yield from ((gate_id, number, scope, value, None) for value in within)
                yield from ((gate_id, number, scope, value, "warn") for value in beyond)


def measured(number, scope, value):
    measure, name = number.split(".")
    # conditions of other gates
    further = {"spread": {"relative_l2_max": 1.0}, "lost_share": {"lost": 2.0}}
    further = further.get(name, {})
    return Measured(values={measure: {scope: {name: value, **further}}})


@pytest.mark.parametrize(("gate_id", "number", "scope", "value", "reach"), list(cases()))
def test_a_gate_misses_beyond_its_limits_and_nowhere_else(gate_id, number, scope, value, reach):
    for gates, miss in (("mission", "fail" if gate_id in DECIDE else "warn"), ("strict", "fail")):
        found = judge.findings((), measured(number, scope, value), limits=LIMITS, gates=gates)
        severity = {None: [], "warn": ["warn"], "fail": [miss]}[reach]
        severity = ["info"] if severity and gate_id in NOTES else severity
        assert [one.severity for one in found if one.gate == gate_id] == severity
        if reach is not None:
            mine = next(one for one in found if one.gate == gate_id)
            assert (mine.stratum, bool(mine.text)) == (scope, True)


def test_the_table_here_is_the_table_there():
    assert list(dict.fromkeys(row[0] for row in ROWS)) == [gate.id for gate in GATES]
    for gate_id, number, sense, fail, warn, scopes in ROWS:
        gate = BY_ID[gate_id]
        if number == "M1.below":
            assert gate.counted == "below"
            continue
        assert number.split(".")[0] == gate.measure
        assert number.split(".")[1] in gate.names
        assert (sense, gate.scopes) == (gate.sense, scopes)
        assert (None if fail == "-" else float(fail)) == (gate.fail and gate.fail.value)
        assert (None if warn == "-" else float(warn)) == (gate.warn and gate.warn.value)
        assert gate.kind == ("safety" if gate_id in DECIDE else "information" if gate_id in NOTES else "exactness")


def test_ids_are_unique_and_every_text_is_there():
    assert len({gate.id for gate in WITH_LIMITS}) == len(WITH_LIMITS)
    for gate in WITH_LIMITS:
        assert gate.fail or gate.warn
        assert gate.meaning.endswith(".")
        assert gate.advice.endswith(".")
        assert gate.title
        assert gate.what
        assert gate.blind_to
        assert not gate.blind_to.endswith(".")
        # a title that fits its place in the table of the report
        assert gate.scopes == "strata" or len(gate.title) <= 29


def test_the_fail_limit_of_a_gate_is_the_farther_one():
    for gate in (gate for gate in WITH_LIMITS if gate.fail and gate.warn):
        fail, warn = LIMITS.fail(gate), LIMITS.warn(gate)
        assert fail < warn if gate.sense == "below" else fail > warn


@pytest.mark.parametrize("gates", ["mission", "strict"])
def test_a_gate_for_information_is_a_note_and_one_without_a_fail_limit_never_fails(gates):
    assert severity_of(P1, "fail", gates) == "info"
    assert reach_of(D2_MAX, {"shift_max": 1.0}, LIMITS) == "warn"


def test_the_negative_controls_ask_the_gates_on_embeddings_only():
    assert {gate.id[0] for gate in EMBEDDING_GATES} == {"M", "S"}
    assert {gate.id[0] for gate in GATES if not gate.is_on_embeddings} == {"I", "F", "V", "T", "R", "C"}


@pytest.mark.parametrize(
    ("numbers", "is_missed"),
    [
        ({"spread": 100.0}, False),
        ({"spread": 100.0, "relative_l2_max": None}, False),
        ({"spread": 100.0, "relative_l2_max": LIMITS.fail(M4_FLOOR)}, False),
        ({"spread": 100.0, "relative_l2_max": up(LIMITS.fail(M4_FLOOR))}, True),
        ({"spread": 10.0, "relative_l2_max": 1.0}, False),
    ],
)
def test_the_worst_error_is_compared_with_the_median_only_where_it_is_more_than_rounding(numbers, is_missed):
    assert (reach_of(BY_ID["M4-worst"], numbers, LIMITS) is not None) == is_missed


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.id)
def test_a_missing_number_is_no_miss_and_one_that_is_not_finite_always_is(gate: Gate):
    further = dict.fromkeys(gate.only_if.names, 2.0) if gate.only_if else {}
    assert reach_of(gate, dict.fromkeys(gate.names), LIMITS) is None
    assert reach_of(gate, {gate.names[0]: math.nan, **further}, LIMITS) == ("fail" if gate.fail else "warn")


def test_of_two_numbers_the_worse_one_is_judged():
    std, overflow = BY_ID["S5-std"], BY_ID["V2"]
    assert value_of(std, {"std_ratio_min": 0.9, "std_ratio_max": 1.05}) == 0.9
    assert value_of(std, {"std_ratio_min": 0.99, "std_ratio_max": 1.05}) == 1.05
    assert value_of(std, {"std_ratio_min": None, "std_ratio_max": 1.05}) == 1.05
    assert value_of(overflow, {"nonfinite_modules": 0, "saturated_values": 3}) == 3
