"""Charts as text: better is up, fixed places for limit and NaN, axes at every size, marks that need no colour."""

import itertools
import math
import re
from dataclasses import replace

import pytest
import snapshots

from vp_tui.core.gates.embeddings import M1
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui import charts, series
from vp_tui.tui.panels import chart_views
from vp_tui.tui.panels.chart_views import FEW, Compared, Shown

LIMIT = Thresholds().fail(M1)
TICK, DASH = "\u2524", "\u254c"


def drawn(dots, width=76, height=12, cursor=None, limit=LIMIT):
    right = max((dot.x for dot in dots), default=0) + 1
    return charts.similarity(
        dots, cosine_limit=limit, right=right, name="sequences", width=width, height=height, cursor=cursor
    )


def dots_of(points):
    return [charts.Dot(place, point.stratum, point.cosine_min) for place, point in enumerate(points)]


def dot(cosine, x=0, stratum="long"):
    return charts.Dot(x, stratum, cosine)


def rows_of(found):
    return found.content.plain.splitlines()


def row_of(mark, rows):
    """Number of the row, from the top, that has the mark behind its axis."""
    return next(place for place, row in enumerate(rows[:-1]) if mark in re.split("[\u2502\u2524]", row, maxsplit=1)[1])


def labels(rows):
    """Text of a row -> its number from the top."""
    return {row.split(TICK)[0].strip(): place for place, row in enumerate(rows) if TICK in row}


# -- similarity


@pytest.mark.parametrize("height", [4, 5, 6, 7, 8, 9, 12, 20, 40])
@pytest.mark.parametrize("cosines", [(1.0, 0.9999), (0.5, 0.999, None), ()])
def test_at_every_height_top_limit_nan_and_both_axes_are_there_and_in_order(height, cosines):
    rows = rows_of(drawn([dot(cosine, x) for x, cosine in enumerate(cosines)], height=height))
    found = labels(rows)
    assert found["equal"] == 0
    assert found["equal"] < found[f"limit {LIMIT:g}"] < found["NaN"] == len(rows) - 2
    assert DASH * 40 in rows[found[f"limit {LIMIT:g}"]] or cosines
    assert rows[-1].endswith("sequences")
    assert len(rows) == height


@pytest.mark.parametrize("height", range(6, 40))
def test_the_nines_between_limit_and_top_are_equally_far_apart(height):
    found = labels(rows_of(drawn([], height=height)))
    places = [found[f"limit {LIMIT:g}"], *(found[name] for name in sorted(found, key=len) if name.startswith("0.9"))]
    places = sorted([*places, found["equal"]])
    assert len({after - before for before, after in itertools.pairwise(places)}) == 1


@pytest.mark.parametrize("height", range(15, 60))
def test_a_tall_chart_names_every_decade_between_limit_and_top(height):
    nines = [name for name in labels(rows_of(drawn([], height=height))) if name.startswith("0.9")]
    assert sorted(nines, key=len) == [f"0.{'9' * count}" for count in range(3, 8)]


@pytest.mark.parametrize("height", [5, 9, 12, 24, 40])
def test_more_similar_is_higher_and_the_label_beside_a_mark_is_its_similarity(height):
    places = [row_of("o", rows_of(drawn([dot(1 - 10.0**-nines)], height=height))) for nines in (2.5, 4, 6, 8)]
    assert places == sorted(places, reverse=True)
    rows = rows_of(drawn([dot(0.9999)], height=height))
    assert labels(rows).get("0.9999", row_of("o", rows)) == row_of("o", rows)


@pytest.mark.parametrize(("cosine", "is_above"), [(math.nextafter(LIMIT, 1), True), (LIMIT, False), (-1.0, False)])
@pytest.mark.parametrize("height", [5, 8, 12, 30])
def test_only_what_is_above_the_limit_stands_above_its_line_and_not_in_the_row_of_nan(cosine, is_above, height):
    rows = rows_of(drawn([dot(cosine)], height=height))
    found = labels(rows)
    assert (row_of("o", rows) < found[f"limit {LIMIT:g}"]) is is_above
    assert row_of("o", rows) < found["NaN"]


