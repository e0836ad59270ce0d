"""Bars in characters: the histogram of similarity, and the GPU over time."""

import math
from dataclasses import replace

import parts
import pytest

from vp_tui.core.config import STRATA
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.marks import bars
from vp_tui.tui.panels.gpu import gpu_history, span
from vp_tui.tui.panels.histogram import LIMIT, histogram

COSINE_LIMIT = Thresholds().fail(M1)
FULL = "\u2588"


def counted(width=76, height=7, **cosines):
    return histogram(cosines, cosine_limit=COSINE_LIMIT, width=width, height=height).plain.splitlines()


def sides(row):
    """What stands left and right of the limit's line, without the name and the count."""
    left, _, right = row.partition(LIMIT)
    return left[12:].strip(), right.split("!")[0].strip(" 0")


def test_a_bar_is_as_high_as_its_share_of_the_rows_and_never_vanishes():
    assert bars([0, 1e-9, 0.25, 0.5, 1, 2], 2) == ["    \u2588\u2588", " \u2581\u2584\u2588\u2588\u2588"]


def test_a_missing_height_leaves_its_column_empty():
    assert bars([None, float("nan"), -1.0], 1) == ["   "]


def test_every_stratum_has_its_own_row_with_its_name_and_number():
    rows = counted(short=[0.9999] * 3, medium=[0.9999] * 1500, long=[0.9999])
    assert [row.split()[:2] for row in rows if row.strip()[0].isalpha()] == [
        ["short", "3"],
        ["medium", "1.5k"],
        ["long", "1"],
    ]


@pytest.mark.parametrize("cosine", [COSINE_LIMIT, 0.98, 0.5, -1.0])
def test_a_sequence_that_fails_stands_right_of_the_limit(cosine):
    left, right = sides(counted(short=[cosine], height=2)[0])
    assert (left, bool(right)) == ("", True)


@pytest.mark.parametrize("cosine", [math.nextafter(COSINE_LIMIT, 1), 0.9999, 1.0])
def test_a_sequence_that_passes_stands_left_of_the_limit(cosine):
    left, right = sides(counted(short=[cosine], height=2)[0])
    assert (bool(left), right) == (True, "")


def test_a_single_bad_sequence_is_seen_among_thousands_and_counted():
    rows = counted(short=[0.9999] * 5000 + [0.97], height=2)
    assert sides(rows[0])[1]
    assert rows[0].endswith("!1")
    assert rows[1].split()[-1] == "bad"


def test_sequences_without_a_cosine_are_counted_as_bad_and_stand_nowhere():
    rows = counted(long=[None, float("nan"), 0.9999], height=2)
    assert rows[0].endswith("!2")
    assert sides(rows[0])[1] == ""


def test_a_stratum_in_which_all_is_broken_still_has_its_row():
    assert any(row.startswith("short") and row.endswith("!2") for row in counted(short=[None, None], medium=[0.999]))


def test_the_axis_has_the_decade_of_the_limit_at_its_line():
    rows = counted(**dict.fromkeys(STRATA, (0.9999, 0.99999)))
    at = rows[-1].index(LIMIT)
    assert rows[-1][at + 1 :].startswith("0.99 ")
    narrow = counted(width=58, short=[1 - 1e-8, None])
    assert narrow[-1].split(LIMIT)[1].startswith("0.99 ")
    assert all(row[at] == LIMIT for row in rows)


@pytest.mark.parametrize("limit", [0.99, 0.995, 0.9])
@pytest.mark.parametrize("width", range(30, 200, 7))
def test_every_label_of_the_axis_is_a_whole_similarity_where_its_decade_begins(width, limit):
    rows = histogram({"short": [0.9999999, 0.5]}, cosine_limit=limit, width=width, height=2).plain.splitlines()
    line = rows[-1].index(LIMIT)
    labels = rows[-1].replace(LIMIT, " ", 1).split()[:-1]
    assert set(labels) <= {"equal", *(f"0.{'9' * nines}" for nines in range(1, 8))}
    assert labels == sorted(labels, key=len, reverse=True) or labels[0] == "equal"
    passing = rows[-1][:line].split()
    assert all(label == "equal" or float(label) >= limit - 1e-12 for label in passing)


