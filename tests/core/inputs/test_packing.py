import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs.packing import GROUP_FILL, NO_PADDING, TILE, by_length, layout

LENGTHS = st.lists(st.integers(3, 200), min_size=1, max_size=80).map(lambda found: np.array(found, dtype=np.int64))


def cut_one_by_one(lengths, budget):
    packs, room = [], 0
    for index in np.argsort(-lengths, kind="stable"):
        if room < lengths[index]:
            packs.append([])
            room = budget
        packs[-1].append(int(index))
        room -= lengths[index]
    return packs


@given(lengths=LENGTHS, budget=st.integers(200, 1000))
def test_packs_are_the_sequences_by_falling_length_cut_where_the_budget_is_full(lengths, budget):
    packs = by_length(lengths, budget)
    assert sorted(np.concatenate(packs).tolist()) == list(range(len(lengths)))
    assert all(lengths[pack].sum() <= budget for pack in packs)
    assert [pack.tolist() for pack in packs] == cut_one_by_one(lengths, budget)


@given(lengths=LENGTHS)
def test_groups_of_equal_length_have_no_padding_and_cover_the_pack(lengths):
    made = layout(np.sort(lengths)[::-1])
    groups = made.groups(NO_PADDING)
    assert not any(group.padded for group in groups)
    assert [group.start for group in groups] == [0, *(group.stop for group in groups[:-1])]
    assert groups[-1].stop == made.tokens


@given(lengths=LENGTHS)
def test_tiles_cover_every_query_of_every_sequence_once(lengths):
    made = layout(lengths)
    seen = np.zeros(made.tokens, int)
    for start, length, query in made.tiles_B3.tolist():
        assert 0 <= query < length
        seen[start + query : start + min(query + TILE, length)] += 1
    assert (seen == 1).all()


@given(lengths=LENGTHS)
def test_positions_restart_and_sequences_lie_one_after_the_other(lengths):
    made = layout(lengths)
    assert made.cu_seqlens.tolist() == [0, *np.cumsum(lengths)]
    assert made.positions_N.tolist() == [place for length in lengths for place in range(length)]
    assert made.sequence_N.tolist() == [i for i, length in enumerate(lengths) for _ in range(length)]
    assert made.tokens == lengths.sum()
    assert made.max_len == lengths.max()


@given(lengths=LENGTHS)
def test_groups_cover_the_pack_and_their_padding_stays_within_its_own_sequence(lengths):
    made = layout(np.sort(lengths)[::-1])
    seen = []
    for group in made.groups():
        seen.extend(range(group.start, group.stop))
        rows_B = made.sequence_N[group.gather_BT]
        assert (rows_B == rows_B[:, :1]).all()
        assert group.gather_BT.ravel()[group.take_n].tolist() == list(range(group.start, group.stop))
        assert (group.valid_BT.ravel().nonzero()[0] == group.take_n).all()
        assert group.take_n.size >= GROUP_FILL * group.gather_BT.size
        assert group.padded == (not group.valid_BT.all())
    assert seen == list(range(made.tokens))


def test_a_pack_in_any_order_still_has_a_right_layout():
    made = layout(np.array([5, 50, 7]))
    assert [(group.start, group.stop) for group in made.groups()] == [(0, 5), (5, 55), (55, 62)]


def test_a_sequence_over_the_budget_is_refused_with_both_numbers():
    with pytest.raises(ResourceError, match=r"500 tokens.*499"):
        by_length(np.array([10, 500]), 499)


def test_nothing_to_pack_gives_no_packs():
    assert by_length(np.array([], dtype=np.int64), 100) == []


def test_ten_thousand_proteins_are_packed_fast_and_nearly_without_loss():
    lengths = np.clip(np.random.default_rng(0).lognormal(4.5, 0.8, 10_000), 20, 1022).astype(np.int64) + 2
    started = time.perf_counter()
    packs = by_length(lengths, 16_896)
    assert time.perf_counter() - started < 0.1
    assert len(packs) <= lengths.sum() / 16_896 * 1.02 + 1
