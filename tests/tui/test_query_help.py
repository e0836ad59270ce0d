"""Completing and explaining a query while it is written."""

import subprocess
import sys

import pytest

from vp_tui.core.store.query.parser import parse
from vp_tui.tui.panels.filter_bar import EXAMPLE, completed, explained


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
