"""The house rules that a tool can check: sizes, rooms, and what a process loads."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vp_tui"
SOURCES = sorted(path for folder in ("core", "tui", "migrations") for path in (PACKAGE / folder).rglob("*.py"))
REVISIONS = PACKAGE / "migrations" / "versions"
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

ROOMS = {
    "the cosine limit is written once": (r"\b0\.99\b", {"core/gates/"}),
    "precision is lowered in one place": (
        r"\.half\(|\.bfloat16\(|torch\.(float16|bfloat16|half)\b",
        {"core/models/precision.py"},
    ),
    "there is no autocast": (r"autocast", set()),
    "cosine similarity is computed in one place": (r"cosine_similarity|einsum\(.sd,sd", {"core/measures/"}),
    "queries live in the store": (r"\bselect\(|\binsert\(tables|\bexec_driver_sql\(", {"core/store/", "migrations/"}),
    "the rollback switch is read in one place": (r"VIRNUCPRO_", {"core/config.py", "core/runs/launch.py"}),
    "numbers become text in one place": (
        r"\{[^{}]*:([^{}]*\.\d+[efg%]|,[^{}]*|[efg%])\}",
        {"core/text.py"},
    ),
    "plotext is asked in one place": (r"\bplotext\b", {"tui/charts.py"}),
    "NVML is asked in one place": (r"\bpynvml\b", {"core/engine/gpu/"}),
}  # fmt: skip


def name_of(path):
    return path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_has_at_most_300_lines_and_its_functions_40(path):
    text = path.read_text()
    if path.parent != REVISIONS:
        assert len(text.splitlines()) <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_says_first_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_sources_are_ascii(path):
    assert path.read_bytes().isascii()


@pytest.mark.parametrize("rule", ROOMS)
def test_a_line_of_code_knows_its_room(rule):
    pattern, rooms = ROOMS[rule]
    strangers = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in SOURCES
        if not any(name_of(path).startswith(room) for room in rooms)
        for number, line in enumerate(_code_lines(path), start=1)
        if re.search(pattern, line)
    ]
    assert not strangers, "\n".join(strangers)


@functools.cache
def _code_lines(path):
    """The lines of a file with its docstrings and comments blanked."""
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for number in range(node.lineno - 1, node.end_lineno):
                lines[number] = ""
    return [line.split("  #")[0] if not line.lstrip().startswith("#") else "" for line in lines]


def loaded_by(statement):
    """The top-level modules in a fresh interpreter after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_dashboard_loads_no_torch():
    assert not loaded_by("import vp_tui.tui.app") & {"torch", "transformers", "safetensors", "plotext", "alembic"}


def test_the_command_line_starts_without_screen_store_or_torch():
    assert not loaded_by("import vp_tui.tui.cli") & {"torch", "textual", "sqlalchemy", "alembic", "numpy", "plotext"}


def test_starting_and_reading_runs_loads_no_torch():
    loaded = loaded_by(
        "import vp_tui.tui.commands.starting, vp_tui.core.runs.launch, vp_tui.core.store.reader, vp_tui.migrations"
    )
    assert not loaded & {"torch", "transformers", "alembic", "textual"}


def test_a_run_loads_no_screen():
    assert not loaded_by("import vp_tui.core.workers.validate.run") & {"textual", "rich", "typer", "plotext"}


def test_no_path_of_a_machine_and_no_registry_host_is_committed():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    suspects = re.compile(r"/root/|/work/|https?://[\w.]*(pypi|registry)[\w.]*/")
    found = [
        name
        for name in done.stdout.split("\0")
        if name and name != name_of(Path(__file__)) and (ROOT / name).is_file()
        if suspects.search((ROOT / name).read_bytes().decode("utf-8", "replace"))
    ]
    assert not found
