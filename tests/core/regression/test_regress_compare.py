"""Accuracy, hard gates and comparability by hand, each outcome with its sentence."""

import math
import re
import time

import numpy as np
import pytest
from regress_samples import FACTS, PERF_FACTS, STEADY, compared, errors, pairs, side, slower, thirds

from vp_tui.core import text as fmt
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import StratumCount


def test_half_as_much_error_again_is_a_regression_from_one_run_per_side():
    base = errors(300)
    found = compared(side("b"), side("c"), pairs(base, 1 - 2 * (1 - base), thirds(300)))
    assert found.verdicts == {"accuracy": "REGRESSED", "performance": "EQUIVALENT"}
    assert found.exit_code() == 3
    assert (
        "all: distance from similarity 1 is 2.00x A's (median of 300 sequences, p <1e-6, limit 1.50x)" in found.sentence
    )
    assert "relative difference is 1.41x A's" in found.sentence
    item = next(item for item in found.accuracy.items if item.scope == "short" and item.name == "cosine_error")
    assert (item.n_base, item.outcome, item.limit) == (100, "REGRESSED", pytest.approx(0.5))
    assert item.change == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("base", [1e-8, 1e-10, 5e-7])
@pytest.mark.parametrize("factor", [2.0, 30.0])
def test_the_factor_that_is_told_is_the_true_one_however_small_the_error(base, factor):
    cosine_S = errors(90, scale=base)
    found = compared(accuracy=pairs(cosine_S, 1 - factor * (1 - cosine_S)))
    item = next(item for item in found.accuracy.items if item.name == "cosine_error")
    assert (item.outcome, item.change) == ("REGRESSED", pytest.approx(factor - 1, rel=0.02))
    told = float(re.search(r"distance from similarity 1 is ([0-9.]+)x A's", found.sentence)[1])
    assert told == pytest.approx(factor, rel=0.01)


@pytest.mark.parametrize("scale", [0.5, 0.88, 0.97, 1.12, 2.0])
def test_embeddings_of_another_length_regress_although_their_cosine_is_equal(scale):
    base = errors(90)
    noise_S = np.sqrt(2 * (1 - base))
    found = compared(
        accuracy=pairs(
            base, base, thirds(90), l2=(noise_S, np.hypot(noise_S, scale - 1)),
            length=(np.full(90, 1.0), np.full(90, scale)),
        )
    )  # fmt: skip
    assert found.verdicts["accuracy"] == "REGRESSED"
    items = {item.name: item for item in found.accuracy.items if item.scope == "all"}
    assert {name: item.outcome for name, item in items.items()} == {
        "cosine_passing": "EQUIVALENT",
        "cosine_error": "IDENTICAL",
        "relative_l2": "REGRESSED",
        "scale": "REGRESSED",
    }
    assert items["scale"].change == pytest.approx(scale - 1)
    assert f"embeddings are {fmt.number(scale)} times as long as the reference's" in found.sentence


def test_a_length_that_comes_back_to_that_of_the_reference_is_an_improvement():
    base = errors(90)
    lengths = np.full(90, 0.9), np.full(90, 1.0)
    found = compared(accuracy=pairs(base, base, length=lengths))
    assert {item.name: item.outcome for item in found.accuracy.items}["scale"] == "IMPROVED"


def test_a_stratum_of_few_sequences_is_a_note_where_all_together_are_decided():
    cosine_S = errors(303)
    strata = np.array([*thirds(300), "long", "long", "long"])
    strata[strata == "long"] = "medium"
    strata[-3:] = "long"
    cand_S = cosine_S.copy()
    cand_S[-3:] = 1 - 1.2 * (1 - cosine_S[-3:])
    found = compared(accuracy=pairs(cosine_S, cand_S, strata))
    assert found.verdicts["accuracy"] == "EQUIVALENT"
    assert any(note.startswith("inconclusive: long: ") for note in found.notes)


def test_one_bad_stratum_is_named():
    base = errors(300)
    strata = thirds(300)
    worse = np.where(strata == "long", 1 - 3 * (1 - base), base)
    found = compared(side("b"), side("c"), pairs(base, worse, strata))
    assert "accuracy regressed: long: distance from similarity 1 is 3.00x" in found.accuracy.sentence
    outcomes = {(item.name, item.scope): item.outcome for item in found.accuracy.items}
    assert [outcomes["cosine_error", stratum] for stratum in ("short", "medium", "long")] == [
        "IDENTICAL", "IDENTICAL", "REGRESSED",
    ]  # fmt: skip


def test_half_the_error_is_an_improvement():
    base = errors(300)
    found = compared(accuracy=pairs(base, 1 - (1 - base) / 2, thirds(300)))
    assert found.verdicts["accuracy"] == "IMPROVED"


def test_a_little_more_error_is_equivalent():
    base = errors(300)
    found = compared(accuracy=pairs(base, 1 - 1.1 * (1 - base), thirds(300)))
    assert found.verdicts["accuracy"] == "EQUIVALENT"
    assert found.accuracy.sentence.startswith("accuracy is equivalent: ")


