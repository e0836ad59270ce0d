"""Files are written whole or not at all, and what is no regular file is written into, never replaced."""

import os
import stat
import threading
from pathlib import Path

import pytest

from vp_tui.core.errors import UsageError
from vp_tui.core.files import output, part_of, parts, replacing
from vp_tui.core.report.render import write


def test_a_link_stays_a_link_and_its_target_gets_the_text(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_named_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write(pipe, "a,b\n")
    reader.join(10)
    assert got == ["a,b\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_pipe_of_a_process_substitution_is_written_into():
    reading, writing = os.pipe()
    write(Path(f"/dev/fd/{writing}"), "a,b\n")
    os.close(writing)
    with os.fdopen(reading) as got:
        assert got.read() == "a,b\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_a_device_stays_a_device(tmp_path):
    null = tmp_path / "null"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this container makes no device nodes")
    write(null, "a,b\n")
    assert stat.S_ISCHR(null.stat().st_mode)


def test_a_folder_that_does_not_exist_is_named_and_not_made(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        write(tmp_path / "nope" / "x.csv", "new")
    assert not (tmp_path / "nope").exists()


def test_a_database_is_not_overwritten(home):
    before = home.database.read_bytes()
    with pytest.raises(UsageError, match="database"), output(home.database):
        raise AssertionError("not reached")
    assert home.database.read_bytes() == before


def test_a_link_that_was_placed_in_advance_is_not_written_through(tmp_path):
    """The old name was the file's and this process's number, which anybody in a shared folder can foresee."""
    victim, target = tmp_path / "victim", tmp_path / "out.csv"
    victim.write_text("precious")
    (tmp_path / f".out.csv.{os.getpid()}.part").symlink_to(victim)
    write(target, "text")
    assert (victim.read_text(), target.read_text()) == ("precious", "text")
    assert part_of(target) != part_of(target)


def test_a_part_of_a_killed_process_is_found_with_its_pid_and_so_is_the_journal_beside_it(tmp_path):
    part = part_of(tmp_path / ("x" * 250))
    part.touch()
    journal = part.with_name(f"{part.name}-journal")
    journal.touch()
    assert dict(parts(tmp_path)) == {part: os.getpid(), journal: os.getpid()}


def test_a_block_that_fails_leaves_the_old_file_and_no_part(tmp_path):
    target = tmp_path / "kept"
    target.write_text("old")

    def write_half():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert target.read_text() == "old"
