import json

import numpy as np
import pytest
from embedding_sets import embeddings, every_number, noisy
from hypothesis import given, settings
from hypothesis import strategies as st

from vp_tui.core.measures.corruption import CONTROLS
from vp_tui.core.measures.named import SPREAD_CAP
from vp_tui.core.measures.pairs import SQNR_CAP_DB
from vp_tui.core.measures.run_measures import after_run
from vp_tui.core.measures.statistics import reference_statistics

LIMIT = 0.99
SCOPES = ("short", "medium", "long", "all")
NAMES = {
    "M1": "min p01 mean below between_cosine needed_centred_cosine failure_bound",
    "M2": "min p01 mean",
    "M3": "min p01 mean",
    "M4": "relative_l2_p50 relative_l2_p99 relative_l2_max spread centred_l2_p99 sqnr_p01_db sqnr_p50_db",
    "M5": "norm_ratio_worst norm_ratio_p50 scale_worst scale_p50",
    "M6": "match_1e-4 match_1e-3 match_1e-2 match_1e-1 max_abs ulp16_p50 ulp16_p99 ulp16_max",
    "S1": "overlap nearest",
    "S2": "cka cka_debiased rdm_spearman",
    "S5": "mean_shift_max std_ratio_min std_ratio_max ks_max wasserstein_max energy_distance "
    "mean_reference std_reference mean_candidate std_candidate",
    "S6": "outlier_share_reference outlier_share_candidate outlier_share_change rogue_differences",
    "S7": "identity_misses",
    "S8": "gap_p50 gap_p99",
    "S9": "lost lost_share",
    "S10": "far_flip_share",
}


def strata(num):
    return np.arange(num) % 3


def measured(x_SD, y_SD, stratum_S=None, **kwargs):
    stratum_S = strata(len(x_SD)) if stratum_S is None else stratum_S
    return after_run(x_SD, y_SD, stratum_S, cosine_limit=LIMIT, **kwargs)


def assert_sound(found):
    """Exactly the promised names in every scope, no NaN and no infinity anywhere, JSON types only."""
    assert {measure: {scope: set(n) for scope, n in scopes.items()} for measure, scopes in found.values.items()} == {
        measure: {scope: set(names.split()) for scope in SCOPES} for measure, names in NAMES.items()
    }
    assert all(value is None or (type(value) is float and np.isfinite(value)) for *_, value in every_number(found))
    assert json.loads(json.dumps(found.details, allow_nan=False)) == found.details


def test_a_healthy_candidate_has_every_number_in_every_scope():
    x_SD = embeddings()
    found = measured(x_SD, noisy(x_SD))
    assert_sound(found)
    assert [entry for entry in every_number(found) if entry[-1] is None] == []
    assert found.details["dominant_dimension"]["index"] == 5
    assert [item["index"] for item in found.details["rogue_dimensions"]["reference"]] == [5]
    assert found.details["neighbours"] == {"queries": 360, "gallery": 360, "duplicates_removed": 0}
    assert found.details["sampled"] == {"distributions": 360, "ulps": 360}
    assert len(found.details["worst_dimensions"]) == 5
    shifts = [item["shift"] for item in found.details["worst_dimensions"]]
    assert shifts == sorted(shifts, reverse=True)
    assert shifts[0] == found.values["S5"]["all"]["mean_shift_max"]


def test_a_candidate_equal_to_the_reference_is_perfect_in_every_number():
    x_SD = embeddings()
    values = measured(x_SD, x_SD.copy()).values
    for scope in SCOPES:
        m1 = values["M1"][scope]
        assert (m1["min"], m1["mean"], m1["below"]) == (1, 1, 0)
        assert values["M2"][scope]["min"] == values["M3"][scope]["min"] == 1
        assert values["M4"][scope] == dict.fromkeys(NAMES["M4"].split(), 0.0) | {
            "spread": None,
            "sqnr_p01_db": SQNR_CAP_DB,
            "sqnr_p50_db": SQNR_CAP_DB,
        }
        assert values["M5"][scope] == dict.fromkeys(NAMES["M5"].split(), 1)
        assert list(values["M6"][scope].values()) == [1, 1, 1, 1, 0, 0, 0, 0]
        assert list(values["S1"][scope].values()) == [1, 1]
        assert list(values["S2"][scope].values()) == [1, 1, 1]
        s5 = values["S5"][scope]
        assert [s5[name] for name in NAMES["S5"].split()[:6]] == [0, 1, 1, 0, 0, 0]
        assert (s5["mean_reference"], s5["std_reference"]) == (s5["mean_candidate"], s5["std_candidate"])
        assert (values["S6"][scope]["outlier_share_change"], values["S6"][scope]["rogue_differences"]) == (0, 0)


