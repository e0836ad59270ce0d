"""How often the regression rule is right, simulated with a fixed seed as tables; and how long one verdict takes.

Every metric has log-normal noise of its own, which is the hardest case (real metrics of one run rise and fall
together). The noise floor is measured as `vp-tui calibrate` would, from ten A/A runs.
"""

import time

import numpy as np
import pytest

from vp_tui.core.regression.calibration import noise_floor
from vp_tui.core.regression.compare import compare
from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy, RunSample, Side

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
COMPARISONS = 1_000
# resamples decide between EQUIVALENT and INCONCLUSIVE only, so most tables need few
RULE = Rule(resamples=20)
NAMES = [name for name in METRICS if name != "end_to_end_tokens_per_s"]
FLAGS = {"REGRESSED", "SUSPECT"}


def runs(generator, prefix, *, cv, count=5, speed=1.0):
    values = {name: 60.0 * np.exp(cv * generator.normal(size=count)) for name in NAMES}
    values["tokens_per_s"] *= speed
    return Side(
        runs=tuple(
            RunSample(
                uuid=f"{prefix}{i:02d}",
                label=f"{prefix}{i:02d}",
                performance={name: float(column[i]) for name, column in values.items()},
                accuracy_key="a",
                perf_key="p",
                done=1,
                total=1,
            )
            for i in range(count)
        )
    )


def rates(seed, *, cv, speed=1.0, counts=(5, 5), rule=RULE, comparisons=COMPARISONS):
    """(flagged on any metric, flagged on the primary one, EQUIVALENT) as shares of simulated comparisons."""
    generator = np.random.default_rng(seed)
    flagged = primary = equivalent = 0
    for _ in range(comparisons):
        calibration = noise_floor(runs(generator, "a", cv=cv, count=10), rule)
        found = compare(
            runs(generator, "b", cv=cv, count=counts[0]),
            runs(generator, "c", cv=cv, count=counts[1], speed=speed),
            None,
            rule=rule,
            calibration=calibration,
        )
        flagged += found.verdicts["performance"] in FLAGS
        primary += found.performance.items[0].outcome in FLAGS
        equivalent += found.verdicts["performance"] == "EQUIVALENT"
    return flagged / comparisons, primary / comparisons, equivalent / comparisons


def test_rates_of_five_against_five_and_of_one_against_eight():
    print(f"\n{'change':>8} {'CV':>5} {'runs':>5} {'any of 8':>9} {'primary':>8}")
    for seed, (speed, cv, counts) in enumerate(
        [
            *((1.0, cv, (5, 5)) for cv in (0.01, 0.02, 0.05)),
            *((speed, cv, (5, 5)) for speed in (0.95, 0.93) for cv in (0.01, 0.02)),
            *((speed, cv, (8, 1)) for speed in (1.0, 0.95, 0.90) for cv in (0.01, 0.02)),
        ]
    ):
        flagged, primary, _ = rates(seed, cv=cv, speed=speed, counts=counts)
        change = "none" if speed == 1.0 else f"{100 * (speed - 1):.0f} %"
        print(
            f"{change:>8} {100 * cv:>3.0f} % {counts[0]} v {counts[1]} {100 * flagged:>7.1f} % {100 * primary:>6.1f} %"
        )
        if speed == 1.0 and counts == (5, 5):
            assert flagged <= 0.02


def test_rates_of_unchanged_runs_called_equivalent():
    print(f"\n{'CV':>5} {'EQUIVALENT':>11}")
    for cv in (0.005, 0.01, 0.02, 0.05):
        _, _, equivalent = rates(3, cv=cv, rule=Rule(), comparisons=200)
        print(f"{100 * cv:>3.1f} % {100 * equivalent:>9.1f} %")


def test_milliseconds_of_one_comparison():
    generator = np.random.default_rng(1)
    strata = np.repeat(["short", "medium", "long"], 3334)[:10_000]
    base_S, cand_S = (1.0 - 1e-5 * generator.lognormal(0.0, 0.5, 10_000) for _ in range(2))
    none_S = np.zeros(10_000, bool)
    accuracy = PairedAccuracy(
        baseline_cosine_S=base_S,
        candidate_cosine_S=cand_S,
        baseline_relative_l2_S=np.sqrt(2 * (1 - base_S)),
        candidate_relative_l2_S=np.sqrt(2 * (1 - cand_S)),
        baseline_norm_ratio_S=np.ones(10_000),
        candidate_norm_ratio_S=np.ones(10_000),
        baseline_nonfinite_S=none_S,
        candidate_nonfinite_S=none_S,
        stratum_S=strata,
    )
    print("\n10,000 paired sequences, eight metrics")
    for count in (1, 5, 12, 30):
        base, cand = runs(generator, "b", cv=0.02, count=count), runs(generator, "c", cv=0.02, count=count)
        compare(base, cand, accuracy)
        times = []
        for _ in range(9):
            started = time.perf_counter()
            compare(base, cand, accuracy)
            times.append(time.perf_counter() - started)
        print(f"{count:>3} v {count:<3} {1000 * float(np.median(times)):>6.1f} ms")