def test_too_few_sequences_for_a_sign_test_are_inconclusive():
    base = errors(4)
    found = compared(accuracy=pairs(base, 1 - 5 * (1 - base)))
    assert found.accuracy.outcome == "INCONCLUSIVE"


def test_three_strata_ask_for_more_evidence_than_one():
    base, strata = errors(21), thirds(21)
    worse = np.where(strata == "short", 1 - 5 * (1 - base), base)
    alone = strata == "short"
    # 7 of 7: p 0.0078 alone, three times that under Holm
    assert compared(accuracy=pairs(base[alone], worse[alone])).accuracy.outcome == "REGRESSED"
    assert compared(accuracy=pairs(base, worse, strata)).accuracy.outcome == "INCONCLUSIVE"


def test_more_error_that_only_half_the_sequences_have_is_no_regression():
    base = errors(400)
    mixed = np.where(np.arange(400) % 2 == 0, 1 - 3 * (1 - base), 1 - (1 - base) / 3)
    assert compared(accuracy=pairs(base, mixed)).accuracy.outcome == "INCONCLUSIVE"


def test_sequences_that_begin_to_fail_are_a_regression_where_some_may_fail():
    base, cand = np.full(100, 1 - 1e-5), np.full(100, 1 - 1e-5)
    cand[:5] = 0.5
    found = compared(accuracy=pairs(base, cand), rule=Rule(max_below=10))
    assert (found.verdicts["accuracy"], found.exit_code()) == ("REGRESSED", 3)
    passing = found.accuracy.items[0]
    assert (passing.name, passing.base, passing.cand, passing.change) == ("cosine_passing", 100, 95, -0.05)
    assert passing.p == pytest.approx(1 / 32)
    back = compared(accuracy=pairs(cand, base), rule=Rule(max_below=10))
    assert back.verdicts["accuracy"] == "IMPROVED"


def test_few_sequences_that_pass_again_are_inconclusive():
    base, cand = np.full(100, 1 - 1e-5), np.full(100, 1 - 1e-5)
    base[:3] = math.nan
    assert compared(accuracy=pairs(base, cand)).accuracy.items[0].outcome == "INCONCLUSIVE"


def test_a_growing_tail_under_a_median_that_stays_is_noted():
    base = errors(300)
    cand = base.copy()
    cand[:12] = 1 - 1e-3
    notes = compared(accuracy=pairs(base, cand)).notes
    tail = [note for note in notes if note.startswith("short: ") and "standard deviation" in note]
    assert len(tail) >= 2, notes


def test_cosines_above_one_by_rounding_have_no_error():
    base = np.full(50, 1.0)
    assert compared(accuracy=pairs(base, base + 1e-9)).accuracy.outcome == "EQUIVALENT"


# hard gates


def test_a_cosine_at_the_limit_fails_whatever_the_baseline_did():
    bad = errors(90)
    bad[3] = Rule().cosine_limit
    found = compared(accuracy=pairs(bad, bad, thirds(90)))
    assert (found.verdicts["accuracy"], found.exit_code()) == ("FAIL", 4)
    (gate,) = found.gates
    assert (gate.name, gate.scope, gate.cand, gate.n_cand) == ("below_limit", "short", 1, 30)
    assert gate.reason in found.sentence
    assert found.accuracy.outcome == "IDENTICAL"


def test_a_missing_cosine_fails():
    bad = errors(90)
    bad[40] = math.nan
    found = compared(accuracy=pairs(errors(90), bad, thirds(90), cand_bad=np.zeros(90, bool)))
    assert found.verdicts["accuracy"] == "FAIL"
    assert [(gate.name, gate.scope, gate.cand, gate.n_cand) for gate in found.gates] == [
        ("below_limit", "medium", 1, 30)
    ]


def test_two_missing_cosines_are_not_identical():
    bad = errors(90)
    bad[40] = math.nan
    found = compared(accuracy=pairs(bad, bad, thirds(90)))
    assert found.verdicts["accuracy"] == "FAIL"
    assert "IDENTICAL" not in {item.outcome for item in found.accuracy.items if item.scope in {"all", "medium"}}


@pytest.mark.parametrize("field", ["nan", "inf"])
def test_a_nonfinite_sequence_fails_and_is_said_once_for_five_repeats(field):
    found = compared(cand=side("c", STEADY, **{field: 2}))
    assert (found.verdicts["accuracy"], len(found.gates)) == ("FAIL", 1)
    assert "2 sequences with NaN" in found.sentence or "and 2 with Inf" in found.sentence


def test_a_nonfinite_output_under_a_finite_cosine_fails():
    flagged = np.zeros(90, bool)
    flagged[7] = True
    found = compared(accuracy=pairs(errors(90), errors(90), thirds(90), cand_bad=flagged))
    assert (found.verdicts["accuracy"], found.accuracy.outcome) == ("FAIL", "INCONCLUSIVE")
    assert (found.accuracy.items[0].base, found.accuracy.items[0].cand) == (90, 89)
    outcomes = {(item.name, item.scope): item.outcome for item in found.accuracy.items}
    assert [outcomes["cosine_error", stratum] for stratum in ("short", "medium", "long")] == [
        "EQUIVALENT", "IDENTICAL", "IDENTICAL",
    ]  # fmt: skip


