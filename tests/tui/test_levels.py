"""Marks of severity: one table for the command line and the dashboard."""

from vp_tui.core.regression.worse import is_slower, is_worse, speed_change
from vp_tui.tui import levels, marks


def test_the_command_line_and_the_dashboard_have_the_same_marks():
    assert marks.MARKS is levels.MARKS
    assert [levels.marked(severity, "x") for severity in ("fail", "warn", "info")] == ["! x", "~ x", "- x"]


def test_every_verdict_that_is_not_good_has_a_mark():
    assert [levels.MARKS.get(levels.level_of(word)) for word in ("FAIL", "INVALID", "WARN", "PASS", None)] == [
        "!", "!", "~", None, None,
    ]  # fmt: skip


def test_worse_and_slower_than_the_baseline():
    assert [is_worse(0.9984, 0.999), is_worse(0.9986, 0.999), is_worse(None, 0.999)] == [True, False, None]
    assert [is_slower(speed_change(*rates)) for rates in ((95.0, 100.0), (96.0, 100.0), (1.0, 0.0), (None, 1.0))] == [
        True, False, False, False,
    ]  # fmt: skip
