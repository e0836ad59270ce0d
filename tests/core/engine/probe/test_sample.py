import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core.engine.probe.sample import cut, stratified
from vp_tui.core.errors import ResourceError


def sizes_of(picked, stratum_S):
    return np.bincount(stratum_S[picked], minlength=3).tolist()


def test_a_third_of_each_stratum_with_its_shortest_and_longest():
    rng = np.random.default_rng(0)
    stratum_S, lengths_S = rng.integers(0, 3, 1000), rng.permutation(1000) + 20
    picked = stratified(stratum_S, lengths_S, 63)
    assert sizes_of(picked, stratum_S) == [21, 21, 21]
    assert (np.diff(picked) > 0).all()
    for index in range(3):
        of_all, of_picked = lengths_S[stratum_S == index], lengths_S[picked[stratum_S[picked] == index]]
        assert (of_picked.min(), of_picked.max()) == (of_all.min(), of_all.max())
        # 21 quantiles of about 333 sequences: each is within a rank of where an even spread has it
        wanted = np.quantile(of_all, np.linspace(0, 1, 21))
        assert np.abs(np.sort(of_picked) - wanted).max() <= 0.02 * 1000


def test_a_stratum_with_few_gives_its_share_to_the_others():
    stratum_S = np.repeat([0, 1, 2], [5, 100, 100])
    assert sizes_of(stratified(stratum_S, np.arange(205), 65), stratum_S) == [5, 30, 30]
    assert sizes_of(stratified(stratum_S[5:], np.arange(200), 64), stratum_S[5:]) == [0, 32, 32]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(1, 80))
def test_as_many_as_asked_for_or_all_and_none_twice(strata, count):
    picked = stratified(np.array(strata), np.full(len(strata), 30), count)
    assert len(set(picked.tolist())) == len(picked) == min(count, len(strata))


def test_the_seed_decides_between_equal_lengths_and_nothing_else_does():
    stratum_S, lengths_S = np.zeros(500, np.int64), np.full(500, 30)
    assert np.array_equal(stratified(stratum_S, lengths_S, 20), stratified(stratum_S, lengths_S, 20))
    assert not np.array_equal(stratified(stratum_S, lengths_S, 20, 1), stratified(stratum_S, lengths_S, 20, 2))


def test_packs_of_any_budget_hold_the_same_tokens_in_the_same_order(case):
    sample = case("esm2").sample
    whole = np.concatenate(sample.packs(10**6))
    for budget in (int(sample.lengths_P.max()), 700, 4096):
        packs = sample.packs(budget)
        assert np.array_equal(np.concatenate(packs), whole)
        assert max(sample.tokens.lengths_S[pack].sum() for pack in packs) <= budget
    assert len(sample.packs(700)) > 1
    assert (np.diff(sample.tokens.lengths_S[whole]) <= 0).all()


def test_a_sequence_longer_than_the_budget_is_an_error():
    with pytest.raises(ResourceError, match="30 tokens does not fit a token budget of 29"):
        cut(np.array([10, 30]), np.array([0, 1]), 29)


def test_a_row_knows_its_sequence_its_position_and_whether_it_is_pooled(case):
    for kind, inner in (("esm2", slice(1, -1)), ("dnabert-s", slice(None))):
        sample = case(kind).sample
        for place, length in enumerate(sample.lengths_P):
            rows = np.flatnonzero(sample.sequence_N == place)
            assert np.array_equal(sample.position_N[rows], np.arange(length))
            assert np.array_equal(rows[inner], rows[sample.pooled_N[rows]])
