"""Fixtures of every test (a home of its own, a plain environment, small real data), and the option --fast.

Markers are set here, from what a test uses: `process` for tests that start child processes, `screen` for tests that
drive a whole dashboard, `torch` for modules that import it. `pytest --fast` (make test-fast) leaves all three out, and
does not even import the modules of the last.
"""

import ast
import functools
import gc
import inspect
import os
import shutil
import sys
import time

import hypothesis
import pytest
from command_line import command_on, document_of

from samples import PROTEINS
from vp_tui.core.engine.host_memory import prepare_process
from vp_tui.core.store.home import Home
from vp_tui.core.workers.demo.data import make_fasta

# where a host keeps Python from writing what it compiled, each of some hundred processes would compile vp_tui again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# as in a worker, before anything imports torch: two xdist workers on two cores would spin for each other
prepare_process(os.environ)
# two workers on two cores: threads of BLAS beside them cost more than they save
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if not any(os.path.exists(device) for device in ("/dev/nvidiactl", "/dev/dxg")):
    # read when triton is imported, whichever test does so first: without a GPU its kernels are interpreted
    os.environ.setdefault("TRITON_INTERPRET", "1")

PROCESS_FIXTURES = {"vp_tui", "small_demo"}
SCREEN_FIXTURES = {"drive"}
SCREEN_MODULES = {"on_store", "driven", "vp_tui.tui.app"}
TORCH_FIXTURES = {"made_checkpoint", "made_dnabert"}
PROCESS_MODULES = {"subprocess", "terminal", "played", "served", "chromium"}
TORCH_MODULES = (
    "torch",
    "transformers",
    "hf_checkpoints",
    *(f"vp_tui.core.{name}" for name in ("models", "engine", "workers", "bench")),
)
TORCH_FREE = ("vp_tui.core.engine.gpu", "vp_tui.core.workers.demo.data")
SLOW_FOLDERS = {"bench", "gpu", "real_weights"}


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="leave out tests that need a child process, a screen or torch")


def pytest_configure(config):
    # a busy processor is no failure of an example; CI judges a change by the same examples each time
    same = bool(os.environ.get("CI"))
    hypothesis.settings.register_profile("patient", deadline=None, derandomize=same)
    hypothesis.settings.register_profile("fast", deadline=None, derandomize=same, max_examples=20)
    hypothesis.settings.load_profile("fast" if config.getoption("--fast") else "patient")