def test_a_stratum_holds_its_own_rows_against_the_statistics_of_all():
    x_SD, stratum_S = embeddings(), np.sort(strata(360))[::-1]
    y_SD = noisy(x_SD)
    together = measured(x_SD, y_SD, stratum_S)
    only = stratum_S == 1
    alone = measured(x_SD[only], y_SD[only], stratum_S[only], statistics=reference_statistics(x_SD))
    for measure in ("M1", "M2", "M3", "M4", "M5", "M6", "S1", "S5", "S6"):
        assert together.values[measure]["medium"] == pytest.approx(alone.values[measure]["medium"], rel=1e-12)
    assert alone.values["M2"]["medium"] != measured(x_SD[only], y_SD[only], stratum_S[only]).values["M2"]["medium"]


def test_the_worst_sequence_is_named_by_its_row_in_every_scope():
    x_SD = embeddings()
    y_SD = noisy(x_SD)
    y_SD[[7, 100, 302]] = 1.5 * np.roll(x_SD, 1, axis=0)[[7, 100, 302]]
    y_SD[200] = np.nan
    worst = measured(x_SD, y_SD).details["worst"]
    for measure in ("M1", "M2", "M3", "M4", "M5"):
        assert worst[measure]["medium"] in {7, 100}
        assert worst[measure]["long"] == 302
        assert worst[measure]["all"] in {7, 100, 302}


def test_rows_that_are_not_finite_count_as_below_the_limit_and_take_part_in_nothing_else():
    x_SD = embeddings()
    y_SD, stratum_S = noisy(x_SD), strata(360)
    x_SD[4, 3], y_SD[11, 2], y_SD[12] = np.nan, np.inf, -np.inf
    keep_S = ~np.isin(np.arange(360), [4, 11, 12])
    holes, clean = measured(x_SD, y_SD), measured(x_SD[keep_S], y_SD[keep_S], stratum_S[keep_S])
    counted = {"below", "failure_bound"}

    def others(found):
        return [number for number in every_number(found) if counted.isdisjoint(number)]

    assert others(holes) == others(clean)
    assert [clean.values["M1"]["all"]["below"], holes.values["M1"]["all"]["below"]] == [0, 3]
    assert holes.values["M1"]["all"]["failure_bound"] > 2 * clean.values["M1"]["all"]["failure_bound"]
    nothing = measured(np.full((5, 3), np.nan, np.float32), np.ones((5, 3), np.float32))
    assert {value for *_, value in others(nothing)} == {None}


@pytest.mark.parametrize("num", [0, 1, 2, 3])
def test_a_handful_of_sequences_gives_numbers_or_none(num):
    x_SD = embeddings(num=num, width=8)
    found = measured(x_SD, noisy(x_SD))
    assert_sound(found)
    if num == 0:
        assert {value for *_, value in every_number(found)} == {None}
        assert found.details["dominant_dimension"] is None
        assert set(found.details["worst"]["M1"].values()) == {None}
    elif num == 1:
        assert found.values["M1"]["all"]["min"] > 0.999
        assert set(found.values["M2"]["all"].values()) == {None}
        assert found.values["M1"]["all"]["between_cosine"] is None


