"""Files and names of any content are read or refused with an error for the reader; none hangs, none takes all memory.

tests/parsers.py lists the parsers; `make fuzz` tries damaged files on them for minutes.
"""

import contextlib
import os
import pickle
import zipfile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from parsers import PARSERS, try_damaged

from vp_tui.core.errors import VpTuiError
from vp_tui.core.inputs import fair_esm, sequences
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.thresholds import read_thresholds
from vp_tui.tui.keyfile import read_keys

FUZZ = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
RAW = (b"", b"[", b"[" * 100_000, b'{"a":' * 100_000, b'{"hidden_size": ' + b"9" * 5000 + b"}", b"\xff\xfe", b"null")


def refused_or_read(call):
    """The call succeeds, or raises what a reader can use."""
    with contextlib.suppress(VpTuiError):
        call()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a test writes the file that is read."""
    return tmp_path_factory.mktemp("hostile")


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_valid_files_are_read(folder, parser):
    assert all([parser.refuses_or_reads(folder, content) for content in parser.seeds()])


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_files_that_were_found_are_read_or_refused(folder, parser):
    for content in parser.all_found():
        parser.refuses_or_reads(folder, content)


# numpy's own words about a header of Python 2, and about numbers that are NaN or Inf
@pytest.mark.filterwarnings("ignore:Reading `.np", "ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_damaged_files_are_read_or_refused(folder, parser):
    try_damaged(parser, folder)


@pytest.mark.parametrize("content", RAW, ids=[content[:6].hex() for content in RAW])
def test_a_file_that_is_no_json_is_refused_by_name(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(VpTuiError, match=r"config\.json"):
        read_spec(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "endless", "folder"])
@pytest.mark.parametrize("reader", [lambda path: read_spec(path.parent), read_thresholds, read_keys])
def test_what_is_no_file_neither_hangs_nor_takes_all_memory(tmp_path, kind, reader):
    path = tmp_path / "config.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(VpTuiError):
        reader(path)


@pytest.mark.parametrize(
    "name", ["x" * 300, "a/" * 3000, "~nosuchuser/x", "a\0b", "", ".", "/dev/null", "/proc/self/mem"]
)
def test_any_name_of_a_model_or_a_sequence_file_is_read_or_refused(name):
    refused_or_read(lambda: resolve(name))
    refused_or_read(lambda: sequences.read(name))


def archive(path, content, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as made:
        made.writestr("x/data.pkl", content)


@FUZZ
@given(st.binary(max_size=300))
@example(pickle.dumps({"model": bytearray(10)}))
@example(b"\x80\x02Nr\xff\xff\xff\x7f.")
@example(b"\x80\xff.")
@example(b".")
@example(b"(" * 100_000)
def test_any_pickle_in_a_file_of_torch_is_refused_and_nothing_in_it_runs(folder, content):
    path = folder / "model.pt"
    archive(path, content)
    refused_or_read(lambda: fair_esm.read(path))


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    archive(path, b"\0" * 2**26, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    with pytest.raises(VpTuiError, match="compressed"):
        fair_esm.read(path)


def test_a_hostile_pickle_cannot_change_the_class_of_the_command_lines_options(tmp_path):
    import argparse

    before = argparse.Namespace.__init__
    program = b"cargparse\nNamespace\n}S'__init__'\nI5\nsb."
    archive(tmp_path / "model.pt", program)
    refused_or_read(lambda: fair_esm.read(tmp_path / "model.pt"))
    assert argparse.Namespace.__init__ is before