@pytest.mark.parametrize("width", [0, 1, 12, 20, 30, 60, 76, 116, 198])
@pytest.mark.parametrize("height", [1, 2, 3, 4, 7, 20])
def test_the_histogram_keeps_to_its_size(width, height):
    rows = counted(width, height, **dict.fromkeys(STRATA, (0.9999, 0.9, None)))
    assert len(rows) <= height
    assert rows == ["too narrow for a histogram"] or max(map(len, rows)) <= width


def test_without_a_sequence_there_are_words():
    assert counted() == ["no data: no sequence compared"]
    assert counted(short=[]) == counted()


SAMPLES = tuple(parts.gpu_sample(parts.START_US + second * 1_000_000) for second in range(600))


NO_SHARES = {"sm_active": None, "tensor_active": None, "dram_active": None}
ROW = {name: place for place, name in enumerate(("util", "SM active", "tensor", "DRAM", "memory", "power", "SM clock"))}


def over_time(samples, width=76, height=7, no_gpm=""):
    return gpu_history(samples, width=width, height=height, no_gpm=no_gpm).plain.splitlines()


def test_each_gauge_has_a_line_with_its_newest_value():
    rows = over_time((*SAMPLES[:-1], replace(SAMPLES[-1], utilization=12.0, tensor_active=3.0)))
    assert [row[:9].strip() for row in rows] == list(ROW)
    assert [row.split("  ")[-1].strip() for row in rows] == [
        "12%", "91%", "3%", "37%", "71.2/140 GiB", "612/700 W", "1980 MHz"
    ]  # fmt: skip


def test_where_there_is_no_gpm_its_gauges_leave_their_room_to_the_others_and_the_reason():
    samples = [replace(sample, **NO_SHARES) for sample in SAMPLES]
    rows = over_time(samples, height=9, no_gpm="no GPM: too old")
    assert [row[:9].strip() for row in rows] == ["", "util", "", "memory", "", "power", "", "SM clock", "no GPM: t"]
    assert rows[-1] == over_time(samples, height=8, no_gpm="no GPM: too old")[-1] == "no GPM: too old"
    assert [row[:9].strip() for row in over_time(samples, height=4, no_gpm="no GPM: too old")] == [
        "util", "memory", "power", "SM clock"
    ]  # fmt: skip


def test_one_share_that_is_missing_says_so_and_the_others_stay():
    rows = over_time([replace(sample, dram_active=None) for sample in SAMPLES])
    assert rows[ROW["DRAM"]] == "DRAM      not reported by this GPU"
    assert rows[ROW["tensor"]].endswith("58%")


def test_what_the_gpu_does_not_report_is_said_in_words():
    rows = over_time([replace(sample, power_w=None) for sample in SAMPLES])
    assert rows[ROW["power"]] == "power     not reported by this GPU"
    assert FULL not in rows[ROW["power"]]


def test_a_gap_in_the_readings_is_a_gap_in_the_line():
    samples = [replace(SAMPLES[0], utilization=None if 10 <= place < 20 else 100.0) for place in range(30)]
    assert over_time(samples)[0][10:40] == FULL * 10 + " " * 10 + FULL * 10


def test_a_gauge_that_is_always_nought_divides_by_nothing():
    assert over_time([replace(SAMPLES[0], sm_clock_mhz=0.0, memory_total_mib=0.0)])[ROW["SM clock"]].startswith(
        "SM clock"
    )


def test_where_the_driver_tells_no_limit_the_largest_value_stands_for_it():
    rows = over_time([replace(SAMPLES[0], power_w=power, power_limit_w=None) for power in (50.0, 100.0)])
    assert rows[ROW["power"]][10:12] == f"\u2584{FULL}"


@pytest.mark.parametrize("num", [1, 2, 600])
@pytest.mark.parametrize(("width", "height"), [(12, 1), (30, 2), (76, 7), (98, 20)])
def test_the_lines_keep_to_their_size(num, width, height):
    for samples in (SAMPLES[:num], [replace(sample, **NO_SHARES) for sample in SAMPLES[:num]]):
        rows = over_time(samples, width, height, no_gpm="no GPM: " + "x" * 100)
        assert len(rows) <= height
        assert max(map(len, rows)) <= max(width, 26)


def test_the_width_stands_for_the_time_between_first_and_last_sample():
    assert span(SAMPLES) == "09:59"
    assert over_time(()) == ["no sample yet"]
