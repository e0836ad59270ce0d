"""Where workers keep compiled Python."""

import os
import subprocess
import sys

import pytest

from vp_tui.core.errors import ModelError, RunFailedError
from vp_tui.core.runs import bytecode
from vp_tui.core.runs.worker import read_answer, worker_command


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of a package without .pyc files, on the import path."""
    source = tmp_path / "site" / "uncompiled" / "__init__.py"
    source.parent.mkdir(parents=True)
    source.write_text("value = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return source.parent.name


def test_a_package_without_compiled_files_is_compiled_once_into_the_private_cache_of_the_user(package, tmp_path):
    environment = {**os.environ, bytecode.FORBIDDEN: "1", "PYTHONPATH": str(tmp_path / "site")}
    environment |= bytecode.variables(environment, package)
    subprocess.run([sys.executable, "-c", f"import {package}"], env=environment, check=True)
    folder = tmp_path / "cache" / "vp-tui" / "bytecode"
    assert [path.stem.partition(".")[0] for path in folder.rglob("uncompiled/*.pyc")] == ["__init__"]
    assert folder.stat().st_mode & 0o077 == 0
    assert not [*(tmp_path / "site").rglob("*.pyc")]


def test_nothing_is_set_where_the_package_is_compiled_or_the_user_has_chosen_a_place(package, tmp_path):
    assert bytecode.variables({bytecode.PREFIX: "/elsewhere"}, package) == {}
    assert bytecode.variables({}, "no_such_package") == {}
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(tmp_path / "site")], check=True)
    assert bytecode.variables({}, package) == {}


def test_a_folder_that_others_can_write_is_not_used(package, tmp_path):
    folder = tmp_path / "cache" / "vp-tui" / "bytecode"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert bytecode.variables({}, package) == {}


def test_what_a_full_disk_has_cut_ends_the_worker_with_a_sentence_and_the_next_one_works(home, tmp_path, monkeypatch):
    """The file is that of a module that the worker imports itself, and no other process has."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "vp-tui" / "bytecode"
    environment = {**os.environ, bytecode.PREFIX: str(folder), bytecode.FORBIDDEN: ""}

    def probe():
        command = worker_command("env-probe", "--model", "no-such-model")
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert probe().returncode == ModelError.exit_code
    (cut,) = folder.rglob("workers/env_probe*.pyc")
    cut.write_bytes(cut.read_bytes()[:100])
    failed = probe()
    assert failed.returncode == RunFailedError.exit_code, failed.stderr
    with pytest.raises(RunFailedError):
        read_answer(failed.stdout)
    assert not folder.exists()
    assert probe().returncode == ModelError.exit_code


def test_compiled_files_elsewhere_are_left_to_the_reader(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    assert str(mine) in bytecode.discard({bytecode.PREFIX: str(mine)})
    assert mine.exists()
