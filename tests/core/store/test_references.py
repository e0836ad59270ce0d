import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from vp_tui.core.store import references

FACTS = {"summary": {"precision": "fp32", "seconds": 1.5}, "strata": {"short": 10.0, "all": None}, "run_uuid": "ab"}


@pytest.fixture
def embeddings_SD():
    return np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)


@pytest.fixture
def stored(tmp_path, embeddings_SD):
    path = references.path_of(tmp_path, "key")
    references.write_embeddings(path, embeddings_SD, FACTS)
    return path


def test_a_reference_comes_back_to_the_last_bit(stored, embeddings_SD):
    found = references.load(stored)
    assert found.embeddings_SD.dtype == np.float32
    assert (found.embeddings_SD == embeddings_SD).all()
    assert (found.summary, found.strata, found.run_uuid) == (FACTS["summary"], FACTS["strata"], "ab")


def test_a_transposed_view_is_written_as_what_it_shows(tmp_path, embeddings_SD):
    references.write_embeddings(tmp_path / "t", embeddings_SD.T, FACTS)
    assert (references.load(tmp_path / "t").embeddings_SD == embeddings_SD.T).all()


def test_a_missing_reference_is_none(tmp_path):
    assert references.load(tmp_path / "none") is None


def test_the_key_knows_every_fact_and_not_their_order():
    key = references.key_of({"weights": "w", "flags": {"tf32": False, "x": 1}})
    assert key == references.key_of({"flags": {"x": 1, "tf32": False}, "weights": "w"})
    assert key != references.key_of({"weights": "w", "flags": {"tf32": True, "x": 1}})
    assert key != references.key_of({"weights": "w"})


def test_sharing_is_a_hard_link_and_may_be_repeated(stored, tmp_path):
    target = tmp_path / "run/reference.safetensors"
    for _ in range(2):
        references.share(stored, target)
        assert os.path.samefile(stored, target)
        assert os.listdir(target.parent) == ["reference.safetensors"]


def test_without_hard_links_the_file_is_copied(stored, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    references.share(stored, tmp_path / "copy")
    assert not os.path.samefile(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == stored.read_bytes()


def test_sharing_replaces_what_was_there(stored, tmp_path):
    target = tmp_path / "old"
    target.write_text("old")
    references.share(stored, target)
    assert target.read_bytes() == stored.read_bytes()


def without_metadata(path):
    save_file({"embeddings": np.zeros((2, 2), np.float32)}, path)


def without_embeddings(path):
    save_file({"other": np.zeros(2, np.float32)}, path, metadata={"vp_tui": '{"summary": {}, "strata": {}}'})


def with_broken_metadata(path):
    save_file({"embeddings": np.zeros((2, 2), np.float32)}, path, metadata={"vp_tui": "{"})


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a safetensors file at all"),
    "cut in its header": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "cut in its numbers": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "zeros": lambda path: path.write_bytes(b"\0" * path.stat().st_size),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "without metadata": without_metadata,
    "without embeddings": without_embeddings,
    "with broken metadata": with_broken_metadata,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_reference_raises_what_the_run_knows_how_to_meet(stored, damage):
    DAMAGES[damage](stored)
    with pytest.raises(references.UNREADABLE):
        references.load(stored)


def test_a_replacement_takes_the_place_when_the_block_ends_well(tmp_path):
    path = tmp_path / "new/file"
    with references.replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert os.listdir(path.parent) == ["file"]
    assert path.read_text() == "whole"


class BrokenError(Exception):
    """Stands for whatever ends a block early."""


def write_half(path):
    with references.replacing(path) as temporary:
        temporary.write_text("half")
        raise BrokenError


def test_a_block_that_raises_leaves_what_was_there_and_nothing_half_written(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(BrokenError):
        write_half(path)
    assert os.listdir(tmp_path) == []
    path.write_text("before")
    with pytest.raises(BrokenError):
        write_half(path)
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_text() == "before"
