"""Every way to install or copy the project imports the files under vp_tui/, and no second import path exists."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("core", "tui", "migrations")
MARK = "edited_by_a_person = True"
WHERE = (
    "import vp_tui.core.errors as module; print(module.__file__); print(getattr(module, 'edited_by_a_person', False))"
)


def run(*command, cwd, environment=None):
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def without_path():
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def tree(folder, *, follow_links=False):
    """A copy of what git tracks or would track, links kept or followed."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        source, target = ROOT / name, folder / name
        if not os.path.lexists(source) or name.startswith("tests/golden"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink() and not follow_links:
            target.symlink_to(os.readlink(source))
        elif source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def edit(folder):
    path = folder / "vp_tui/core/errors.py"
    path.write_text(f"{path.read_text()}\n\n{MARK}\n")
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and sdist, made offline by the pinned hatchling from a copy of the tree."""
    folder = tree(tmp_path_factory.mktemp("tree"))
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", cwd=folder)
    return next(folder.glob("dist/*.whl")), next(folder.glob("dist/*.tar.gz"))


def names_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_every_source_file_once_and_nothing_outside_the_package(built):
    sources = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "vp_tui").rglob("*.*") if "__pycache__" not in path.parts
    }
    names = names_of(built[0])
    assert {name for name in names if ".dist-info/" not in name} == {
        name for name in sources if (ROOT / name).is_file()
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_an_installed_wheel_imports_from_site_packages(built, tmp_path):
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(tmp_path / "site")
    environment = {**without_path(), "PYTHONPATH": str(tmp_path / "site")}
    found = run(sys.executable, "-P", "-c", WHERE, cwd=tmp_path, environment=environment).split()
    assert found == [str(tmp_path / "site/vp_tui/core/errors.py"), "False"]


def test_an_editable_install_of_the_unpacked_sdist_imports_the_file_that_a_person_edits(built, tmp_path):
    shutil.unpack_archive(built[1], tmp_path)
    folder = next(tmp_path.glob("vp_tui-*"))
    place = tmp_path / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin/python"
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "-e", folder),
        cwd=tmp_path,
        # hatchling is taken from this environment, so that nothing is downloaded
        environment={**without_path(), "PYTHONPATH": str(Path(pytest.__file__).parents[1])},
    )
    edited = edit(folder)
    assert run(python, "-P", "-c", WHERE, cwd=tmp_path, environment=without_path()).split() == [str(edited), "True"]


@pytest.mark.parametrize("follow_links", [False, True], ids=["links kept", "links followed"])
def test_a_copy_of_the_tree_imports_the_file_that_a_person_edits(tmp_path, follow_links):
    folder = tree(tmp_path / "copy", follow_links=follow_links)
    edited = edit(folder)
    assert run(sys.executable, "-c", WHERE, cwd=folder, environment=without_path()).split() == [str(edited), "True"]


def test_the_links_at_the_top_are_for_readers_and_cannot_be_imported():
    for name in FOLDERS:
        assert os.readlink(ROOT / name) == f"vp_tui/{name}"
        code = f"try:\n    import {name}.errors\nexcept ImportError as error:\n    print(error)"
        assert f"vp_tui.{name}" in run(sys.executable, "-c", code, cwd=ROOT, environment=without_path())