@functools.cache
def _imports(path):
    """Names of all modules that a test file imports, at its top and inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


@functools.cache
def _needs_torch(path):
    return any(
        name == module or name.startswith(f"{module}.")
        for name in _imports(path)
        if not name.startswith(TORCH_FREE)
        for module in TORCH_MODULES
    )


def _is_async(item):
    return inspect.iscoroutinefunction(getattr(item, "function", None))


def pytest_ignore_collect(collection_path, config):
    if not config.getoption("--fast"):
        return None
    if collection_path.is_dir():
        return (collection_path.parent.name == "tests" and collection_path.name in SLOW_FOLDERS) or None
    return (collection_path.name.startswith("test_") and _needs_torch(collection_path)) or None


def pytest_collection_modifyitems(config, items):
    for item in items:
        fixtures = set(item.fixturenames)
        if fixtures & PROCESS_FIXTURES or _imports(item.path) & PROCESS_MODULES:
            item.add_marker(pytest.mark.process)
        if fixtures & SCREEN_FIXTURES or (_imports(item.path) & SCREEN_MODULES and _is_async(item)):
            item.add_marker(pytest.mark.screen)
        if fixtures & TORCH_FIXTURES or _needs_torch(item.path):
            item.add_marker(pytest.mark.torch)
    for item in items if "PYTEST_XDIST_WORKER" in os.environ else ():
        if item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.skip(reason="needs the GPU alone: run it without -n (make test-gpu does)"))
    if config.getoption("--fast"):
        slow = {"process", "screen", "torch"}
        left_out = [item for item in items if slow & {mark.name for mark in item.iter_markers()}]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_collection_finish(session):
    """What is imported by now stays: no garbage collection looks at it again, a tenth of a second each."""
    for item in session.items if session.config.getoption("loadgroup", False) else ():
        # pytest 9.2 ignores what xdist 3.8 marks, and each worker prepares everything anew: twice the time
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise pytest.UsageError("xdist does not see the groups of tests: install what constraints.txt pins")
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_torch_in_the_fast_loop(request):
    """Fail the test that makes the fast loop slow."""
    before = "torch" in sys.modules
    yield
    if request.config.getoption("--fast") and not before:
        assert "torch" not in sys.modules, "this test imports torch: conftest must see that, and mark it"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """No rollback switch, no batch job, no hub, and one thread per process: two workers share two cores."""
    monkeypatch.delenv("VIRNUCPRO_DISABLE_FP16", raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def _empty_home(tmp_path_factory):
    """A home that is made once, to be copied: a tenth of a second each."""
    from vp_tui.migrations import upgrade

    place = Home(tmp_path_factory.mktemp("empty") / "home")
    upgrade(place)
    assert [path.name for path in place.root.glob("runs.db*")] == ["runs.db"], "a log beside it is not copied safely"
    return place


@pytest.fixture
def home(tmp_path, monkeypatch, _empty_home):
    """An empty home with a store of the current schema, which child processes use too."""
    place = Home(tmp_path / "home")
    monkeypatch.setenv("VP_TUI_HOME", str(place.root))
    shutil.copytree(_empty_home.root, place.root)
    return place


@pytest.fixture
def vp_tui(home):
    """vp_tui(*arguments, check=0) -> CompletedProcess of the real command in a real process."""
    return command_on(home)


@pytest.fixture
def call(monkeypatch, capsys, home):
    """call(*arguments) -> (exit code, stdout, stderr) of the command line in this process."""
    from vp_tui.tui import cli

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vp-tui", *map(str, arguments)])
        code = cli.main()
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session")
def made_checkpoint(tmp_path_factory):
    """made_checkpoint(fault=None): folder of a tiny checkpoint written by transformers, made once per fault."""
    made = {}

    def folder_of(fault=None):
        from vp_tui.core.workers.demo.checkpoints import make_checkpoint

        if fault not in made:
            made[fault] = tmp_path_factory.mktemp("made") / f"esm2-{fault or 'healthy'}"
            make_checkpoint(made[fault], num_layers=2, fault=fault)
        return made[fault]

    return folder_of


@pytest.fixture(scope="session")
def short_proteins(tmp_path_factory):
    """The 28 real proteins of at most 254 residues, of every stratum: a quarter of the work."""
    records = [record.split("\n", 1) for record in PROTEINS.read_text().split(">")[1:]]
    path = tmp_path_factory.mktemp("short") / "short.faa"
    path.write_text("".join(f">{head}\n{body}" for head, body in records if len(body) <= 254))
    return path


@pytest.fixture
def small_demo(home, made_checkpoint):
    """The demo's files with 40 sequences instead of 600: what is made once is taken as it is."""
    from vp_tui.tui.commands.children import CHECKPOINT, SEQUENCES, demo_places

    for place in demo_places(home).values():
        shutil.copytree(made_checkpoint(), place / CHECKPOINT)
        shutil.copy(PROTEINS, place / SEQUENCES)


@pytest.fixture(scope="session")
def made_dnabert(tmp_path_factory):
    """Folder of a tiny DNABERT-S checkpoint (4 heads of 32), in the files of the hub; copy it to change it."""
    from vp_tui.core.workers.demo.dnabert import make_dnabert

    folder = tmp_path_factory.mktemp("made") / "dnabert-s"
    make_dnabert(folder, num_layers=2)
    return folder


def wait_until(condition, *, seconds=60.0, what="the condition"):
    """Poll until `condition()` is true and return its value; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


@pytest.fixture
def many(tmp_path):
    """A file with enough work that a run is still going while a test acts on it."""
    path = tmp_path / "many.fasta"
    make_fasta(path, num_sequences=3000)
    return path


@pytest.fixture
def poll():
    """poll(condition, seconds=60, what=...)."""
    return wait_until


@pytest.fixture(scope="session")
def trained_esm2():
    """Folder of published trained weights (ESM-2 8M with a head), fetched once; tests that use it carry `trained`."""
    from trained import esm2_with_head

    return esm2_with_head()


@pytest.fixture
def document():
    """document(completed_process) -> dict, strict JSON."""
    return document_of
