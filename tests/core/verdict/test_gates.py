"""Every gate just inside, at and outside each of its limits, from a table that is written a second time here."""

import math

import pytest

from vp_tui.core.measurements import Measured
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.verdict.gate import Gate, reach_of, value_of
from vp_tui.core.verdict.gates import BY_ID, EMBEDDING_GATES, GATES

LIMITS = Thresholds()

# id, measure and name, side of a miss, hard limit, soft limit, scopes
EXPECTED = """
V1           V1.nan                  any            -                           -                          strata
V1           V1.inf                  any            -                           -                          strata
V2           V2.nonfinite_modules    any            -                           -                          all
V2           V2.saturated_values     any            -                           -                          all
V3           V3.headroom_bits        below          headroom_bits_fail          headroom_bits_warn         all
V4           V4.subnormal_share      above          subnormal_share             -                          all
V4-flushed   V4.flushed_share        above          subnormal_share             -                          all
M1           M1.min                  at_or_below    cosine_fail                 -                          strata
M1           M1.below                any            -                           -                          strata
M1-p01       M1.p01                  below          cosine_p01_warn             -                          strata
M2           M2.min                  below          centred_cosine_fail         -                          strata
M2-p01       M2.p01                  below          centred_cosine_p01_warn     -                          strata
M3           M3.min                  below          standardized_cosine_fail    -                          strata
M3-p01       M3.p01                  below          standardized_cosine_p01_warn -                         strata
M4           M4.relative_l2_p99      above          relative_l2_p99_fail        relative_l2_p99_warn       strata
M4c          M4.centred_l2_p99       above          centred_l2_p99_fail         centred_l2_p99_warn        strata
M4-worst     M4.spread               above          relative_l2_spread          -                          strata
M5           M5.norm_ratio_worst     away_from_one  norm_ratio_fail             norm_ratio_warn            strata
M5-scale     M5.scale_worst          away_from_one  norm_ratio_fail             norm_ratio_warn            strata
M6           M6.match_1e-2           below          match_rate                  -                          strata
T1           T1.token_p001           below          token_cosine_p001_fail      -                          strata
T1-min       T1.token_min            below          token_cosine_min_warn       -                          strata
S1           S1.overlap              below          knn_overlap_fail            knn_overlap_warn           all
S1-nearest   S1.nearest              below          nearest_agreement           -                          all
S2           S2.cka                  below          structure_similarity        -                          all
S2-debiased  S2.cka_debiased         below          structure_similarity        -                          all
S2-rdm       S2.rdm_spearman         below          structure_similarity        -                          all
S5           S5.mean_shift_max       above          mean_shift_fail             mean_shift_warn            all
S5-std       S5.std_ratio_min        away_from_one  std_ratio_fail              std_ratio_warn             all
S5-std       S5.std_ratio_max        away_from_one  std_ratio_fail              std_ratio_warn             all
S5-ks        S5.ks_max               above          ks_distance                 -                          all
S6           S6.outlier_share_change away_from_zero outlier_share               -                          all
S6-rogue     S6.rogue_differences    any            -                           -                          all
R1           R1.reference_error_max  above          reference_error_invalid     reference_error_warn       all
R2           R2.kernel_ratio         above          kernel_ratio_fail           kernel_ratio_warn          all
R3           R3.reference_noise      above          noise_floor                 -                          all
R4           R4.rounding_ratio_max   above          rounding_ratio_fail         rounding_ratio_warn        all
R4-bias      R4.systematic_ratio_max above          systematic_ratio            -                          all
C1           C1.uncaught             any            -                           -                          all
"""
ROWS = [tuple(line.split()) for line in EXPECTED.strip().splitlines()]
DECIDE = {"V1", "V2", "M1", "R1"}


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
        case "any":
            return [0.0], [1.0, 1e6]


def cases():
    for gate_id, number, sense, hard, soft, scopes in ROWS:
        for scope in ("short", "long", "all") if scopes == "strata" else ("all",):
            if hard == "-":
                within, beyond = around(sense, 0.0)
                yield from ((gate_id, number, scope, value, None) for value in within)
                yield from ((gate_id, number, scope, value, "hard") for value in beyond)
                continue
            within, beyond = around(sense, getattr(LIMITS, hard))
            nearest = None if soft == "-" else "soft"
            yield from ((gate_id, number, scope, value, nearest) for value in within if value != 1.0)
            yield from ((gate_id, number, scope, value, "hard") for value in beyond)
            if soft != "-":
                within, beyond = around(sense, getattr(LIMITS, soft))
                yield from ((gate_id, number, scope, value, None) for value in within)
                yield from ((gate_id, number, scope, value, "soft") for value in beyond)