@pytest.mark.parametrize("cosine", [None, float("nan")])
def test_what_has_no_similarity_stands_in_the_row_of_nan_and_the_row_is_red_then(cosine):
    found = drawn([dot(0.9999, 0, "short"), dot(cosine, 5)])
    rows = rows_of(found)
    assert row_of("o", rows) == labels(rows)["NaN"]
    at = found.content.plain.rindex("NaN")
    assert any(span.start <= at < span.end and "error" in str(span.style) for span in found.content.spans)
    assert not any("error" in str(span.style) for span in drawn([dot(0.9999)]).content.spans)


def test_what_fails_is_red_and_what_passes_has_the_colour_of_its_stratum():
    found = drawn([dot(0.5, 0, "short"), dot(0.999, 9, "medium")])
    text = found.content.plain
    styles = {
        text[span.start : span.end]: str(span.style) for span in found.content.spans if span.end - span.start == 1
    }
    assert styles["\u00b7"] == series.FAILS
    assert styles["+"] == series.LOOKS["medium"].style


def test_no_series_is_red_or_gold_and_no_two_share_a_mark_or_a_colour():
    looks = series.LOOKS.values()
    assert not any("error" in look.style or "warning" in look.style or "success" in look.style for look in looks)
    assert len({look.mark for look in looks}) == len({look.style for look in looks}) == len(looks)


def test_the_worst_is_seen_among_thousands_and_is_the_first_that_its_column_names():
    dots = [dot(0.99999, x) for x in range(10_000)]
    dots[4321] = dot(0.5, 4321)
    found = drawn(dots)
    assert labels(rows_of(found))[f"limit {LIMIT:g}"] < max(
        place for place, row in enumerate(rows_of(found)[:-2]) if "o" in row
    )
    (column,) = [column for column, mine in found.columns.items() if 4321 in mine]
    assert found.columns[column][0] == 4321
    assert sorted(index for mine in found.columns.values() for index in mine) == list(range(10_000))


def test_where_strata_share_a_cell_the_worse_one_is_seen():
    rows = rows_of(drawn([dot(0.99990, 0, "long"), dot(0.99991, 0, "short")], height=5))
    assert row_of("o", rows)
    assert not any("\u00b7" in row for row in rows)


@pytest.mark.parametrize(("width", "height"), [(24, 4), (60, 8), (95, 18), (190, 30)])
def test_a_chart_fills_its_size_exactly(width, height):
    found = drawn(dots_of(snapshots.similarity(1.0)), width, height)
    assert len(rows_of(found)) == height
    assert {len(row) for row in rows_of(found)} == {width}


def test_the_cursor_is_one_column_in_reverse():
    found = drawn(dots_of(snapshots.similarity(1.0)), cursor=7)
    reversed_ = [span for span in found.content.spans if str(span.style) == "reverse"]
    assert {span.end - span.start for span in reversed_} == {1}
    assert len(reversed_) == 11


@pytest.mark.parametrize("cosine", [None, float("nan"), 0.5, 1.0, -1.0])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (12, 3), (76, 8)])
def test_a_single_block_is_drawn_whatever_it_holds(cosine, width, height):
    assert drawn([dot(cosine)], width, height).content.plain


@pytest.mark.parametrize("limit", [0.9, 0.995, 0.999, 0.99999])
def test_other_limits_have_their_own_place(limit):
    rows = rows_of(drawn([dot(limit), dot(math.nextafter(limit, 1), 5, "short")], limit=limit))
    assert row_of("\u00b7", rows) < labels(rows)[f"limit {limit:g}"] < row_of("o", rows)


# -- what is drawn of a run


def shown(snapshot, results=()):
    return Shown(snapshot, Compared({}, tuple(results)))


def test_the_axis_of_an_active_run_is_the_whole_run_so_that_marks_keep_their_places():
    early, late = snapshots.running(0.2), snapshots.running(0.4)
    first, right = chart_views.dots_of(shown(early))
    second, same = chart_views.dots_of(shown(late))
    assert right == same == early.run.total
    assert first == second[: len(first)]


def test_the_first_sequences_of_a_large_run_are_not_drawn_as_all_of_them():
    """A histogram read them while the run went on."""
    done = snapshots.passed()
    assert done.run.done > FEW
    dots, right = chart_views.dots_of(shown(done, snapshots.results(30)))
    assert right == done.run.total
    assert len(dots) == len(done.similarity)


