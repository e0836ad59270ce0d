"""The last values of the form, in a file that may be damaged."""

import json

import pytest

from vp_tui.core.errors import StoreError
from vp_tui.tui.fields import Remembered, read_remembered, write_remembered


def test_values_come_back_without_what_was_said_about_one_run(tmp_path):
    path = tmp_path / "form.json"
    values = {"model": "esm2-8m", "sample": "50", "precision": "bf16"}
    once = {"name": "nightly", "fp32_compare": True, "trust_remote_code": True}
    write_remembered(tmp_path, once | values)
    assert read_remembered(tmp_path) == Remembered(values=values)
    assert list(json.loads(path.read_text())) == ["model", "precision", "sample"], "in the order of the form"


def test_no_file_is_no_trouble(tmp_path):
    assert read_remembered(tmp_path) == Remembered()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[1, 2]", b"null", b"[" * 100_000],
    ids=["empty", "cut", "bytes", "list", "null", "deep"],
)
def test_a_damaged_file_is_said_and_not_used(tmp_path, content):
    path = tmp_path / "form.json"
    path.write_bytes(content)
    last = read_remembered(tmp_path)
    assert last.values == {}
    assert "form starts empty" in last.trouble


def test_values_that_are_none_of_the_form_are_named_and_left_out(tmp_path):
    path = tmp_path / "form.json"
    path.write_text(json.dumps({"model": "m", "sample": 5, "precision": "fp7", "colour": "red", "strata": "1,2"}))
    last = read_remembered(tmp_path)
    assert last.values == {"model": "m", "strata": "1,2"}
    assert last.trouble.endswith("colour, precision, sample")


def test_a_place_that_cannot_be_written_is_an_error_with_words(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot save"):
        write_remembered(tmp_path / "file", {})
