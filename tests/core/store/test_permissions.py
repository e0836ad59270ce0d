"""A store of two users, or one that may only be read: real users, real permissions (root starts them)."""

import os
import pickle
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from records import config

from vp_tui.core.errors import StoreError
from vp_tui.core.store import lifecycle, upkeep
from vp_tui.core.store.home import Home, make_private
from vp_tui.core.store.liveness import hold, is_held
from vp_tui.core.store.reader import Reader
from vp_tui.migrations import upgrade

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")

OWNER, COLLEAGUE, GROUP = 2001, 2002, 3000
GROUP_UMASK, PRIVATE_UMASK = 0o002, 0o022


def as_user(uid, umask, call):
    """call() in a child process of this user; its answer, or its error."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        answer = AssertionError("the child failed")
        try:
            os.setgroups([GROUP])
            os.setgid(GROUP)
            os.setuid(uid)
            os.umask(umask)
            answer = call()
        except StoreError as error:
            answer = error
        finally:
            os.write(writing, pickle.dumps(answer))
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pickle.load(pipe)
    os.waitpid(pid, 0)
    if isinstance(answer, AssertionError):
        raise answer
    return answer


@pytest.fixture
def folder():
    """A folder of the group, which every user reaches."""
    made = Path(tempfile.mkdtemp(prefix="vp-shared-"))
    os.chown(made, -1, GROUP)
    made.chmod(0o2775)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def shared(folder):
    """The owner's store with one run, made under the umask of a group."""
    home = Home(folder / "store")
    before = os.umask(GROUP_UMASK)
    upgrade(home)
    lifecycle.create_run(home, config())
    os.umask(before)
    for path in (home.root, *home.root.rglob("*")):
        os.chown(path, OWNER, GROUP)
    return home


def add(home):
    return lifecycle.create_run(home, config())


def listed(home):
    """What `vp-tui runs` does."""
    upgrade(home)
    lifecycle.reconcile(home)
    with Reader(home) as reader:
        reader.data_version()
        return [run.id for run in reader.runs()]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode) & 0o777


@pytest.mark.parametrize(("umask", "folders"), [(PRIVATE_UMASK, 0o700), (GROUP_UMASK, 0o775)])
def test_folders_are_for_their_user_alone_unless_the_umask_lets_the_group_write(folder, umask, folders):
    home = Home(folder / "store")
    as_user(OWNER, umask, lambda: (home.create(), make_private(home.run_folder("ab"))))
    assert {mode(path) for path in (home.root, *home.root.rglob("*"))} == {folders}


def test_two_users_of_a_group_work_in_one_store(shared):
    assert mode(shared.database) == 0o664
    assert as_user(COLLEAGUE, GROUP_UMASK, lambda: listed(shared)) == [1]
    assert as_user(COLLEAGUE, GROUP_UMASK, lambda: add(shared)) == 2
    assert as_user(OWNER, GROUP_UMASK, lambda: add(shared)) == 3
    assert as_user(OWNER, GROUP_UMASK, lambda: listed(shared)) == [3, 2, 1]


def test_who_only_lists_a_store_that_he_cannot_write_leaves_nothing_that_locks_its_owner_out(shared):
    shared.database.chmod(0o644)
    assert as_user(COLLEAGUE, GROUP_UMASK, lambda: listed(shared)) == [1]
    assert [path.name for path in shared.root.glob("runs.db-*")] == []
    assert as_user(OWNER, GROUP_UMASK, lambda: add(shared)) == 2


def test_a_store_that_may_only_be_read_is_listed_and_its_writes_are_refused_with_the_reason(shared):
    for path in (shared.root, *shared.root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert as_user(COLLEAGUE, GROUP_UMASK, lambda: listed(shared)) == [1]
    refused = as_user(COLLEAGUE, GROUP_UMASK, lambda: upkeep.tag(shared, 1, {"a": "b"}))
    assert "permission" in str(refused)


def test_a_reader_without_permission_sees_what_the_owner_writes_meanwhile(shared):
    shared.database.chmod(0o644)
    (ready, is_ready), (go, has_gone) = os.pipe(), os.pipe()

    def look_twice():
        with Reader(shared) as reader:
            before = reader.data_version()
            os.write(is_ready, b"1")
            os.read(go, 1)
            return reader.data_version() != before, [run.id for run in reader.runs()]

    owner = os.fork()
    if not owner:
        os.read(ready, 1)
        as_user(OWNER, GROUP_UMASK, lambda: add(shared))
        os.write(has_gone, b"1")
        os._exit(0)
    assert as_user(COLLEAGUE, GROUP_UMASK, look_twice) == (True, [2, 1])
    os.waitpid(owner, 0)


def test_a_store_left_open_by_a_killed_owner_is_refused_to_who_cannot_write_it(shared):
    """To read its log an index is needed, which would be the reader's own: the owner could not open it any more."""
    shared.database.chmod(0o644)
    shared.root.joinpath("runs.db-wal").write_bytes(b"frames")
    assert "owner" in str(as_user(COLLEAGUE, GROUP_UMASK, lambda: listed(shared)))
    assert not shared.root.joinpath("runs.db-shm").exists()


def test_asking_for_the_lock_of_another_user_needs_no_permission_to_write(shared):
    path = shared.locks / "cpu.lock"

    def asked():
        return as_user(COLLEAGUE, GROUP_UMASK, lambda: is_held(path))

    descriptor = hold(path)
    path.chmod(0o644)
    assert asked() is True
    os.close(descriptor)
    assert asked() is False
    path.chmod(0o600)
    assert asked() is True, "what cannot be asked is not proved dead"
    assert str(path) in str(as_user(COLLEAGUE, GROUP_UMASK, lambda: hold(path)))
