"""Merging by id, labels, flips and consensus: by hand, and no order of rows can misalign them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core.errors import InputError
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.virnucpro.agreement import (
    compare_consensus,
    compare_labels,
    findings,
    merge_rows,
    vectors,
)


def scores(*virus):
    """[S, 2] from probabilities of virus."""
    return np.array([[1 - p, p] for p in virus], dtype=np.float64).reshape(-1, 2)


IDS = st.lists(st.text("abc123_", min_size=1, max_size=4), unique=True, max_size=12)


@given(dnabert=IDS, esm=IDS)
def test_a_merged_row_holds_both_embeddings_of_its_own_id_whatever_the_orders(dnabert, esm):
    """Each embedding spells its id, so a row of two ids would show."""
    merge = merge_rows(dnabert, esm)
    spelled = {name: float(number) for number, name in enumerate({*dnabert, *esm})}
    dnabert_SD = np.array([[spelled[name], 0.5, 0.5] for name in dnabert], np.float32).reshape(-1, 3)
    esm_SD = np.array([[0.25, spelled[name]] for name in esm], np.float32).reshape(-1, 2)
    merged_SD = vectors(merge, dnabert_SD, esm_SD, slice(None))
    assert merged_SD.shape == (len(merge.ids), 5)
    for name, row_D in zip(merge.ids, merged_SD, strict=True):
        assert row_D.tolist() == [spelled[name], 0.5, 0.5, 0.25, spelled[name]]
    assert set(merge.ids) == set(dnabert) & set(esm)
    assert merge.only_dnabert == len(dnabert) - len(merge.ids)
    assert merge.only_esm == len(esm) - len(merge.ids)


def test_a_frame_missing_on_one_side_is_dropped_from_both_and_counted():
    merge = merge_rows(["a", "b", "c"], ["c", "x", "a"])
    assert merge.ids == ("a", "c")
    assert (merge.only_dnabert, merge.only_esm) == (1, 1)
    assert merge.dnabert_rows_S.tolist() == [0, 2]
    assert merge.esm_rows_S.tolist() == [2, 0]


@pytest.mark.parametrize("ids", [(["a", "a"], ["a"]), (["a"], ["a", "b", "a"])])
def test_an_id_that_occurs_twice_is_refused(ids):
    with pytest.raises(InputError, match=r"2 embeddings called 'a'"):
        merge_rows(*ids)


def test_dnabert_comes_first_and_a_slice_is_a_part():
    merge = merge_rows(["a", "b"], ["b", "a"])
    whole = vectors(merge, np.zeros((2, 768), np.float32), np.ones((2, 2560), np.float32), slice(None))
    assert whole.shape == (2, 3328)
    assert whole[:, :768].max() == 0
    assert whole[:, 768:].min() == 1
    assert vectors(merge, np.zeros((2, 3)), np.ones((2, 4)), slice(1, 2)).shape == (1, 7)


def test_labels_flips_and_shifts_by_hand():
    found = compare_labels(["a", "b", "c", "d"], scores(0.9, 0.49, 0.2, 0.51), scores(0.8, 0.52, 0.2, 0.44))
    assert (found.n, found.agreed, found.virus_reference, found.virus_candidate) == (4, 2, 2, 2)
    assert [flip.id for flip in found.flips] == ["d", "b"]
    assert found.flips[0].distance == pytest.approx(0.06)
    assert found.flips[1].distance == pytest.approx(0.02)
    assert found.shift_mean == pytest.approx((0.1 + 0.03 + 0 + 0.07) / 4)
    assert found.shift_max == pytest.approx(0.1)


def test_a_frame_exactly_between_is_others_as_torch_max_has_it():
    assert compare_labels(["a"], scores(0.5), scores(0.5)).virus_reference == 0


@given(
    st.lists(
        st.tuples(*[st.floats(0, 1) | st.sampled_from([math.nan, math.inf])] * 2),
        max_size=20,
    )
)
def test_what_has_no_label_never_agrees(pairs):
    reference_S2, candidate_S2 = (scores(*(pair[arm] for pair in pairs)) for arm in (0, 1))
    ids = [str(number) for number in range(len(pairs))]
    found = compare_labels(ids, reference_S2, candidate_S2)
    broken = sum(not all(map(math.isfinite, pair)) for pair in pairs)
    assert found.agreed + len(found.flips) + broken == len(pairs)
    groups = compare_consensus(ids, reference_S2, candidate_S2)
    assert groups.agreed <= len(pairs) - broken
    assert groups.agreed + len(groups.changed) == len(pairs)
    if broken:
        assert any(finding.severity == "fail" for finding in findings(found, groups, groups, Thresholds()))


def test_all_nan_on_both_sides_is_no_agreement():
    nan = np.full((3, 2), np.nan)
    found = compare_labels(["aF1", "aF2", "bF1"], nan, nan)
    groups = compare_consensus(["a", "a", "b"], nan, nan)
    assert (found.agreed, found.shift_mean, groups.agreed) == (0, None, 0)
    assert groups.reference == (None, None)


def test_one_nan_frame_leaves_its_group_without_an_answer():
    groups = compare_consensus(["a", "a", "b"], scores(0.9, 0.9, 0.1), scores(0.9, math.nan, 0.1))
    assert groups.candidate == (None, False)
    assert groups.changed == ("a",)


def test_the_consensus_is_the_larger_maximum_over_frames_and_a_tie_is_a_virus():
    groups = ["clear", "clear", "tie", "tie", "half", "no"]
    arm = scores(0.1, 0.95, 0.25, 0.75, 0.5, 0.4)
    found = compare_consensus(groups, arm, arm)
    assert found.names == ("clear", "tie", "half", "no")
    assert found.reference == (True, True, True, False)
    assert found.agreed == found.n == 4


def test_both_scores_count_even_where_they_do_not_add_up_to_one():
    arm = np.array([[0.9, 0.1], [0.0, 0.95]])
    assert compare_consensus(["a", "a"], arm, arm).reference == (True,)
    assert compare_consensus(["a", "a"], arm - [[0, 0], [0, 0.1]], arm).reference == (False,)


def judged(reference, candidate, *, limits=None):
    ids = [f"f{number}" for number in range(len(reference))]
    arms = (scores(*reference), scores(*candidate))
    found = findings(compare_labels(ids, *arms), *[compare_consensus(ids, *arms)] * 2, limits or Thresholds())
    return [(finding.gate, finding.severity) for finding in found]


def test_equal_arms_have_no_finding():
    assert judged([0.1, 0.9], [0.1, 0.9]) == []


def test_one_near_flip_in_a_thousand_is_within_every_limit_and_two_warn():
    many = [0.1] * 998
    assert judged([*many, 0.4999, 0.4999], [*many, 0.5001, 0.4999]) == []
    assert judged([*many, 0.4999, 0.4999], [*many, 0.5001, 0.5001]) == [("D1", "warn")]


@pytest.mark.parametrize("arms", [((0.56,), (0.49,)), ((0.51,), (0.44,))])
def test_a_flip_far_from_the_middle_in_either_arm_fails(arms):
    many = [0.1] * 2000
    assert ("D2-flip", "fail") in judged([*many, *arms[0]], [*many, *arms[1]])


def test_a_mean_shift_fails_and_a_single_large_one_warns():
    assert judged([0.10] * 100, [0.12] * 100) == [("D2", "fail"), ("D2-max", "warn")]
    assert judged([0.10] * 100, [*[0.10] * 99, 0.12]) == [("D2-max", "warn")]


@pytest.mark.parametrize(
    ("flips", "expected"),
    [
        (1, []),
        (4, [("D1", "warn")]),
        (8, [("D1", "warn"), ("D3", "warn"), ("D3", "warn")]),
        (11, [("D1", "fail"), ("D3", "warn"), ("D3", "warn")]),
        (21, [("D1", "fail"), ("D3", "fail"), ("D3", "fail")]),
    ],
)
def test_shares_are_held_against_the_limits(flips, expected):
    calm = [0.1] * (1000 - flips)
    assert judged([*calm, *[0.4999] * flips], [*calm, *[0.5001] * flips]) == expected


def test_no_frames_at_all_are_said_and_not_judged():
    assert judged([], []) == [("D1", "info"), ("D3", "info"), ("D3", "info")]


def test_changed_chunks_are_named_in_the_finding():
    names = [f"c{number}" for number in range(30)]
    calm = np.full(30, 0.1)
    moved = calm.copy()
    moved[7] = 0.9
    arms = [np.stack([1 - virus_S, virus_S], axis=1) for virus_S in (calm, moved)]
    groups = compare_consensus(names, *arms)
    found = findings(compare_labels(names, *arms), groups, groups, Thresholds())
    assert any("c7" in one.text for one in found if one.gate == "D3")
