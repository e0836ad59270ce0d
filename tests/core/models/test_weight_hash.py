"""The hash of a checkpoint is read once, and anew when its files change."""

import os

import pytest

from vp_tui.core.models import weight_hash
from vp_tui.core.models.weight_hash import weights_sha256


@pytest.fixture
def anew(monkeypatch):
    """Ask as a new process does."""

    def ask(*arguments):
        monkeypatch.setattr(weight_hash, "_known", {})
        return weights_sha256(*arguments)

    return ask


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").write_bytes(bytes(range(256)))
    return tmp_path / "model"


def test_a_later_process_takes_the_stored_hash_and_one_without_a_cache_reads_the_files(anew, folder, tmp_path):
    true = anew(folder, tmp_path)
    (stored,) = (tmp_path / "weights").iterdir()
    assert stored.read_text() == true
    stored.write_text("a" * 64)
    assert anew(folder, tmp_path) == "a" * 64
    assert anew(folder) == true


def test_weights_that_change_behind_the_same_time_and_size_are_read_anew(anew, folder, tmp_path):
    true, about = anew(folder, tmp_path), (folder / "model.safetensors").stat()
    with (folder / "model.safetensors").open("r+b") as file:
        file.write(b"\xff")
    os.utime(folder / "model.safetensors", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert anew(folder, tmp_path) == anew(folder) != true


@pytest.mark.parametrize("damage", [b"", b"\xff" * 64, b"g" * 64])
def test_a_stored_file_that_is_no_hash_is_not_taken(anew, folder, tmp_path, damage):
    true = anew(folder, tmp_path)
    (stored,) = (tmp_path / "weights").iterdir()
    stored.write_bytes(damage)
    assert anew(folder, tmp_path) == true
    assert stored.read_text() == true


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(anew, folder, tmp_path, caplog):
    (tmp_path / "weights").write_text("a file, no folder")
    assert anew(folder, tmp_path) == anew(folder)
    assert len(caplog.records) == 1
