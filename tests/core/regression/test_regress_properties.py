"""What holds for all data: one verdict for the same data, in any order, and its mirror image the other way round."""

import math
from dataclasses import fields

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from regress_samples import noise, pairs, run

from vp_tui.core.measures import bootstrap
from vp_tui.core.regression import statistics
from vp_tui.core.regression.compare import compare
from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy, Side

FEW_DRAWS = Rule(resamples=200, permutations=200)
NAMES = ("tokens_per_s", "end_to_end_seconds", "gpu_utilization")
CALIBRATION = noise(**dict.fromkeys(METRICS, 0.01))
GOOD = {"REGRESSED", "SUSPECT", "INCONCLUSIVE", "IMPROVED", "EQUIVALENT", "IDENTICAL"}

# a grid with values on the limits: 5 % more, 5 % less in time, 5 points
SPEEDS = st.sampled_from([70.0, 75.0, 79.0, 80.0, 80.5, 84.0, 85.0, 80.0 / 1.05, 90.0])
NO_NUMBER = st.sampled_from([None, math.nan, math.inf, -1.0])
COSINES = st.sampled_from([1.0, 1 - 1e-6, 1 - 2e-6, 1 - 1.5e-5, 1 - 1e-5, 1 - 1e-4, 0.999, 0.9, math.nan])
ANY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def sides(draw, prefix, *, values=SPEEDS, least=1):
    count = draw(st.integers(least, 7))
    metrics = {name: draw(st.lists(values, min_size=count, max_size=count)) for name in NAMES}
    return Side(
        runs=tuple(
            run(f"{prefix}{i}", performance={name: column[i] for name, column in metrics.items()}) for i in range(count)
        )
    )


@st.composite
def paired(draw, cosines=COSINES, least=1):
    n = draw(st.integers(least, 40))
    columns = [draw(st.lists(cosines, min_size=n, max_size=n)) for _ in range(2)]
    return pairs(*columns, draw(st.lists(st.sampled_from(["short", "medium", "long"]), min_size=n, max_size=n)))


def compared(base, cand, accuracy, calibration=CALIBRATION):
    return compare(base, cand, accuracy, rule=FEW_DRAWS, calibration=calibration)


def mirrored(outcome):
    """The outcome with both sides exchanged: better for worse, all else as it is."""
    return {"REGRESSED": "IMPROVED", "IMPROVED": "REGRESSED"}.get(outcome, outcome)


def swapped(accuracy):
    """Baseline and candidate exchanged."""
    other = {"baseline": "candidate", "candidate": "baseline"}
    names = {one.name: one.name for one in fields(accuracy)}
    for name in names:
        side, _, rest = name.partition("_")
        names[name] = f"{other.get(side, side)}_{rest}"
    return PairedAccuracy(**{name: getattr(accuracy, source) for name, source in names.items()})


def reflected(item, calibrated):
    """What the swapped comparison may say of this item; suspicions are held against the candidate only."""
    if calibrated:
        return {mirrored(item.outcome)}
    suspected = {"IMPROVED", "EQUIVALENT", "INCONCLUSIVE"}
    return {
        "SUSPECT": suspected,
        "REGRESSED": {"IMPROVED"},
        "IMPROVED": {"REGRESSED", "SUSPECT"},
        "EQUIVALENT": {"EQUIVALENT", "SUSPECT"},
        "INCONCLUSIVE": {"INCONCLUSIVE", "SUSPECT"},
    }[item.outcome]


@ANY
@given(
    sides("b", values=st.one_of(SPEEDS, NO_NUMBER)),
    sides("c", values=st.one_of(SPEEDS, NO_NUMBER)),
    paired(),
    st.booleans(),
)
def test_exchanging_the_sides_mirrors_every_item(base, cand, accuracy, calibrated):
    calibration = CALIBRATION if calibrated else {}
    there, back = compared(base, cand, accuracy, calibration), compared(cand, base, swapped(accuracy), calibration)
    assert [(i.name, i.scope) for i in there.accuracy.items] == [(i.name, i.scope) for i in back.accuracy.items]
    for item, image in zip(there.accuracy.items, back.accuracy.items, strict=True):
        assert image.outcome == mirrored(item.outcome)
    for item, image in zip(there.performance.items, back.performance.items, strict=True):
        assert (image.name, image.scope, image.base, image.cand) == (item.name, item.scope, item.cand, item.base)
        assert image.outcome in reflected(item, calibrated)


@ANY
@given(sides("b", least=5), sides("c", least=5), paired(st.sampled_from([1 - 1e-6, 1 - 1e-5, 1 - 3e-5, 1 - 1e-4])))
def test_exchanging_the_sides_mirrors_the_whole(base, cand, accuracy):
    there, back = compared(base, cand, accuracy).verdicts, compared(cand, base, swapped(accuracy)).verdicts
    # worst first: a comparison with an improved and a regressed item is REGRESSED both ways
    for name, outcome in there.items():
        if outcome in {"IMPROVED", "EQUIVALENT", "IDENTICAL"}:
            assert back[name] == mirrored(outcome)
        if outcome == "INCONCLUSIVE":
            assert back[name] in {"INCONCLUSIVE", "REGRESSED"}
        assert {outcome, back[name]} <= GOOD


@ANY
@given(sides("b"), sides("c"), paired(), st.randoms(use_true_random=False))
def test_the_order_of_runs_and_sequences_does_not_matter(base, cand, accuracy, random):
    order = list(range(len(accuracy)))
    random.shuffle(order)
    shuffled = [random.sample(one.runs, len(one.runs)) for one in (base, cand)]
    there = compared(base, cand, accuracy)
    again = compared(*(Side(runs=tuple(runs)) for runs in shuffled), accuracy.where(np.array(order)))
    assert (there.verdicts, there.sentence, there.items) == (again.verdicts, again.sentence, again.items)


@ANY
@given(sides("b"), sides("c"), paired())
def test_the_same_data_give_the_same_comparison(base, cand, accuracy):
    there = compared(base, cand, accuracy)
    for cache in (statistics._bits, statistics._subsets, bootstrap.middle_ranks):
        cache.cache_clear()
    assert compared(base, cand, accuracy) == there


@ANY
@given(sides("b"), sides("c"), paired(least=2), st.integers(0, 99))
def test_a_missing_cosine_always_fails(base, cand, accuracy, where):
    accuracy.candidate_cosine_S[where % len(accuracy)] = math.nan
    assert compared(base, cand, accuracy).verdicts["accuracy"] == "FAIL"


@ANY
@given(sides("b"), sides("c", values=NO_NUMBER), paired(st.just(1 - 1e-5)))
def test_speeds_that_are_no_numbers_never_pass(base, cand, accuracy):
    found = compared(base, cand, accuracy)
    assert found.verdicts == {"accuracy": "IDENTICAL", "performance": "INCONCLUSIVE"}


@ANY
@given(sides("b", values=st.one_of(SPEEDS, NO_NUMBER)), sides("c", values=st.one_of(SPEEDS, NO_NUMBER)), paired())
def test_no_item_holds_a_nan(base, cand, accuracy):
    for item in compared(base, cand, accuracy).items:
        numbers = (item.base, item.cand, item.change, item.low, item.high, item.p_raw, item.p, item.limit)
        assert all(number is None or math.isfinite(number) for number in numbers)
        assert item.reason
        assert "nan" not in item.reason
