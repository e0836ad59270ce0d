"""The import contracts have no holes, and docs/architecture.md shows the imports that exist."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vp_tui"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
SQL = ("core/store/", "migrations/")
NO_TORCH = (
    "tui/",
    "migrations/",
    *(f"core/{name}/" for name in ["measures", "verdict", "regression", "inputs", "shards", "store", "runs", "report"]),
)
PLANTS = {
    "sqlalchemy": lambda name: not name.startswith(SQL),
    "sqlite3": lambda name: not name.startswith((*SQL, "core/engine/environment.py")),
    "alembic": lambda name: not name.startswith("migrations/"),
    "plotext": lambda name: name != "tui/charts.py",
    "pynvml": lambda name: not name.startswith("core/engine/gpu/"),
    "torch": lambda name: name.startswith(NO_TORCH),
    "textual": lambda name: name.startswith("core/"),
}
"""Module -> the files below vp_tui that may not import it."""


def sources(folder=PACKAGE):
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.py"))]


def module_of(name):
    return ".".join(["vp_tui", *Path(name).with_suffix("").parts]).removesuffix(".__init__")


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What lint-imports says of a copy in which every file imports everything that it may not."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(PACKAGE, folder / "vp_tui", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in sources():
        planted = "".join(f"import {module}\n" for module, forbidden in PLANTS.items() if forbidden(name))
        path = folder / "vp_tui" / name
        path.write_text(f"{path.read_text()}\n{planted}")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return set(re.findall(r"(vp_tui[\w.]*) -> (\w+) \(l", done.stdout))


@pytest.mark.parametrize("planted", PLANTS)
def test_an_import_in_the_wrong_place_fails_the_check_in_whatever_file_it_stands(planted, complaints):
    wrong = {module_of(name) for name in sources() if PLANTS[planted](name)}
    assert wrong
    assert wrong <= {module for module, imported in complaints if imported == planted}


@pytest.fixture(scope="module")
def package_imports():
    """Package of core, or 'vocabulary' -> the packages of core that its files import, by the import graph."""
    graph = grimp.build_graph("vp_tui", cache_dir=None)
    found = {}
    for module in graph.modules:
        own = _room(module)
        if own is not None:
            found.setdefault(own, set()).update(map(_room, graph.find_modules_directly_imported_by(module)))
    return {own: rooms - {own, None} for own, rooms in found.items()}


def _room(module):
    parts = module.split(".")
    if parts[:2] != ["vp_tui", "core"]:
        return parts[1] if len(parts) > 1 else None
    if len(parts) == 2:
        return None
    return parts[2] if (PACKAGE / "core" / parts[2]).is_dir() else "vocabulary"


def documented():
    """The table of docs/architecture.md: package -> the packages in its column of imports, in the order of its rows."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", ARCHITECTURE.read_text(), flags=re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", imports)) for name, imports in rows}


def test_the_architecture_page_names_every_package_and_exactly_what_it_imports(package_imports):
    assert documented() == package_imports


def test_the_rows_of_the_architecture_page_go_up_so_that_no_package_imports_one_below_it():
    order = list(documented())
    for place, name in enumerate(order):
        assert not documented()[name] & set(order[place:]), name


def test_the_loose_files_of_core_are_at_most_eight():
    assert len([path for path in (PACKAGE / "core").glob("*.py") if path.name != "__init__.py"]) <= 8
