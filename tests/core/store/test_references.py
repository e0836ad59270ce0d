import errno
import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vp_tui.core.errors import ResourceError
from vp_tui.core.store import references

FACTS = {"summary": {"precision": "fp32", "seconds": 1.5}, "strata": {"short": 10.0, "all": None}, "run_uuid": "ab"}


@pytest.fixture
def embeddings_SD():
    return np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)


@pytest.fixture
def stored(tmp_path, embeddings_SD):
    path = references.path_of(tmp_path, "key")
    begun(path, embeddings_SD).finish(FACTS)
    return path


def begun(path, embeddings_SD):
    """A file that holds these embeddings and is not finished."""
    file = references.EmbeddingsFile(path, *embeddings_SD.shape)
    file.embeddings_SD[:] = embeddings_SD
    return file


def test_a_reference_comes_back_to_the_last_bit(stored, embeddings_SD):
    found = references.load(stored)
    assert found.embeddings_SD.dtype == np.float32
    assert (found.embeddings_SD == embeddings_SD).all()
    assert (found.summary, found.strata, found.run_uuid) == (FACTS["summary"], FACTS["strata"], "ab")


def test_embeddings_are_a_file_from_the_beginning_that_has_its_name_at_the_end(tmp_path, embeddings_SD):
    path = tmp_path / "run/candidate.safetensors"
    file = begun(path, embeddings_SD)
    (hidden,) = os.listdir(path.parent)
    assert hidden.startswith(".")
    assert list(path.parent.glob("*.safetensors")) == []
    assert embeddings_SD.tobytes() in (path.parent / hidden).read_bytes(), "what is written is in the file already"
    assert (path.parent / hidden).stat().st_size == references.HEADER_BYTES + embeddings_SD.nbytes
    file.finish(FACTS)
    file.discard()
    assert os.listdir(path.parent) == ["candidate.safetensors"]
    assert np.array_equal(load_file(path)["embeddings"], embeddings_SD)
    file.embeddings_SD[:] = 7
    assert np.array_equal(references.read_embeddings(path), np.full_like(embeddings_SD, 7)), "still the same file"


def test_what_was_never_finished_leaves_nothing(tmp_path, embeddings_SD):
    begun(tmp_path / "file", embeddings_SD).discard()
    assert os.listdir(tmp_path) == []


def test_new_embeddings_are_zero(tmp_path):
    assert not references.EmbeddingsFile(tmp_path / "file", 3, 5).embeddings_SD.any()


def test_embeddings_of_a_finished_file_are_mapped_and_not_to_be_written(stored):
    found = references.read_embeddings(stored)
    assert type(found) is np.ndarray
    assert found.base is not None
    assert not found.flags.writeable


def test_a_file_that_safetensors_itself_wrote_is_read_too(tmp_path, embeddings_SD):
    save_file({"embeddings": embeddings_SD}, tmp_path / "old", metadata={"vp_tui": "{}"})
    assert np.array_equal(references.read_embeddings(tmp_path / "old"), embeddings_SD)


def test_a_full_disk_is_an_error_with_numbers_before_anything_is_encoded(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ResourceError, match=r"1000 sequences: .*9\.8 MiB.*No space left on device"):
        references.EmbeddingsFile(tmp_path / "file", 1000, 2560)
    assert os.listdir(tmp_path) == []


def test_facts_that_do_not_fit_before_the_numbers_are_refused(tmp_path, embeddings_SD):
    with pytest.raises(ValueError, match="the facts of"):
        begun(tmp_path / "file", embeddings_SD).finish(FACTS | {"more": "x" * references.HEADER_BYTES})


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


def with_doubles(path):
    save_file({"embeddings": np.zeros((2, 2))}, path, metadata={"vp_tui": json.dumps(FACTS)})


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
    "with doubles": with_doubles,
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
