"""Charts as text: the scale, the limit line, and what must not get lost in thinning."""

from dataclasses import replace

import pytest
import snapshots

from vp_tui.core.gates.embeddings import M1
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui import charts

LIMIT = Thresholds().fail(M1)
PALETTE = {"short": (1, 2, 3), "medium": (4, 5, 6), "long": (7, 8, 9), "limit": (200, 0, 0)}


def drawn(points, width=76, height=12):
    return charts.similarity(points, cosine_limit=LIMIT, width=width, height=height, palette=PALETTE)


def row_with(text, label):
    return next(line for line in text.plain.splitlines() if line.lstrip().startswith(label))


def test_the_axis_is_the_distance_from_one_and_the_limit_line_stands_at_its_tick():
    text = drawn(snapshots.similarity(1.0))
    assert "\u2500" * 40 in row_with(text, "1e-2")
    assert "0.99" not in text.plain


@pytest.mark.parametrize("height", [4, 5, 6, 7, 8, 9, 12, 20, 40])
def test_at_every_height_the_limit_stands_at_its_own_tick(height):
    assert "\u2500" * 40 in row_with(drawn(snapshots.similarity(1.0), height=height), "1e-2")


@pytest.mark.parametrize(("width", "height"), [(20, 4), (60, 8), (95, 18), (190, 30)])
def test_a_chart_fills_its_size_exactly(width, height):
    rows = drawn(snapshots.similarity(1.0), width, height).plain.splitlines()
    assert len(rows) <= height
    assert max(len(row) for row in rows) <= width


def test_every_line_carries_its_name_so_that_colour_is_not_needed():
    text = drawn(snapshots.similarity(1.0), height=20).plain
    assert all(name in text for name in ("short", "medium", "long"))


def test_colours_are_those_of_the_palette():
    styles = {str(span.style) for span in drawn(snapshots.similarity(1.0)).spans}
    assert "#c80000" in styles


def test_a_block_without_a_finite_similarity_is_marked():
    assert "!" in drawn(snapshots.similarity(1.0, broken=(20,))).plain
    assert "!" not in drawn(snapshots.similarity(1.0)).plain


def test_equal_embeddings_do_not_break_the_logarithm():
    same = [replace(point, cosine_min=1.0) for point in snapshots.similarity(0.3)]
    assert "1e-8" in drawn(same).plain


def test_thinning_keeps_the_worst_point():
    points = [(float(x), -5.0) for x in range(10_000)]
    points[4321] = (4321.0, -1.5)
    thinned = charts.thin(points, 100, max)
    assert len(thinned) <= 100
    assert max(y for _, y in thinned) == -1.5
    assert thinned[-1][0] == 9999.0


def test_two_charts_do_not_share_a_figure():
    alone = drawn(snapshots.similarity(0.5)).plain
    drawn(snapshots.similarity(1.0, seed=3), width=40, height=6)
    assert drawn(snapshots.similarity(0.5)).plain == alone


def test_throughput_shows_both_arms_from_zero_and_leaves_the_warm_up_out():
    blocks = snapshots.blocks(1.0)
    slow = [replace(block, encode_s=1e6) if block.is_warmup else block for block in blocks]
    labels = {"reference": "fp32", "candidate": "fp16"}
    text = charts.throughput(slow, labels=labels, width=76, height=12, palette=PALETTE).plain
    assert "fp32" in text
    assert "fp16" in text
    assert row_with(charts.throughput(slow, labels=labels, width=76, height=12, palette=PALETTE), "0")
    assert text == charts.throughput(blocks, labels=labels, width=76, height=12, palette=PALETTE).plain


@pytest.mark.parametrize("cosine", [None, float("nan"), 0.5, 1.0, -1.0])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (12, 3), (76, 8)])
def test_a_single_block_is_drawn_whatever_it_holds(cosine, width, height):
    point = replace(snapshots.similarity(0.1)[0], cosine_min=cosine, sequences=0)
    assert drawn([point], width, height).plain


def test_a_cosine_that_is_no_number_is_marked_like_a_missing_one():
    points = list(snapshots.similarity(0.5))
    points[7] = replace(points[7], cosine_min=float("nan"))
    assert "!" in drawn(points).plain


@pytest.mark.parametrize("changes", [{"tokens": 0}, {"encode_s": 0.0}, {"sequences": 0}, {"is_warmup": True}])
def test_a_block_without_tokens_time_or_sequences_breaks_no_scale(changes):
    blocks = [replace(block, **changes) for block in snapshots.blocks(0.1)[:4]]
    assert charts.throughput(blocks, labels={}, width=40, height=8, palette=PALETTE).plain
