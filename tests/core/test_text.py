"""The one formatter: each kind of number has one form, and widths are columns."""

import pytest

from vp_tui.core import text

WIDE = "\u6f22" * 10


@pytest.mark.parametrize(
    ("form", "value", "words"),
    [
        *((text.similarity, *one) for one in [(0.999994, "0.9999940"), (0.98999999, "0.9900000"), (1.0, "1.0000000")]),
        *((text.similarity, *one) for one in [(1 - 4e-8, "1.0000000"), (1 - 6e-8, "0.9999999")]),
        *((text.similarity, *one) for one in [(-0.2, "-0.200000"), (3e30, "3.0e+30")]),
        *(
            (text.error, *one)
            for one in [(3.9e-4, "0.00039"), (1.2e-5, "0.000012"), (13.2, "13"), (4.7e-7, "4.7e-07"), (0.0, "0")]
        ),
        *((text.ratio, *one) for one in [(2.114, "2.11x"), (123.4, "123x"), (18_240, "18.2kx")]),
        *((text.percent, *one) for one in [(0.93, "93%"), (0.061, "6.1%"), (0.00091, "0.091%"), (0.0996, "10%")]),
        *(
            (text.change, *one)
            for one in [
                (-0.0612, "-6.1%"),
                (0.123, "+12.3%"),
                (8.74, "+874%"),
                (-0.0001, "0.0%"),
                (200, "+20k%"),
                (1934.2, "+193k%"),
            ]
        ),
        *((text.short_change, *one) for one in [(-0.061, "-6%"), (0.004, "="), (12.4, "+12x")]),
        *((text.tolerance, *one) for one in [(0.05, "5%"), (0.125, "12.5%")]),
        *((text.exact, *one) for one in [(0, "0"), (182_400, "182,400")]),
        *((text.short, *one) for one in [(0, "0"), (34, "34"), (999, "999"), (999.6, "1.0k"), (3334, "3.3k")]),
        *((text.short, *one) for one in [(182_400, "182k"), (1.24e6, "1.2M")]),
        *((text.number, *one) for one in [(0.4, "0.4"), (9.871, "9.87"), (99.96, "100"), (3334.2, "3334")]),
        *((text.number, *one) for one in [(9999.6, "10k"), (18_240, "18.2k"), (182_400, "182k"), (1.24e6, "1.24M")]),
        *((text.number, *one) for one in [(999_600, "1M"), (0.001234, "0.00123"), (float("inf"), "-")]),
        *((text.norm, *one) for one in [(1.00021, "+0.021%"), (0.9988, "-0.12%"), (1.0, "0%")]),
        *((text.p_value, *one) for one in [(0.0321, "0.032"), (0.0042, "0.004"), (1e-9, "<1e-6")]),
        *((text.duration, *one) for one in [(0, "00:00"), (252.9, "04:12"), (3723, "1:02:03"), (183_600, "2d 03h")]),
        *((text.seconds, *one) for one in [(0.42, "0.42 s"), (12.34, "12.3 s"), (252, "252 s")]),
        *((text.gib, *one) for one in [(72_900, "71.2"), (143_360, "140")]),
        *((text.size, *one) for one in [(512, "512 B"), (61 * 2**20, "61 MiB"), (1.4 * 2**30, "1.4 GiB")]),
        (text.limit, 0.5, "0.5"),
        (text.probability, 0.500021, "0.500021"),
    ],
)
def test_each_kind_of_number_has_one_form(form, value, words):
    assert form(value) == words


@pytest.mark.parametrize(
    "form",
    [
        text.change, text.date_time, text.duration, text.error, text.exact, text.gib,
        text.number, text.p_value, text.percent, text.probability, text.ratio, text.seconds, text.short,
        text.tolerance, text.whole,
    ],
)  # fmt: skip
def test_a_missing_number_is_a_dash(form):
    assert form(None) == "-"


def test_changes_have_units_and_intervals_their_lower_end_first():
    assert text.change(0.03, "pt") == "+3.0 pt"
    assert text.interval(-0.0741, -0.0493) == "[-7.4, -4.9]"
    assert text.interval(None, 0.1) == "-"


def test_a_moment_is_local_or_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert text.date_time(1_764_000_000_000_000, utc=True) == "2025-11-24 16:00"


def test_stored_text_cannot_steer_the_terminal():
    assert text.safe("a\x1b[2Jb\x9bc\x07d\u202ee\u2066f\ng\x00") == "a[2Jbcdef g"


@pytest.mark.parametrize(
    ("words", "width", "clipped"),
    [
        ("esm2_t36_3B", 11, "esm2_t36_3B"),
        ("esm2_t36_3B", 8, "esm2_t.."),
        ("esm2_t36_3B", 1, "."),
        (WIDE, 20, WIDE),
        (WIDE, 10, WIDE[:4] + ".."),
        (WIDE, 9, WIDE[:3] + ".."),
    ],
)
def test_a_clipped_text_keeps_to_its_columns(words, width, clipped):
    assert text.clip(words, width) == clipped
    assert text.columns(text.clip(words, width)) <= width


def test_padding_and_wrapping_count_columns():
    assert text.pad(WIDE[:2], 6) == WIDE[:2] + "  "
    assert text.pad("ab", 4, right=True) == "  ab"
    assert text.wrap(WIDE + " ab", 8, first="- ", rest="  ") == [
        f"- {WIDE[:3]}",
        *[f"  {WIDE[:3]}"] * 2,
        f"  {WIDE[:1]} ab",
    ]


def test_plurals_and_run_numbers():
    assert [text.plural(1, "run"), text.plural(1_234, "run")] == ["1 run", "1,234 runs"]
    assert [text.runs([42]), text.runs([23, 30]), text.runs([23, 24, 25])] == [
        "run #42",
        "runs #23, #30",
        "runs #23..#25",
    ]
