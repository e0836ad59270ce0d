"""Files of torch.save read as data: what a hostile or broken one gets, in both of torch's containers."""

import io
import os
import zipfile
from argparse import Namespace

import pytest
import torch
from parsers import TORCH_PARSERS, try_damaged

from vp_tui.core.models import torch_file


class Payload:
    """Unpickled, it makes the file `path`."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def write(path, value, *, is_zip):
    torch.save(value, path, _use_new_zipfile_serialization=is_zip)
    return path


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize(
    "opened", [lambda path: path, lambda path: io.BytesIO(path.read_bytes())], ids=["path", "bytes"]
)
def test_tensors_and_allowed_classes_come_back(tmp_path, is_zip, opened):
    path = write(tmp_path / "weights.bin", {"a": torch.arange(3), "args": Namespace(layers=2)}, is_zip=is_zip)
    found = torch_file.read(opened(path), allowed=[Namespace])
    assert found["a"].tolist() == [0, 1, 2]
    assert found["args"].layers == 2


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "before torch 1.6"])
def test_code_is_refused_by_name_without_advice_to_switch_protection_off(tmp_path, is_zip):
    mark = tmp_path / "ran"
    path = write(tmp_path / "evil.bin", {"a": torch.zeros(2), "b": Payload(mark)}, is_zip=is_zip)
    with pytest.raises(ValueError, match=r"posix\.system") as refused:
        torch_file.read(path)
    assert not any(word in str(refused.value) for word in ("weights_only", "safe_globals", "trust"))
    assert "\n" not in str(refused.value)
    assert not mark.exists()


def test_a_class_that_is_not_allowed_is_refused_by_name(tmp_path):
    path = write(tmp_path / "weights.bin", {"args": Namespace(layers=2)}, is_zip=True)
    with pytest.raises(ValueError, match=r"argparse\.Namespace"):
        torch_file.read(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + b"0" * 100, b"\x80\x02}q\x00.", b"<html>"])
def test_another_file_is_one_line_of_reason(content):
    with pytest.raises(ValueError, match=r"^\S.+\S$"):
        torch_file.read(io.BytesIO(content))


@pytest.mark.parametrize("parser", TORCH_PARSERS, ids=lambda parser: parser.name)
def test_files_that_were_found_are_read_or_refused(tmp_path, parser):
    assert all([parser.refuses_or_reads(tmp_path, content) for content in parser.seeds()])
    for content in parser.all_found():
        parser.refuses_or_reads(tmp_path, content)


@pytest.mark.parametrize("parser", TORCH_PARSERS, ids=lambda parser: parser.name)
def test_damaged_files_are_read_or_refused(tmp_path, parser):
    try_damaged(parser, tmp_path)


def test_compressed_parts_are_refused_before_they_are_unpacked(tmp_path):
    """3 MB may be 3 GB; torch.save stores."""
    path = tmp_path / "model.bin"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"\0" * 2**20)
    with pytest.raises(ValueError, match="compressed"):
        torch_file.read(path)