def test_a_finished_run_of_few_sequences_shows_and_names_each_one():
    done, results = snapshots.passed(), snapshots.results(30)
    found = shown(replace(done, run=replace(done.run, done=30)), results)
    dots, right = chart_views.dots_of(found)
    assert (len(dots), right) == (30, 30)
    assert [one.series for one in dots] == sorted((one.series for one in dots), key=["short", "medium", "long"].index)
    worst = next(place for place, one in enumerate(found.few) if one.nan_count)
    assert dots[worst].cosine is None
    words = chart_views.similarity_words(found, (worst,)).plain
    assert found.few[worst].sequence_id in words
    assert "NaN" in words
    assert not shown(snapshots.running(), results).few


def test_the_cursor_names_a_block_by_its_sequences_and_counts_what_else_is_there():
    words = chart_views.similarity_words(shown(snapshots.running()), (2, 1)).plain
    assert words.startswith("o long, sequences 129 to 192, lowest: 0.999")
    assert "2 here" in words


def test_titles_have_the_legend_whatever_room_there_is():
    for width in (30, 50, 76, 120):
        title = chart_views.title("similarity", shown(snapshots.running()), width)
        assert title.plain.endswith("\u00b7 short  + medium  o long")
    assert chart_views.title("throughput", shown(snapshots.running()), 76).plain.endswith("- fp32  x fp16")
    limit = f"limit {LIMIT:g}"
    assert limit in chart_views.title("histogram", shown(snapshots.running()), 76).plain


# -- tokens/s


def rates(snapshot, width=76, height=12):
    return chart_views.throughput(shown(snapshot), width, height, None)


def test_throughput_shows_both_arms_from_zero_and_leaves_the_warm_up_out():
    live = snapshots.running()
    slow = [replace(block, encode_s=1e6) if block.is_warmup else block for block in live.blocks]
    rows = rows_of(rates(replace(live, blocks=tuple(slow))))
    assert rows == rows_of(rates(live))
    assert labels(rows)["0"] == len(rows) - 2
    # twice as fast is twice as high
    from_zero = [len(rows) - 2 - row_of(mark, rows) for mark in ("x", "-")]
    assert from_zero[0] == pytest.approx(2 * from_zero[1], abs=1)


@pytest.mark.parametrize("most", [0.3, 1, 7, 83, 566, 4_100, 190_000])
@pytest.mark.parametrize("height", [4, 7, 12, 30])
def test_ticks_of_speed_are_round_numbers_equally_far_apart_up_to_the_top(most, height):
    found = charts.rates({"candidate": [(1, most)]}, right=2, name="sequences", width=60, height=height)
    rows = rows_of(found)
    places = sorted(labels(rows).values())
    gaps = {after - before for before, after in itertools.pairwise(places)}
    assert max(gaps) - min(gaps) <= 1
    assert (places[0], places[-1]) == (0, len(rows) - 2)


def test_the_cursor_tells_the_speed_of_both_arms():
    live = snapshots.running()
    found = rates(live)
    words = chart_views.throughput_words(shown(live), found.columns[max(found.columns)]).plain
    assert re.fullmatch(r"at sequence [\d,]+: fp32 [\d.]+k, fp16 [\d.]+k tokens/s", words)


@pytest.mark.parametrize("changes", [{"tokens": 0}, {"encode_s": 0.0}, {"sequences": 0}, {"is_warmup": True}])
def test_a_block_without_tokens_time_or_sequences_breaks_no_scale(changes):
    blocks = tuple(replace(block, **changes) for block in snapshots.blocks(0.1)[:4])
    live = snapshots.running()
    assert rates(replace(live, blocks=blocks, run=replace(live.run, total=0)), 40, 8).content.plain


def test_the_plans_of_a_search_are_drawn_without_another_chart_s_remains():
    points = [charts.Labelled(label="fp16", style="fails", mark="!", x=None, y=100.0)]
    palette = {"fails": (200, 0, 0), "passes": (9, 9, 9)}
    alone = charts.tradeoff(points, width=60, height=14, palette=palette).plain
    other = [charts.Labelled(label="plan", style="passes", mark="o", x=-5.0, y=50.0)]
    charts.tradeoff(other, width=40, height=10, palette=palette)
    assert charts.tradeoff(points, width=60, height=14, palette=palette).plain == alone
    assert "NaN" in alone
