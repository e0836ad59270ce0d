"""A run's process that is started before the run exists."""

import contextlib

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import InputError
from vp_tui.core.runs import launch
from vp_tui.core.runs.early import begun
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import is_running, start_ticks


def test_a_process_that_is_given_no_run_is_gone_and_leaves_nothing(home, made_checkpoint, tmp_path):
    config = RunConfig(model=str(made_checkpoint()), input=str(tmp_path / "missing.fasta"), device="cpu")
    with contextlib.suppress(InputError), begun(home) as early:
        launch.create_and_start(home, config, early=early)
    assert start_ticks(early.process.pid) is None
    assert [*home.runs.iterdir()] == []


def test_a_process_becomes_the_run_it_is_given_and_outlives_the_one_that_gave_it(home, made_checkpoint, many, poll):
    config = RunConfig(model=str(made_checkpoint()), input=str(many), device="cpu", oracle=0)
    with begun(home) as early:
        run_id = launch.create_and_start(home, config, early=early)
    worker = lifecycle.registered_worker(home, run_id)
    assert worker is not None
    assert worker.pid == early.process.pid
    uuid, _ = lifecycle.run_config(home, run_id)
    assert sorted(path.name for path in home.runs.iterdir()) == [uuid]

    def said():
        return "reading" in (home.run_folder(uuid) / "run.log").read_text()

    poll(said, what="the run's own log")
    launch.stop(home, run_id)


def test_a_process_that_died_before_it_got_its_run_is_replaced(home, made_checkpoint, many):
    config = RunConfig(model=str(made_checkpoint()), input=str(many), device="cpu")
    with begun(home) as early:
        early.process.kill()
        early.process.wait()
        run_id = launch.create_and_start(home, config, early=early)
    worker = lifecycle.registered_worker(home, run_id)
    assert worker is not None
    assert is_running(worker)
    assert worker.pid != early.process.pid
    launch.stop(home, run_id)
    assert len([*home.runs.iterdir()]) == 1


def test_nothing_is_started_early_where_there_is_no_store_yet(tmp_path):
    with begun(Home(tmp_path / "new")) as early:
        assert early is None
    assert not (tmp_path / "new").exists()
