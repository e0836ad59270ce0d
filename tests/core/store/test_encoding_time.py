"""Which GPU samples belong to the encoding: those within a timed block of either arm, and no others."""

from types import SimpleNamespace

from vp_tui.core.store.encoding_time import while_encoding, windows


def block(end_s, wall_s):
    return SimpleNamespace(at_us=int(end_s * 1e6), wall_s=wall_s)


def at(*seconds):
    return [SimpleNamespace(at_us=int(second * 1e6)) for second in seconds]


def kept(samples, blocks):
    return [sample.at_us / 1e6 for sample in while_encoding(samples, blocks)]


def test_blocks_that_follow_each_other_without_a_pause_are_one_window_and_a_pause_divides_them():
    found = windows([block(3.0, 1.0), block(2.0, 1.0), block(6.0, 0.5)])
    assert found == [(1e6, 3e6), (5.5e6, 6e6)]


def test_a_block_within_a_longer_one_of_the_other_arm_adds_nothing():
    assert windows([block(5.0, 4.0), block(3.0, 1.0)]) == [(1e6, 5e6)]


def test_samples_before_between_and_after_the_windows_are_left_out_and_those_at_their_ends_stay():
    blocks = [block(2.0, 1.0), block(6.0, 0.5)]
    assert kept(at(0.0, 0.999, 1.0, 1.5, 2.0, 2.001, 5.0, 5.5, 6.0, 6.1), blocks) == [1.0, 1.5, 2.0, 5.5, 6.0]


def test_without_a_timed_block_no_sample_is_of_the_encoding():
    assert kept(at(0.0, 1.0), []) == []
