"""Blocks that are started before the first of them is waited for."""

import pytest

from vp_tui.core.engine.queueing import delayed, delayed_across


@pytest.mark.parametrize("by", [0, 1, 3, 100])
def test_items_keep_their_order_and_so_many_wait_at_most(by):
    taken = []
    for place, item in enumerate(delayed((taken.append(one) or one for one in range(10)), by)):
        assert item == place
        assert len(taken) <= place + 1 + by


@pytest.mark.parametrize("by", [0, 1, 3, 100])
def test_items_of_groups_keep_their_order_and_those_of_two_groups_wait_at_most(by):
    taken = []

    def group(name):
        for place in range(4):
            taken.append((name, place))
            yield place

    found = []
    for one in delayed_across(((name, group(name)) for name in "abcde"), by):
        found.append(one)
        assert len(taken) - len(found) <= by
        first_waiting = "abcde"[len(found) // 4] if len(found) < 20 else "e"
        assert ord(taken[-1][0]) - ord(first_waiting) <= 1
    assert found == taken
    assert len(found) == 20


def test_the_next_group_is_taken_before_the_last_one_is_out():
    """No device waits between two groups: the first item that comes out was followed by all of the next group."""
    taken = []
    groups = ((name, (taken.append(name + one) or one for one in "12")) for name in "abc")
    assert next(delayed_across(groups, 100)) == ("a", "1")
    assert taken == ["a1", "a2", "b1", "b2"]
