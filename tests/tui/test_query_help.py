"""Completing and explaining a query while it is written."""

import subprocess
import sys

import pytest
import snapshots

from vp_tui.core.store.query.parser import parse
from vp_tui.tui.panels.filter_bar import EXAMPLE, candidates, completed, explained, extended, known_values


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("verd", "verdict:"),
        ("since:7d stat", "since:7d status:"),
        ("(speedu", "(speedup"),
        ("ta", "tag."),
        ("verdict:f", "verdict:FAIL"),
        ("status:com", "status:completed"),
        ("speed:n", None),
        ("verdict:", None),
        ("zebra", None),
        ("", None),
        ("verdict:FAIL ", None),
    ],
)
def test_the_last_word_is_completed_to_a_field_or_one_of_its_values(text, whole):
    assert completed(text) == whole


RUNS = [
    snapshots.row(3, model="/m/esm2-650m", name="night", tags={"gpu": "h200", "gear": "a"}, device="cuda:0"),
    snapshots.row(2, model="facebook/esm2-3b", name="two words", tags={}),
]


@pytest.mark.parametrize(
    ("text", "whole", "choices"),
    [
        ("model:", "model:esm2-", ("model:esm2-650m", "model:esm2-3b")),
        ("since:7d model:esm2-6", "since:7d model:esm2-650m", ("model:esm2-650m",)),
        ("verdict:f", "verdict:FAIL", ("verdict:FAIL",)),
        ("tag.g", "tag.g", ("tag.gpu:", "tag.gear:")),
        ("tag.gp", "tag.gpu:", ("tag.gpu:",)),
        ("tag.gpu:", "tag.gpu:h200", ("tag.gpu:h200",)),
        ("name:", "name:night", ("name:night",)),
        ("s", "s", ("status:", "speed:", "speedup", "seconds", "since:")),
        ("zebra", "zebra", ()),
    ],
)
def test_tab_extends_the_last_word_as_far_as_all_known_candidates_agree(text, whole, choices):
    known = known_values(RUNS)
    assert extended(text, known) == whole
    assert candidates(text, known) == choices


def test_a_completed_value_can_be_asked():
    assert str(parse(completed("verdict:f"))) == "verdict:FAIL"


def test_the_field_in_hand_is_explained_with_its_values_or_its_signs():
    assert explained("verdict:").endswith(": PASS, WARN, FAIL, INVALID")
    assert explained("speedup") == "speedup: tokens/s, candidate over reference, with : = < <= > >="
    assert explained("tag.gpu:h") == "tag: tag.KEY:VALUE"
    assert explained("nightly") == EXAMPLE


def test_every_example_is_a_query():
    parse(EXAMPLE.removeprefix("as in "))


def test_it_loads_no_database():
    code = "import sys, vp_tui.tui.panels.filter_bar; print('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
