"""Many comparisons with a fixed seed: how often the rule cries wolf, and how often it sees the wolf."""

import numpy as np
import pytest
from regress_samples import PERF_FACTS, run, side

from vp_tui.core.regression.compare import compare
from vp_tui.core.regression.drift import drift
from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import Side

# resamples only decide between EQUIVALENT and INCONCLUSIVE, which nothing here counts
RULE = Rule(resamples=20)
NAMES = ("tokens_per_s", "tokens_per_s.short", "tokens_per_s.medium", "tokens_per_s.long", "end_to_end_seconds",
         "load_seconds", "peak_memory_mib")  # fmt: skip
LOCKED = PERF_FACTS | {"clock_lock_mhz": 1500}
CAUGHT = {"REGRESSED", "SUSPECT"}


def noisy(generator, prefix, *, cv, speed=1.0, count=5, names=NAMES, **changes):
    """Fresh runs with log-normal noise of their own in every metric; `speed` scales the first."""
    metrics = {name: 1000.0 * np.exp(cv * generator.normal(size=count)) for name in names}
    metrics["tokens_per_s"] *= speed
    return side(prefix, (None,) * count, metrics=metrics, **changes)


def judged(base, cand, cv):
    return compare(base, cand, None, rule=RULE, calibration=dict.fromkeys(METRICS, cv))


@pytest.mark.parametrize(("cv", "facts"), [(0.01, PERF_FACTS), (0.02, PERF_FACTS), (0.02, LOCKED), (0.06, PERF_FACTS)])
def test_at_most_two_percent_of_unchanged_comparisons_are_flagged(cv, facts):
    generator, total = np.random.default_rng(11), 500
    flagged = sum(
        judged(*(noisy(generator, prefix, cv=cv, perf_facts=facts) for prefix in "bc"), cv).outcome in CAUGHT
        for _ in range(total)
    )
    assert flagged / total <= 0.02


def test_a_loss_of_five_percent_under_two_percent_noise_is_found_with_locked_clocks():
    generator, total = np.random.default_rng(12), 500
    found = 0
    for _ in range(total):
        base = noisy(generator, "b", cv=0.02, perf_facts=LOCKED)
        cand = noisy(generator, "c", cv=0.02, speed=0.95, perf_facts=LOCKED)
        found += judged(base, cand, 0.02).performance.items[0].outcome == "REGRESSED"
    assert found / total >= 0.85


def test_a_loss_of_eight_percent_under_two_percent_noise_is_found_with_free_clocks():
    # 5 % is the smallest effect that matters there, so half of such losses lie below it
    generator, total = np.random.default_rng(13), 300
    found = sum(
        judged(noisy(generator, "b", cv=0.02), noisy(generator, "c", cv=0.02, speed=0.92), 0.02).outcome == "REGRESSED"
        for _ in range(total)
    )
    assert found / total >= 0.85


def test_one_unchanged_run_against_eight_is_seldom_suspect():
    generator, total = np.random.default_rng(14), 500
    flagged = sum(
        judged(noisy(generator, "b", cv=0.02, count=8), noisy(generator, "c", cv=0.02, count=1), 0.02).outcome in CAUGHT
        for _ in range(total)
    )
    assert flagged / total <= 0.02


def releases(generator, *, cv, step, count=10):
    """Five runs of each release, every one `step` slower than the one before; the pinned one comes first."""
    return [
        noisy(generator, f"r{i:02d}-", cv=cv, speed=(1 - step) ** i, names=("tokens_per_s",)) for i in range(count + 1)
    ]


def test_one_percent_per_release_is_caught_against_the_pinned_baseline_and_not_against_the_previous_release():
    generator, total, cv = np.random.default_rng(15), 60, 0.015
    pinned_caught = previous_caught = 0
    for _ in range(total):
        pinned, *later = releases(generator, cv=cv, step=0.01)
        history = [one for release in later for one in release.runs]
        found = drift(history, pinned, rule=RULE, calibration={"tokens_per_s": cv})
        pinned_caught += found.outcome == "REGRESSED" and found.caught_at is not None
        previous_caught += any(
            judged(before, after, cv).outcome in CAUGHT for before, after in zip([pinned, *later], later, strict=False)
        )
    assert pinned_caught == total
    assert previous_caught / total <= 0.05


def test_a_steady_history_is_not_caught():
    generator, total, cv = np.random.default_rng(16), 60, 0.015
    caught = 0
    for _ in range(total):
        pinned, *later = releases(generator, cv=cv, step=0.0)
        history = [one for release in later for one in release.runs]
        caught += drift(history, pinned, rule=RULE, calibration={"tokens_per_s": cv}).caught_at is not None
    assert caught / total <= 0.02


STEADY = (1000.0, 1002.0, 998.0, 1001.0, 999.0)


def test_drift_names_the_block_since_which_it_is_slower():
    pinned = side("p", STEADY)
    history = [
        run(f"h{i:02d}", performance={"tokens_per_s": 1000.0 * (0.9 if i >= 10 else 1.0) + i % 5}) for i in range(20)
    ]
    found = drift(history, pinned, calibration={"tokens_per_s": 0.01})
    assert [step.item.outcome for step in found.steps] == ["EQUIVALENT", "EQUIVALENT", "REGRESSED", "REGRESSED"]
    assert (found.outcome, found.caught_at) == ("REGRESSED", 2)
    assert found.steps[0].runs == ("h00", "h01", "h02", "h03", "h04")
    assert found.sentence.startswith("against the pinned baseline tokens/s -9.8 % [")
    assert found.sentence.endswith("limit 5 %; so since block 3 of 4")


def test_drift_that_has_ended_is_not_caught():
    history = [run(f"h{i}", performance={"tokens_per_s": 900.0 if i < 5 else 1000.0}) for i in range(10)]
    found = drift(history, side("p", STEADY), calibration={"tokens_per_s": 0.01})
    assert (found.steps[0].item.outcome, found.outcome, found.caught_at) == ("REGRESSED", "EQUIVALENT", None)


def test_the_newest_runs_that_make_no_five_can_only_be_suspect():
    history = [run(f"h{i}", performance={"tokens_per_s": 1000.0 if i < 5 else 800.0}) for i in range(7)]
    found = drift(history, side("p", STEADY), calibration={"tokens_per_s": 0.01})
    assert (len(found.steps), found.outcome, found.caught_at) == (2, "SUSPECT", 1)


def test_drift_leaves_out_what_is_not_comparable_and_says_so():
    pinned = side("p", STEADY)
    history = [
        *pinned.runs,
        run("other", perf_key="p2"),
        run("bad", perf_valid=False, perf_reason="throttled"),
        *(run(f"h{i}") for i in range(5)),
    ]
    found = drift(history, pinned, calibration={"tokens_per_s": 0.01})
    assert [step.runs for step in found.steps] == [("h0", "h1", "h2", "h3", "h4")]
    assert found.notes == ("bad is left out of performance: throttled", "1 run of another perf_key left out")


def test_an_empty_history_says_nothing():
    found = drift([], Side(runs=(run(),)))
    assert (found.outcome, found.steps, found.sentence) == (
        "INCONCLUSIVE",
        (),
        "no runs to hold against the pinned baseline",
    )