def test_copies_are_no_further_sequences():
    """Two sequences, each fifteen times, have no spread to compare."""
    rng = np.random.default_rng(0)
    x_SD, y_SD = (np.repeat(rng.normal(1, 1, (2, 16)).astype(np.float32), 15, axis=0) for _ in range(2))
    hash_S = np.repeat(np.arange(2), 15)
    found = after_run(x_SD, y_SD, np.zeros(30, np.int64), cosine_limit=LIMIT, hash_S=hash_S).values
    alone = after_run(x_SD[::15], y_SD[::15], np.zeros(2, np.int64), cosine_limit=LIMIT, hash_S=hash_S[::15]).values
    assert {name for name, value in found["S5"]["all"].items() if value is None} == {
        name for name, value in alone["S5"]["all"].items() if value is None
    }
    assert None in found["S5"]["all"].values()


def test_a_stratum_without_rows_has_no_number():
    x_SD = embeddings(num=60)
    found = measured(x_SD, noisy(x_SD), np.repeat([0, 2], 30))
    assert {value for _, scope, _, value in every_number(found) if scope == "medium"} == {None}
    assert found.values["M1"]["long"]["min"] is not None


@pytest.mark.parametrize("value", [0.0, 1.0, 1e30, 1e-30])
def test_a_constant_reference_has_no_numbers_that_need_spread(value):
    x_SD = np.full((130, 6), value, np.float32)
    found = measured(x_SD, x_SD.copy())
    assert_sound(found)
    everywhere = {measure: scopes["all"] for measure, scopes in found.values.items()}
    for measure in ("M2", "M3", "S1", "S2"):
        assert set(everywhere[measure].values()) == {None}
    assert everywhere["S5"]["mean_shift_max"] is everywhere["S5"]["ks_max"] is None
    assert everywhere["S5"]["mean_reference"] == pytest.approx(value, rel=1e-6)  # rounded to float32
    assert everywhere["S6"]["outlier_share_change"] is None
    assert everywhere["M1"]["min"] == 1.0
    assert found.details["worst_dimensions"] == []
    assert found.details["neighbours"]["duplicates_removed"] == 129


def test_one_bad_sequence_among_exact_ones_has_the_largest_spread():
    x_SD = embeddings()
    y_SD = x_SD.copy()
    y_SD[9] *= np.float32(1.1)
    assert measured(x_SD, y_SD).values["M4"]["all"]["spread"] == SPREAD_CAP


def test_outliers_that_vanish_are_a_change_too():
    x_SD = embeddings()
    mean_D = x_SD.mean(axis=0)
    s6 = measured(x_SD, mean_D + (x_SD - mean_D) / 2).values["S6"]["all"]
    assert s6["outlier_share_reference"] == s6["outlier_share_change"] > 0
    assert s6["outlier_share_candidate"] == 0


def test_the_limit_counts_and_bounds_what_does_not_pass():
    x_SD = embeddings()
    y_SD = noisy(x_SD)
    y_SD[[0, 1, 3]] *= -1
    m1 = measured(x_SD, y_SD).values["M1"]
    assert [m1[scope]["below"] for scope in SCOPES] == [2, 1, 0, 3]
    assert m1["long"]["failure_bound"] == pytest.approx(1 - 0.05 ** (1 / 120))
    assert 3 / 360 < m1["all"]["failure_bound"] < 9 / 360
    between = m1["all"]["between_cosine"]
    assert m1["all"]["needed_centred_cosine"] == pytest.approx(max(0, (LIMIT - between) / (1 - between)))


def test_the_order_of_the_sequences_changes_nothing_but_rounding():
    x_SD, stratum_S = embeddings(), strata(360)
    y_SD, order = noisy(x_SD), np.random.default_rng(3).permutation(360)
    plain, shuffled = measured(x_SD, y_SD), measured(x_SD[order], y_SD[order], stratum_S[order])
    for (*place, one), (*_, other) in zip(every_number(plain), every_number(shuffled), strict=True):
        # sums in another order; the energy distance over all looks at 256 of the 360 rows, now at others
        if place[1:] != ["all", "energy_distance"]:
            assert one == pytest.approx(other, rel=1e-9, abs=1e-12), place
    worst, found = plain.details["worst"], shuffled.details["worst"]
    there = {m: {s: row if row is None else int(order[row]) for s, row in rows.items()} for m, rows in found.items()}
    assert there == worst