def test_the_runs_own_counts_are_enough_for_the_gate():
    found = compared(cand=side("c", STEADY, counts={"long": StratumCount(n=33, below=2)}), accuracy=None)
    assert found.verdicts["accuracy"] == "FAIL"
    assert [(gate.name, gate.scope, gate.cand, gate.n_cand) for gate in found.gates] == [("below_limit", "long", 2, 33)]


def test_a_stratum_without_a_failure_has_an_exact_bound():
    (note,) = (note for note in compared().notes if note.startswith("short: "))
    assert all(number in note for number in ("0 of 30", "0.99", "95%", "9.5%"))


def test_an_unfinished_candidate_is_incomplete():
    found = compared(cand=side("c", STEADY, done=60))
    assert (found.verdicts["accuracy"], found.exit_code()) == ("INCOMPLETE", 7)
    assert found.sentence.startswith("B is incomplete: c00 has 60 of 100 sequences; ")


def test_failing_is_graver_than_being_unfinished():
    assert compared(cand=side("c", STEADY, done=60, nan=1)).verdicts["accuracy"] == "FAIL"


def test_a_nonfinite_baseline_is_noted_and_no_gate():
    found = compared(base=side("b", STEADY, nan=3))
    assert found.verdicts == {"accuracy": "IDENTICAL", "performance": "EQUIVALENT"}
    assert any("A, b00" in note and "3 sequences with NaN" in note for note in found.notes)


# comparability


def test_another_dataset_is_not_comparable_and_says_which_fact_differs():
    other = {"accuracy_key": "a2", "perf_key": "p2"}
    facts = {"accuracy_facts": FACTS | {"dataset_sha256": "d2"}, "perf_facts": PERF_FACTS | {"dataset_sha256": "d2"}}
    found = compared(cand=side("c", STEADY, **other, **facts))
    assert (found.is_comparable, found.exit_code()) == (False, 5)
    assert found.sentence == (
        "accuracy is not comparable: dataset_sha256 d1 against d2; "
        "performance is not comparable: dataset_sha256 d1 against d2"
    )
    assert found.accuracy.differing == {"dataset_sha256": ("d1", "d2")}
    assert not found.performance.items


def test_another_gpu_leaves_accuracy_to_be_judged():
    other = PERF_FACTS | {"device_name": "A100", "driver": "550.2"}
    cand = side("c", slower(0.2), perf_key="p2", perf_facts=other)
    found = compared(cand=cand)
    assert found.verdicts == {"accuracy": "IDENTICAL", "performance": "NOT_COMPARABLE"}
    assert found.exit_code(strict=True) == 0
    assert "performance is not comparable: device_name H200 against A100, driver 560.1 against 550.2" in found.sentence
    base = errors(300)
    assert compared(cand=cand, accuracy=pairs(base, 1 - 3 * (1 - base))).exit_code() == 3


def test_other_weights_leave_performance_to_be_judged():
    found = compared(cand=side("c", slower(0.8), accuracy_key="a2"))
    assert found.verdicts == {"accuracy": "NOT_COMPARABLE", "performance": "REGRESSED"}
    assert found.exit_code() == 3
    assert "accuracy is not comparable: the keys differ" in found.sentence


def test_two_unknown_keys_are_not_the_same():
    unknown = {"accuracy_key": None, "perf_key": None}
    found = compared(side("b", STEADY, **unknown), side("c", STEADY, **unknown))
    assert not found.is_comparable
    assert found.accuracy.differing == found.performance.differing == {}


@pytest.mark.parametrize(("accuracy", "words"), [(None, "no sequences are stored"), (pairs([], []), "on both sides")])
def test_without_pairs_accuracy_is_not_comparable(accuracy, words):
    found = compared(accuracy=accuracy)
    assert found.verdicts == {"accuracy": "NOT_COMPARABLE", "performance": "EQUIVALENT"}
    assert words in found.accuracy.sentence


def test_runs_without_a_number_have_no_performance_to_compare():
    found = compared(side("b", (None,)), side("c", (None,)))
    assert found.verdicts == {"accuracy": "IDENTICAL", "performance": "NOT_COMPARABLE"}


def test_a_failing_candidate_fails_where_nothing_is_comparable():
    assert compared(cand=side("c", STEADY, accuracy_key="a2", perf_key="p2", nan=1)).exit_code() == 4


def test_two_runs_of_ten_thousand_sequences_take_less_than_50_ms():
    base, cand = errors(10_000, seed=1), errors(10_000, seed=2)
    accuracy = pairs(base, cand, thirds(10_000))
    compared(side("b"), side("c"), accuracy)
    times = []
    for _ in range(5):
        started = time.process_time()
        compared(side("b"), side("c"), accuracy)
        times.append(time.process_time() - started)
    assert min(times) < 0.05
