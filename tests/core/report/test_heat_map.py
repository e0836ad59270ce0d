"""The maps of a model: which module stands where, how it is graded, what is said where nothing is stored."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from vp_tui.core.report import runs_export
from vp_tui.core.report.heat_map import QUANTITIES, STEPS, WHOLE_BLOCK, Spot, edges, grade, heat_map, shade, words
from vp_tui.core.report.heat_map_svg import heat_map_svg, title_of
from vp_tui.core.thresholds import Thresholds

LIMITS = Thresholds()
HOSTILE = '<script>alert("1")</script>\x1b[31m&'


def row(module, ratio=1.0, bits=9.0, share=0.0, nonfinite=0):
    return {"module": module, "ratio": ratio, "bits": bits, "subnormal_share": share, "nonfinite": nonfinite}


@pytest.fixture
def with_details(snapshot):
    def make(status="completed", **details):
        run = replace(snapshot.run, status=status)
        return replace(snapshot, run=run, measures={"details": details})

    return make


@pytest.fixture
def snapshot(runs, ids):
    from vp_tui.core.store.reader import Reader

    with Reader(runs.home) as reader:
        return reader.snapshot(ids["good"][0])


def test_rows_are_modules_in_the_order_of_execution_and_columns_are_blocks(with_details):
    names = ["embedding", "layers.0.qkv.in", "layers.0.qkv", "layers.0", "layers.1.qkv.in", "layers.1.qkv", "layers.1"]
    found = heat_map(with_details(modules=[row(name) for name in [*names, "final_norm"]]), "rounding")
    assert found.rows == ("embedding", "qkv.in", "qkv", WHOLE_BLOCK, "final_norm")
    assert found.blocks == 2
    assert found.spots["qkv", 1].module == "layers.1.qkv"
    assert {block for name, block in found.spots if name == "final_norm"} == {0}


def test_blocks_of_transformers_are_found_by_their_number(with_details):
    found = heat_map(with_details(modules=[row("encoder.layer.11.attention.self.query")]), "rounding")
    assert (found.rows, found.blocks) == (("attention.self.query",), 12)


@pytest.mark.parametrize(
    ("quantity", "value", "expected"),
    [
        ("rounding", 1.0, "plain"), ("rounding", 1.31, "warn"), ("rounding", None, "plain"),
        ("headroom", 3.0, "plain"), ("headroom", 2.9, "warn"), ("headroom", 0.9, "fail"), ("headroom", -1.6, "fail"),
        ("subnormal", 0.01, "plain"), ("subnormal", 0.094, "warn"),
    ],
)  # fmt: skip
def test_a_module_is_graded_by_the_limits_of_the_gates(quantity, value, expected):
    assert grade(Spot("layers.0.fc1", value, False), quantity, LIMITS) == expected


def test_a_broken_module_fails_in_the_map_of_errors_and_keeps_its_headroom(with_details):
    snapshot = with_details(modules=[row("layers.3.fc1", ratio=None, bits=4.0, nonfinite=9)])
    grades = [grade(heat_map(snapshot, quantity).spots["fc1", 3], quantity, snapshot.limits) for quantity in QUANTITIES]
    assert grades == ["fail", "plain", "plain"]
    assert words(heat_map(snapshot, "rounding").spots["fc1", 3], "rounding", LIMITS) == "NaN or Inf"


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_shades_darken_towards_the_limit_and_every_one_is_used(quantity):
    ends = edges(quantity, LIMITS)
    worst_last = [-end for end in ends] if quantity == "headroom" else list(ends)
    assert worst_last == sorted(worst_last)
    beyond = -1e-9 if quantity == "headroom" else 1e-9
    values = [ends[0] - beyond, *(end + beyond for end in ends)]
    assert [shade(value, quantity, LIMITS) for value in values] == list(range(STEPS))


def test_a_run_of_an_older_version_shows_the_modules_it_stored_and_says_that_there_were_others(with_details):
    stored = [{"module": f"layers.{place}.fc2", "bits": 2.0, "max_abs": 9.0} for place in (1, 4)]
    found = heat_map(with_details(headroom=stored), "headroom")
    assert set(found.spots) == {("fc2", 1), ("fc2", 4)}
    assert "only the 2" in found.note


@pytest.mark.parametrize(
    ("details", "status", "told"),
    [
        ({}, "completed", "no numbers of single modules"),
        ({"not_measured": {"R4": "no FP64 oracle: out of memory"}}, "completed", "out of memory"),
        ({}, "running", "after the last sequence"),
    ],
)
def test_where_nothing_is_stored_the_reason_is_told(with_details, details, status, told):
    for quantity in QUANTITIES:
        found = heat_map(with_details(status, **details), quantity)
        assert (found.rows, told in found.note) == ((), True)
        assert heat_map_svg(found, LIMITS, "run1-map") is None


def test_the_svg_has_a_cell_per_module_that_says_its_name_and_number(with_details):
    snapshot = with_details(modules=[row("layers.0.fc1"), row("layers.1.fc1", bits=0.5), row("layers.1.fc2", bits=2)])
    svg = ElementTree.fromstring(heat_map_svg(heat_map(snapshot, "headroom"), LIMITS, "run1-map"))
    cells = {cell[0].text.split(":")[0]: cell for cell in svg.iter("rect")}
    assert {name: cell.get("fill") for name, cell in cells.items()} == {
        "layers.0.fc1": "var(--ink)",
        "layers.1.fc1": "var(--bad)",
        "layers.1.fc2": "var(--open)",
    }
    assert "0.5" in cells["layers.1.fc1"][0].text


def test_names_of_modules_are_escaped_whatever_they_are(with_details):
    snapshot = with_details(modules=[row(f"layers.0.{HOSTILE}")])
    text = heat_map_svg(heat_map(snapshot, "rounding"), LIMITS, "run1-map")
    assert "<script" not in text
    assert "\x1b" not in text
    assert ElementTree.fromstring(text) is not None


def test_each_run_of_a_page_has_three_maps_with_names_of_their_own(with_details):
    snapshot = with_details(modules=[row("layers.0.fc1"), row("layers.1.fc1")])
    runs = [replace(snapshot, run=replace(snapshot.run, id=run_id)) for run_id in (1, 2)]
    page = runs_export.exported([(one, ()) for one in runs], "html")
    found = re.findall(r'id="run(\d)-(\w+)-map-title"', page)
    assert found == [(run_id, quantity) for run_id in "12" for quantity in QUANTITIES]
    assert "http" not in "".join(re.findall('<svg [^>]*-map-title".*?</svg>', page, re.DOTALL))


def test_a_page_without_numbers_says_why_in_place_of_the_maps(with_details):
    page = runs_export.exported([(with_details(not_measured={"R4": "no oracle"}), ())], "html")
    assert "-map-title" not in re.sub("<figcaption.*?</figcaption>", "", page, flags=re.DOTALL)
    assert "no oracle" in page
    assert title_of(heat_map(with_details(), "rounding")).startswith("Map: ")