def test_a_dimension_by_another_number_changes_nothing_but_rounding():
    x_SD = embeddings()
    y_SD, order = noisy(x_SD), np.random.default_rng(3).permutation(64)
    plain, shuffled = measured(x_SD, y_SD), measured(x_SD[:, order], y_SD[:, order])
    for (*place, one), (*_, other) in zip(every_number(plain), every_number(shuffled), strict=True):
        # an energy distance of 1e-7 is a difference of distances of 10
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12), place
    assert order[shuffled.details["dominant_dimension"]["index"]] == 5


def test_more_of_the_same_noise_is_worse_by_every_measure():
    x_SD = embeddings()
    noise_SD = np.abs(x_SD) * np.random.default_rng(1).normal(size=x_SD.shape)
    steps = [measured(x_SD, (x_SD + size * noise_SD).astype(np.float32)).values for size in (1e-4, 1e-3, 1e-2, 0.1)]
    falling = [("M1", "min"), ("M2", "min"), ("M3", "p01"), ("M4", "sqnr_p50_db"), ("M6", "match_1e-3")]
    falling += [("S1", "overlap"), ("S2", "cka"), ("S2", "cka_debiased"), ("S2", "rdm_spearman")]
    rising = [("M4", "relative_l2_p99"), ("M4", "centred_l2_p99"), ("M6", "ulp16_p99"), ("M6", "max_abs")]
    rising += [("S5", "mean_shift_max"), ("S5", "ks_max"), ("S5", "wasserstein_max"), ("S5", "energy_distance")]
    for names, sign in ((falling, -1), (rising, 1)):
        for measure, name in names:
            found = [sign * values[measure]["all"][name] for values in steps]
            assert found == sorted(found), (measure, name)
            assert found[0] < found[-1], (measure, name)


CATCHES = {
    "permuted-pairs": lambda v: v["M2"]["min"] < 0.5,
    "lost-scale": lambda v: v["M5"]["norm_ratio_worst"] < 0.9 and v["M1"]["min"] > 0.999999,
    "half-signal": lambda v: v["M4"]["centred_l2_p99"] > 0.4 and v["M1"]["min"] > 0.99,
    "top-dimension-only": lambda v: v["M2"]["mean"] < 0.9,
    "one-noisy-sequence": lambda v: v["M4"]["spread"] == SPREAD_CAP and v["M4"]["relative_l2_max"] > 0.009,
}


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_is_seen_by_the_measure_made_for_it(name):
    x_SD = embeddings()
    found = measured(x_SD, CONTROLS[name][0](x_SD))
    assert_sound(found)
    assert CATCHES[name]({measure: scopes["all"] for measure, scopes in found.values.items()})


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), num=st.integers(0, 40), width=st.integers(1, 9))
def test_hostile_embeddings_give_numbers_or_none(seed, num, width):
    """Zero rows, constant ones, duplicates, infinities, NaN, 1e30 and 1e-30 in any mixture."""
    generator = np.random.default_rng(seed)
    sizes = generator.choice(
        [0, 1e-30, 1, 1e30, np.inf, np.nan], p=[0.15, 0.15, 0.4, 0.2, 0.05, 0.05], size=(2, num, 1)
    )
    x_SD, y_SD = (sizes * generator.choice([-1.0, 1, 0.5], size=(2, num, width))).astype(np.float32)
    assert_sound(measured(x_SD, y_SD, generator.integers(0, 3, num)))


def test_mapped_sets_give_the_same_numbers(tmp_path):
    x_SD = embeddings()
    y_SD = noisy(x_SD)
    for name, rows_SD in (("x", x_SD), ("y", y_SD)):
        np.save(tmp_path / f"{name}.npy", rows_SD)
    mapped = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    assert every_number(measured(*mapped)) == every_number(measured(x_SD, y_SD))


def test_shapes_that_do_not_fit_and_unknown_strata_are_refused():
    x_SD = embeddings(num=6)
    with pytest.raises(ValueError, match="shapes"):
        measured(x_SD, x_SD[:5])
    with pytest.raises(ValueError, match="shapes"):
        measured(x_SD, x_SD, strata(5))
    with pytest.raises(ValueError, match="stratum"):
        measured(x_SD, x_SD, strata(6) + 1)
