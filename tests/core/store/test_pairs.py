import numpy as np
import pytest
from records import result

from vp_tui.core.errors import RunNotFoundError
from vp_tui.core.events import Speedup
from vp_tui.core.store import lifecycle
from vp_tui.core.store.groups import create_group


def test_sequences_are_paired_by_content_whatever_their_place_and_name(completed, reader):
    first = completed(
        results=[
            result(0, seq_hash=7, cosine=0.9),
            result(1, seq_hash=8, cosine=0.8),
            result(2, seq_hash=9, cosine=0.7),
        ]
    )
    second = completed(
        results=[
            result(0, seq_hash=9, cosine=0.71, sequence_id="x"),
            result(1, seq_hash=5, cosine=0.5),
            result(2, seq_hash=7, cosine=None, nan_count=4, sequence_id="y"),
        ]
    )
    pairs = reader.paired(first, second)
    assert (pairs.sequence_ids, pairs.only_a, pairs.only_b) == (("protein0", "protein2"), 1, 1)
    np.testing.assert_array_equal(pairs.a.cosine_S, [0.9, 0.7])
    np.testing.assert_array_equal(pairs.b.cosine_S, [np.nan, 0.71])
    np.testing.assert_array_equal(pairs.b.nonfinite_S, [4, 0])
    assert (len(pairs), pairs.strata, pairs.num_tokens_S.tolist()) == (2, ("short", "short"), [50, 50])


def test_equal_sequences_are_paired_in_their_order_and_not_multiplied(completed, reader):
    first = completed(results=[result(i, seq_hash=7, cosine=0.1 * i) for i in range(4)])
    second = completed(results=[result(i, seq_hash=7, cosine=0.1 * i) for i in range(3)])
    pairs = reader.paired(first, second)
    assert (len(pairs), pairs.only_a, pairs.only_b) == (3, 1, 0)
    np.testing.assert_array_equal(pairs.a.cosine_S, pairs.b.cosine_S)


def test_swapping_two_runs_swaps_the_sides(completed, reader):
    first = completed(results=[result(i, seq_hash=i, cosine=0.1 * i) for i in (3, 1, 2)])
    second = completed(results=[result(i, seq_hash=i, cosine=0.2 * i) for i in (1, 2, 4)])
    pairs, swapped = reader.paired(first, second), reader.paired(second, first)
    np.testing.assert_array_equal(pairs.a.cosine_S, swapped.b.cosine_S)
    np.testing.assert_array_equal(pairs.b.cosine_S, swapped.a.cosine_S)
    assert (pairs.only_a, pairs.only_b) == (swapped.only_b, swapped.only_a) == (1, 1)


def test_runs_without_common_sequences_have_no_pairs(completed, reader):
    first, second = completed(), completed(results=[])
    for pairs in (reader.paired(first, second), reader.paired(second, first), reader.paired(first, 99)):
        assert len(pairs) == 0
        assert pairs.a.cosine_S.shape == pairs.b.norm_ratio_S.shape == (0,)
    assert len(reader.paired(first, first)) == 3


def test_the_metrics_of_several_runs_come_at_once(home, completed, queued, reader, sql):
    speedup = Speedup(tokens_per_s=1.5, end_to_end=1.25, ci95=None, verdict="MISS", reason="")
    first, second = completed(), completed(speedup=speedup, perf_valid=True)
    waiting = queued()
    sql("UPDATE metric SET value = NULL, nonfinite = 1 WHERE run_id = ? AND name = 'speedup.end_to_end'", second)
    metrics = reader.metrics([waiting, second, first])
    assert metrics.keys() == {first, second, waiting}
    assert metrics[first]["speedup.tokens_per_s", "all"] == 2.0
    assert metrics[second]["speedup.tokens_per_s", "all"] == 1.5
    assert metrics[second]["speedup.end_to_end", "all"] is None
    assert metrics[waiting] == {}
    assert reader.metrics([]) == {}
    with pytest.raises(RunNotFoundError, match="no run 99"):
        reader.metrics([first, 99])


def test_the_newest_calibration_of_a_machine_is_found_by_its_key(home, completed, reader, sql):
    run_id, other = completed(), completed()
    key = reader.run(run_id).perf_key
    assert reader.newest_calibration(key) is None
    old, new, no = (create_group(home, kind, 2) for kind in ("aa_calibration", "aa_calibration", "validate"))
    sql("UPDATE run SET group_id = ? WHERE id = ?", old, run_id)
    sql("UPDATE run SET group_id = ? WHERE id = ?", no, other)
    assert reader.newest_calibration(key) == old
    sql("UPDATE run SET group_id = ? WHERE id = ?", new, other)
    assert reader.newest_calibration(key) == new
    assert reader.newest_calibration("another") is None
    with pytest.raises(RunNotFoundError, match="no group 9"):
        reader.group(9)


def test_a_repeat_of_a_group_is_there_once(home):
    from records import config

    from vp_tui.core.errors import StoreError

    group_id = create_group(home, "validate", 2)
    lifecycle.create_run(home, config(), group_id=group_id, repeat_idx=0)
    with pytest.raises(StoreError, match="UNIQUE"):
        lifecycle.create_run(home, config(), group_id=group_id, repeat_idx=0)
    lifecycle.create_run(home, config(precision="bf16"), group_id=group_id, repeat_idx=0)
