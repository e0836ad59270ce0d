"""Negative controls of a stored reference are computed once, and again as soon as what decides them differs."""

import numpy as np
import pytest

from vp_tui.core.measurements import as_document
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.validate import controls, kept_controls

LIMITS = Thresholds()
FACTS = {"vp_tui": "1", "torch": "2", "cuda": None, "device_name": "a processor"}


@pytest.fixture(scope="module")
def reference():
    """Embeddings and strata."""
    x_SD = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    return x_SD, np.repeat([0, 1, 2], 20)


@pytest.fixture(scope="module")
def made(reference):
    return controls.run(*reference, LIMITS)


def obtained(cache, reference, made, *, limits=LIMITS, facts=FACTS):
    """Return the controls, and whether they were computed."""
    calls = []

    def compute():
        calls.append(1)
        return made

    found = kept_controls.obtain(cache, facts, *reference, limits, compute)
    return found, bool(calls)


def test_the_second_run_gets_the_same_document_without_computing_it(tmp_path, reference, made):
    first, was_computed = obtained(tmp_path, reference, made)
    assert was_computed
    second, was_computed = obtained(tmp_path, reference, made)
    assert not was_computed
    assert as_document(second) == as_document(first) == as_document(made)
    assert list(second.details["controls"]["caught"]) == list(made.details["controls"]["caught"])


def test_other_embeddings_strata_limits_versions_or_code_are_computed_again(tmp_path, reference, made, monkeypatch):
    obtained(tmp_path, reference, made)
    x_SD, stratum_S = reference
    one_bit_SD = x_SD.copy()
    one_bit_SD[3, 2] = np.nextafter(one_bit_SD[3, 2], np.float32(np.inf))
    assert obtained(tmp_path, (one_bit_SD, stratum_S), made)[1]
    assert obtained(tmp_path, (x_SD, stratum_S[::-1]), made)[1]
    assert obtained(tmp_path, reference, made, limits=Thresholds({"M1.fail": 0.98}))[1]
    assert obtained(tmp_path, reference, made, facts={**FACTS, "device_name": "another one"})[1]
    monkeypatch.setattr(kept_controls, "code_hash", lambda: "another version of the measures")
    assert obtained(tmp_path, reference, made)[1]


def test_the_hash_of_the_code_covers_every_measure_and_the_controls(monkeypatch, tmp_path):
    before = kept_controls.code_hash.__wrapped__()
    monkeypatch.setattr(controls, "__file__", str(tmp_path / "controls.py"))
    (tmp_path / "controls.py").write_text("ROWS = 256\n")
    assert kept_controls.code_hash.__wrapped__() != before
    monkeypatch.setattr(kept_controls.measures, "__path__", [str(tmp_path)])
    assert kept_controls.code_hash.__wrapped__() != before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b"0\n{}"])
def test_a_corrupt_file_is_reported_and_replaced(tmp_path, reference, made, content, caplog):
    obtained(tmp_path, reference, made)
    (path,) = (tmp_path / "controls").iterdir()
    intact = path.read_bytes()
    path.write_bytes(content)
    assert obtained(tmp_path, reference, made)[1]
    assert [record.args[0] for record in caplog.records] == [path]
    assert path.read_bytes() == intact


def test_one_flipped_letter_in_a_file_is_noticed(tmp_path, reference, made):
    obtained(tmp_path, reference, made)
    (path,) = (tmp_path / "controls").iterdir()
    path.write_text(path.read_text().replace('"M4"', '"M5"', 1))
    assert obtained(tmp_path, reference, made)[1]


def test_a_folder_that_cannot_be_written_costs_a_warning_only(tmp_path, reference, made, caplog):
    (tmp_path / "controls").write_text("a file where the folder should be")
    found, was_computed = obtained(tmp_path, reference, made)
    assert (found, was_computed) == (made, True)
    assert len(caplog.records) == 1
