"""Stopping a run whose process does not end; real processes are stopped in tests/test_runs.py."""

import os
import signal
from types import SimpleNamespace

import pytest

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import RunFailedError
from vp_tui.core.runs import launch
from vp_tui.core.store import lifecycle


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class FakeUninterruptibleWorker:
    """A process in uninterruptible sleep: signals arrive, and it ends at `ends_at_s` on the clock, or never."""

    def __init__(self, clock, ends_at_s=float("inf")):
        self.clock, self.ends_at_s, self.signals = clock, ends_at_s, []

    def is_running(self, _worker):
        return self.clock.now < self.ends_at_s

    def kill(self, pid, number):
        assert pid == os.getpid()
        self.signals.append(number)


@pytest.fixture
def stuck(home, monkeypatch):
    """stuck(ends_at_s) -> (id of an active run, its fake process)."""

    def make(**more):
        run_id = lifecycle.create_run(home, RunConfig(model="esm2-8m", input="/data/reads.faa"))
        lifecycle.register_worker(home, run_id, lifecycle.this_worker())
        lifecycle.start(home, run_id, "cpu")
        process = FakeUninterruptibleWorker(FakeClock(), **more)
        monkeypatch.setattr(launch, "time", process.clock)
        monkeypatch.setattr(launch, "is_running", process.is_running)
        monkeypatch.setattr(launch, "os", SimpleNamespace(kill=process.kill))
        return run_id, process

    return make


def test_a_process_that_survives_sigkill_is_an_error_with_its_pid_and_state(home, stuck):
    run_id, process = stuck()
    with pytest.raises(RunFailedError, match=rf"{os.getpid()}.*state: (running|sleeping)"):
        launch.stop(home, run_id)
    assert process.signals == [signal.SIGTERM, signal.SIGKILL]
    assert process.clock.now == pytest.approx(launch.PATIENCE_SECONDS + launch.KILL_SECONDS, abs=0.2)


def test_a_process_that_ends_late_after_sigkill_is_waited_for(home, stuck):
    run_id, process = stuck(ends_at_s=launch.PATIENCE_SECONDS + 5)
    launch.stop(home, run_id)
    assert process.signals == [signal.SIGTERM, signal.SIGKILL]
    assert process.clock.now == pytest.approx(launch.PATIENCE_SECONDS + 5, abs=0.2)


def test_a_checkpoint_is_stored_by_its_whole_path_and_a_hub_id_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoint").mkdir()
    assert launch.from_anywhere("checkpoint") == str(tmp_path / "checkpoint")
    assert launch.from_anywhere("facebook/esm2_t6_8M_UR50D") == "facebook/esm2_t6_8M_UR50D"
