"""Standard input and pipes become files that another process can read."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import CLI

from samples import PROTEINS
from vp_tui.core.errors import InputError
from vp_tui.core.inputs import sequences, spool

FASTA = b">a\nMKVLL\n>b\nMM\n"


class Terminal(io.BytesIO):
    def isatty(self):
        return True


def stdin(content, *, kind=io.BytesIO):
    stream = kind(content)
    return SimpleNamespace(buffer=stream, isatty=stream.isatty)


def test_a_path_of_a_file_stays_as_it_is(tmp_path):
    (tmp_path / "x.faa").write_bytes(FASTA)
    assert spool.as_file(str(tmp_path / "x.faa"), tmp_path / "cache") == str(tmp_path / "x.faa")
    assert spool.as_file("missing.faa", tmp_path / "cache") == "missing.faa"
    assert not (tmp_path / "cache").exists()
    assert spool.note_of(tmp_path / "x.faa") is None


def test_standard_input_is_copied_under_a_name_by_its_content(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", stdin(FASTA))
    first = Path(spool.as_file("-", tmp_path))
    assert sequences.read(first).residues == (b"MKVLL", b"MM")
    monkeypatch.setattr(sys, "stdin", stdin(FASTA))
    assert Path(spool.as_file("-", tmp_path)) == first
    assert [*first.parent.iterdir()] == [first]
    assert str(first) in spool.note_of(first)


def test_a_named_pipe_is_copied(tmp_path):
    os.mkfifo(tmp_path / "pipe.faa")
    writer = threading.Thread(target=(tmp_path / "pipe.faa").write_bytes, args=(FASTA,))
    writer.start()
    copied = spool.as_file(str(tmp_path / "pipe.faa"), tmp_path / "cache")
    writer.join()
    assert sequences.read(copied).ids == ("a", "b")


@pytest.mark.parametrize(
    ("stream", "words"), [(stdin(b""), "nothing arrived"), (stdin(b"", kind=Terminal), "terminal")]
)
def test_nothing_and_a_terminal_are_input_errors(stream, words, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(InputError, match=words):
        spool.as_file("-", tmp_path)
    assert not [*tmp_path.rglob("*.*")]


def test_a_folder_that_cannot_be_written_is_an_input_error(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setattr(sys, "stdin", stdin(FASTA))
    with pytest.raises(InputError, match="cannot copy"):
        spool.as_file("-", tmp_path / "cache")


@pytest.mark.parametrize("given", ["-", "/dev/stdin"])
def test_a_run_on_piped_sequences_says_so_in_its_record(given, home, made_checkpoint, document):
    command = [*CLI, "run", "-m", made_checkpoint(), "-i", given, "--sample", "6", "--json"]
    with PROTEINS.open("rb") as proteins:
        done = subprocess.run(
            command,
            stdin=proteins,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "VP_TUI_HOME": str(home.root)},
        )
    found = document(done)
    copy = Path(found["dataset"]["path"])
    assert copy.parent == home.cache / "piped"
    assert copy.read_bytes() == PROTEINS.read_bytes()
    assert found["dataset"]["piped"] is True
    assert any("pipe" in alert["message"] for alert in found["alerts"])
