"""The kind of a file system, from a table of mounts as Linux writes it."""

import sqlite3
from pathlib import Path

import pytest

from vp_tui import migrations
from vp_tui.core.store import file_system
from vp_tui.core.store.file_system import is_network, kind_of
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:41 / /home rw,relatime shared:20 - nfs4 server:/home rw,vers=4.2
41 22 0:42 / /scratch/with\\040blank rw - lustre ms@tcp:/l rw
42 40 8:2 / /home/me/local rw - xfs /dev/sdb1 rw
43 22 0:43 / /remote rw - fuse.sshfs me@there: rw
44 22 0:44 / /wide rw - fuse.glusterfs there:/v rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/tmp/x", "ext4", False),
        ("/home/me/.local/share", "nfs4", True),
        ("/homestead", "ext4", False),
        ("/scratch/with blank/x", "lustre", True),
        ("/home/me/local/x", "xfs", False),
        ("/remote/x", "fuse.sshfs", False),
        ("/wide/x", "fuse.glusterfs", True),
    ],
)
def test_the_nearest_mount_decides(tmp_path, path, kind, network):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert kind_of(Path(path), mounts) == kind
    assert is_network(Path(path), mounts) is network


def test_without_a_table_of_mounts_nothing_is_said(tmp_path):
    assert kind_of(tmp_path, tmp_path / "none") is None
    assert not is_network(tmp_path, tmp_path / "none")


def test_a_store_on_a_network_file_system_has_no_write_ahead_log_and_works(tmp_path, monkeypatch):
    monkeypatch.setattr(migrations, "is_network", lambda _: True)
    home = Home(tmp_path / "home")
    migrations.upgrade(home)
    with sqlite3.connect(home.database) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    with Reader(home) as reader:
        assert reader.runs() == ()
    assert file_system.kind_of(home.root) is not None
