"""Numbers and stored text as strings."""

import pytest

from vp_tui.tui import format as fmt


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.999612, "0.999612"),
        (0.98999999, "0.989999"),
        (1.0, "1.000000"),
        (1 - 4e-8, "1-4e-08"),
        (None, "-"),
        (-0.2, "-0.200000"),
    ],
)
def test_a_cosine_is_cut_and_never_rounded_up_to_a_limit(value, words):
    assert fmt.cosine(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (34, "34"),
        (999, "999"),
        (999.6, "1.0k"),
        (3334, "3.3k"),
        (182_400, "182k"),
        (1.24e6, "1.2M"),
        (None, "-"),
    ],
)
def test_counts_keep_two_or_three_digits(value, words):
    assert fmt.count(value) == words


def test_a_slow_rate_is_not_shown_as_nothing():
    assert fmt.rate(0.4) == "0.4"
    assert fmt.rate(182_400.0) == "182k"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "00:00"), (252.9, "04:12"), (3723, "1:02:03"), (183_600, "2d 03h"), (None, "-"), (-3, "00:00")],
)
def test_durations_grow_with_their_unit(value, words):
    assert fmt.duration(value) == words


def test_a_share_is_complete_only_when_nothing_is_left():
    assert fmt.share(9_999, 10_000) == "99%"
    assert fmt.share(10_000, 10_000) == "100%"
    assert fmt.share(0, 0) == "-"


@pytest.mark.parametrize(
    "name",
    [
        "count",
        "rate",
        "exact",
        "cosine",
        "small",
        "deviation",
        "ratio",
        "percent",
        "duration",
        "seconds",
        "gib",
        "whole",
    ],
)
def test_a_missing_number_is_a_dash(name):
    assert getattr(fmt, name)(None) == "-"


def test_a_missing_time_is_a_dash():
    assert fmt.date_time(None) == "-"


def test_the_other_numbers_have_their_units():
    assert fmt.small(3.9e-4) == "3.9e-04"
    assert fmt.deviation(1.00021) == "+2.1e-04"
    assert fmt.ratio(2.114) == "2.11x"
    assert fmt.percent(93.2) == "93%"
    assert [fmt.gib(72_900), fmt.gib(143_360)] == ["71.2", "140"]
    assert [fmt.seconds(0.42), fmt.seconds(12.34), fmt.seconds(252)] == ["0.42 s", "12.3 s", "252 s"]
    assert fmt.exact(10_000) == "10,000"
    assert fmt.limit(0.5) == "0.5"


def test_stored_text_cannot_steer_the_terminal():
    evil = "a\x1b[2Jb\x9bc\x07d\u202ee\u2066f\ng\x00"
    assert fmt.safe(evil) == "a[2Jbcdef g"


def test_clipping_shows_that_something_is_missing():
    assert fmt.clip("esm2_t36_3B", 11) == "esm2_t36_3B"
    assert fmt.clip("esm2_t36_3B", 8) == "esm2_t.."
    assert len(fmt.clip("esm2_t36_3B", 1)) == 1


def test_a_probability_shows_on_which_side_of_one_half_it_is():
    assert fmt.probability(0.500021) == "0.500021"
    assert fmt.probability(None) == "-"