def measured(number, scope, value):
    measure, name = number.split(".")
    # M4-worst is only asked of errors above the floor
    further = {"relative_l2_max": 1.0} if name == "spread" else {}
    return Measured(values={measure: {scope: {name: value, **further}}})


@pytest.mark.parametrize(("gate_id", "number", "scope", "value", "reach"), list(cases()))
def test_a_gate_misses_beyond_its_limits_and_nowhere_else(gate_id, number, scope, value, reach):
    for gates, hard in (("mission", "fail" if gate_id in DECIDE else "warn"), ("strict", "fail")):
        found = judge.findings((), measured(number, scope, value), limits=LIMITS, gates=gates)
        severity = {None: [], "soft": ["warn"], "hard": [hard]}[reach]
        assert [one.severity for one in found if one.gate == gate_id] == severity
        if reach is not None:
            mine = next(one for one in found if one.gate == gate_id)
            assert (mine.stratum, bool(mine.text)) == (scope, True)


def test_the_table_here_is_the_table_there():
    assert list(dict.fromkeys(row[0] for row in ROWS)) == [gate.id for gate in GATES]
    for gate_id, number, sense, hard, soft, scopes in ROWS:
        gate = BY_ID[gate_id]
        if number == "M1.below":
            assert gate.counted == "below"
            continue
        assert number.split(".")[0] == gate.measure
        assert number.split(".")[1] in gate.names
        assert (sense, hard, soft) == (gate.sense, gate.hard or "-", gate.soft or "-")
        assert scopes == gate.scopes
        assert gate.decides == (gate_id in DECIDE)


def test_every_limit_of_a_gate_is_a_threshold_and_every_text_is_there():
    for gate in GATES:
        for field in (gate.hard, gate.soft, gate.only_if and gate.only_if[1]):
            assert field is None or field in Thresholds.model_fields
        assert gate.meaning.endswith(".")
        assert gate.title
        assert gate.what
        assert gate.blind_to
        assert not gate.blind_to.endswith(".")
        # a title that fits its place in the table of the report
        assert gate.scopes == "strata" or len(gate.title) <= 29


def test_the_hard_limit_of_a_gate_is_the_farther_one():
    for gate in (gate for gate in GATES if gate.soft):
        hard, soft = getattr(LIMITS, gate.hard), getattr(LIMITS, gate.soft)
        assert hard < soft if gate.sense == "below" else hard > soft


def test_the_negative_controls_ask_the_gates_on_embeddings_only():
    assert {gate.id[0] for gate in EMBEDDING_GATES} == {"M", "S"}
    assert {gate.id[0] for gate in GATES if not gate.controlled} == {"V", "T", "R", "C"}


@pytest.mark.parametrize(
    ("numbers", "is_missed"),
    [
        ({"spread": 100.0}, False),
        ({"spread": 100.0, "relative_l2_max": None}, False),
        ({"spread": 100.0, "relative_l2_max": LIMITS.relative_l2_floor}, False),
        ({"spread": 100.0, "relative_l2_max": up(LIMITS.relative_l2_floor)}, True),
        ({"spread": 10.0, "relative_l2_max": 1.0}, False),
    ],
)
def test_the_worst_error_is_compared_with_the_median_only_where_it_is_more_than_rounding(numbers, is_missed):
    assert (reach_of(BY_ID["M4-worst"], numbers, LIMITS) is not None) == is_missed


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.id)
def test_a_missing_number_is_no_miss_and_one_that_is_not_finite_always_is(gate: Gate):
    further = {gate.only_if[0]: 1.0} if gate.only_if else {}
    assert reach_of(gate, dict.fromkeys(gate.names), LIMITS) is None
    assert reach_of(gate, {gate.names[0]: math.nan, **further}, LIMITS) == "hard"


def test_of_two_numbers_the_worse_one_is_judged():
    std, overflow = BY_ID["S5-std"], BY_ID["V2"]
    assert value_of(std, {"std_ratio_min": 0.9, "std_ratio_max": 1.05}) == 0.9
    assert value_of(std, {"std_ratio_min": 0.99, "std_ratio_max": 1.05}) == 1.05
    assert value_of(std, {"std_ratio_min": None, "std_ratio_max": 1.05}) == 1.05
    assert value_of(overflow, {"nonfinite_modules": 0, "saturated_values": 3}) == 3
