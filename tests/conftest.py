"""What every test may count on: a home of its own, no switches from the outside, small real data."""

import shutil
import time

import pytest
from command_line import command_on, document_of

from samples import PROTEINS
from vp_tui.core.store.home import Home


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """No rollback switch, no hub, and one thread per process: two workers share two cores."""
    monkeypatch.delenv("VIRNUCPRO_DISABLE_FP16", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home with a store of the current schema, which child processes use too."""
    from vp_tui.migrations import upgrade

    place = Home(tmp_path / "home")
    monkeypatch.setenv("VP_TUI_HOME", str(place.root))
    upgrade(place)
    return place


@pytest.fixture
def vp_tui(home):
    """vp_tui(*arguments, check=0) -> CompletedProcess of the real command in a real process."""
    return command_on(home)


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


@pytest.fixture
def small_demo(home, made_checkpoint):
    """The demo's files with 40 sequences instead of 600: what is made once is taken as it is."""
    from vp_tui.tui.commands.demo_files import CHECKPOINT, SEQUENCES, demo_places

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
def poll():
    """poll(condition, seconds=60, what=...)."""
    return wait_until


@pytest.fixture
def document():
    """document(completed_process) -> dict, strict JSON."""
    return document_of
