import pytest
from records import empty_stats, four_strata, stats

from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge as verdict

LIMITS = Thresholds()


def judged(*strata, gates="mission", reference_nonfinite=0):
    found = verdict.findings(strata, limits=LIMITS, gates=gates, reference_nonfinite=reference_nonfinite)
    return verdict.verdict(found), found


def test_healthy_strata_pass_without_a_finding():
    assert judged(*four_strata()) == ("PASS", ())


@pytest.mark.parametrize("gates", ["mission", "strict"])
@pytest.mark.parametrize("counts", [{"nan": 2}, {"inf": 2}])
def test_a_sequence_with_nan_or_inf_fails_by_v1(gates, counts):
    outcome, found = judged(stats("long", **counts), gates=gates)
    assert outcome == "FAIL"
    assert [(one.gate, one.severity, one.stratum, one.value) for one in found] == [("V1", "fail", "long", 2.0)]


@pytest.mark.parametrize("gates", ["mission", "strict"])
def test_a_sequence_exactly_at_the_limit_fails_by_m1(gates):
    outcome, found = judged(stats("medium", below=1, cosine_min=0.99), gates=gates)
    assert outcome == "FAIL"
    assert (found[0].gate, found[0].value, found[0].limit) == ("M1", 0.99, 0.99)
    assert found[0].text == "medium: 1 of 10 sequences not above cosine 0.99 (worst 0.990000)"


def test_a_stratum_in_which_no_sequence_has_a_cosine_fails_and_says_so():
    outcome, found = judged(stats(nan=10, below=10, cosine_min=None, cosine_p01=None, cosine_mean=None))
    assert outcome == "FAIL"
    assert [one.gate for one in found] == ["V1", "M1"]
    assert found[1].text.endswith(": none has a cosine")
    assert found[1].value is None


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        ("M1-p01", {"cosine_p01": 0.9985}),
        ("M4", {"relative_l2_p99": 0.02}),
        ("M5", {"norm_ratio_worst": 0.99}),
        ("M5", {"norm_ratio_worst": 1.01}),
    ],
)
def test_every_other_gate_warns_under_mission_and_fails_under_strict(gate, changes):
    mission, found = judged(stats(**changes))
    strict, found_strict = judged(stats(**changes), gates="strict")
    assert (mission, [(one.gate, one.severity) for one in found]) == ("WARN", [(gate, "warn")])
    assert (strict, [(one.gate, one.severity) for one in found_strict]) == ("FAIL", [(gate, "fail")])
    assert found[0].text == found_strict[0].text


@pytest.mark.parametrize("changes", [{"cosine_p01": 0.999}, {"relative_l2_p99": 1e-2}, {"norm_ratio_worst": 1.00499}])
def test_a_number_at_its_warning_limit_does_not_warn(changes):
    assert judged(stats(**changes))[0] == "PASS"


@pytest.mark.parametrize("gates", ["mission", "strict"])
def test_an_empty_stratum_is_told_and_changes_nothing(gates):
    outcome, found = judged(stats("short"), empty_stats("long"), stats("all"), gates=gates)
    assert outcome == "PASS"
    assert [(one.gate, one.severity, one.text) for one in found] == [("M1", "info", "long: no sequences, not judged")]


def test_a_reference_that_is_not_finite_makes_the_run_invalid_whatever_else_was_found():
    outcome, found = judged(stats(below=3, nan=3), reference_nonfinite=2)
    assert outcome == "INVALID"
    assert found[0].gate == "R1"
    assert "2 sequences" in found[0].text


def test_the_whole_set_is_not_judged_a_second_time():
    assert judged(stats("all", below=5, nan=5, cosine_p01=0.5)) == ("PASS", ())


def test_the_gravest_finding_comes_first():
    _, found = judged(empty_stats("short"), stats("medium", cosine_p01=0.9985), stats("long", nan=1))
    assert [one.severity for one in found] == ["fail", "warn", "info"]


@pytest.mark.parametrize(
    ("everything", "expected"),
    [
        ({"n": 0}, None),
        ({}, "PASS"),
        ({"below": 1}, "FAIL"),
        ({"nan": 1}, "FAIL"),
        ({"inf": 1}, "FAIL"),
        ({"relative_l2_p99": 0.5}, "WARN"),
    ],
)
def test_a_run_that_is_going_has_a_verdict_so_far(everything, expected):
    assert verdict.so_far(four_strata(**everything), LIMITS) == expected


def test_before_the_plan_is_known_there_is_no_verdict_so_far():
    assert verdict.so_far((), LIMITS) is None


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({}, "fp16 is safe here: all 10 sequences are finite and above the cosine limit (worst 1 - cosine 1.0e-05"),
        ({"relative_l2_p99": 0.02}, "fp16 passes with a warning: short: 99th percentile of relative L2 error 2.00e-02"),
        ({"nan": 1}, "fp16 is not safe here: short: 1 sequences with NaN"),
    ],
)
def test_the_verdict_is_a_sentence_with_its_decisive_number(changes, start):
    strata = (stats("short", **changes), stats("all", **changes))
    outcome, found = judged(*strata)
    assert verdict.sentence(outcome, found, strata, candidate="fp16", reference="fp32").startswith(start)


def test_further_findings_are_counted_in_the_sentence():
    strata = four_strata(nan=1)
    outcome, found = judged(*strata)
    words = verdict.sentence(outcome, found, strata, candidate="fp16", reference="fp32")
    assert words.endswith("(and 2 more findings)")
