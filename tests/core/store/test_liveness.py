import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from vp_tui.core.errors import StoreError
from vp_tui.core.store import liveness
from vp_tui.core.store.liveness import hold, is_held, is_running, start_ticks, this_worker

HOLD = """
import pathlib, sys, time
from vp_tui.core.store.liveness import hold
hold(pathlib.Path(sys.argv[1]))
print("held", flush=True)
time.sleep(300)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock file (process, path)."""
    path = tmp_path / "lock"
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process, path
    process.kill()
    process.communicate()


def test_this_process_is_running():
    assert is_running(this_worker())
    assert this_worker().pid == os.getpid()


def test_a_reused_pid_is_another_process():
    """Same pid, another start: what a worker that died long ago looks like after its pid came round again."""
    mine = this_worker()
    assert not is_running(replace(mine, start_ticks=mine.start_ticks - 1))


def test_a_process_from_before_the_reboot_is_gone():
    assert not is_running(replace(this_worker(), boot_id="another boot"))


def test_a_process_that_never_was_has_no_start():
    assert start_ticks(2**22 + 1) is None


def test_a_killed_process_that_nobody_has_waited_for_is_gone(poll):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert start_ticks(process.pid) is not None
        process.send_signal(signal.SIGKILL)
        # Not waited for: a zombie keeps its pid, its start ticks, and its line in /proc.
        poll(lambda: start_ticks(process.pid) is None, seconds=10, what="the zombie")
        assert os.path.exists(f"/proc/{process.pid}/stat")
    finally:
        process.communicate()


def test_a_command_with_spaces_and_parentheses_does_not_move_the_fields(tmp_path):
    program = tmp_path / "a ) b (c"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "60"]) as process:
        found = start_ticks(process.pid)
        process.kill()
    # Started after this process, in ticks of a hundredth of a second, and not a century ago.
    assert this_worker().start_ticks <= found < this_worker().start_ticks + 360_000


def test_a_lock_is_seen_by_others_while_it_is_held_and_free_after_a_kill(holder, poll):
    process, path = holder
    assert is_held(path)
    assert hold(path, blocking=False) is None
    process.kill()
    poll(lambda: not is_held(path), seconds=10, what="the free lock")
    descriptor = hold(path, blocking=False)
    assert descriptor is not None
    os.close(descriptor)


def test_asking_for_a_lock_does_not_take_it(holder):
    process, path = holder
    assert [is_held(path) for _ in range(3)] == [True] * 3
    assert process.poll() is None


def test_a_lock_file_that_does_not_exist_is_free_and_is_not_made_by_asking(tmp_path):
    assert not is_held(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_without_a_boot_id_the_word_is_empty(monkeypatch):
    def missing(*_):
        raise FileNotFoundError

    monkeypatch.setattr(liveness.Path, "read_text", missing)
    assert liveness.boot_id() == ""


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS])
@pytest.mark.parametrize("call", [hold, is_held])
def test_a_file_system_without_locks_is_a_store_error_that_names_the_way_out(tmp_path, monkeypatch, code, call):
    """Lustre mounted without flock, NFS without its lock daemon."""

    def refused(*_):
        raise OSError(code, os.strerror(code))

    path = tmp_path / "lock"
    path.touch()
    monkeypatch.setattr(liveness.fcntl, "lockf", refused)
    monkeypatch.setattr(liveness.fcntl, "fcntl", refused)
    with pytest.raises(StoreError, match="VP_TUI_HOME"):
        call(path)
