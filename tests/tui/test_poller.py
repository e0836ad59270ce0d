"""The thread that follows the store."""

from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from unittest.mock import Mock

import fakes
import parts
import pytest
import snapshots
import stored_runs

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import RunNotFoundError, StoreError, Unavailable, UsageError
from vp_tui.core.store import lifecycle, upkeep
from vp_tui.core.store.baselines import Baseline, set_baseline, unset_baseline
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.writer import RunWriter
from vp_tui.migrations import upgrade
from vp_tui.tui.backend import Backend
from vp_tui.tui.messages import StoreRead, StoreTrouble
from vp_tui.tui.poller import Poller


class Turns:
    """Runs the poller for some turns on a clock of its own; nothing sleeps."""

    def __init__(self, store, *, run_id=None, gpu=fakes.NO_GPU):
        self.now = 0.0
        self.posted = []
        self.gpu_reads = 0
        self.store = store
        self.at_turn = {}
        self._gpu = gpu
        self._turn = 0
        self.poller = self._follower(lambda: nullcontext(store), run_id)

    @classmethod
    def over(cls, backend):
        """The same over a real store."""
        turns = cls(fakes.FakeStore())
        turns.poller = turns._follower(backend.open_reader, None)
        return turns

    def _follower(self, open_reader, run_id):
        return Poller(
            open_reader=open_reader, read_gpu=self._read_gpu, run_id=run_id, clock=lambda: self.now, rest=self._rest
        )

    def _read_gpu(self):
        self.gpu_reads += 1
        return self._gpu

    def _rest(self, seconds):
        self.now += seconds
        self._turn += 1
        self.at_turn.get(self._turn, lambda: None)()

    def run(self, turns):
        end = self._turn + turns
        self.poller.follow(self.posted.append, lambda: self._turn >= end)
        return self.posted


def test_an_unchanged_store_is_read_and_posted_once():
    store = fakes.FakeStore(snapshots.passed())
    posted = Turns(store).run(40)
    assert len(posted) == 1
    assert store.num_reads == 1


def test_a_commit_is_posted_on_the_next_turn():
    store = fakes.FakeStore(snapshots.running(0.2))
    turns = Turns(store)
    turns.at_turn[3] = lambda: store.put(snapshots.running(0.4))
    posted = turns.run(5)
    assert [message.view.snapshot.run.done for message in posted] == [2000, 4000]


def test_a_commit_that_changes_nothing_on_the_screen_is_not_posted():
    store = fakes.FakeStore(snapshots.passed())
    turns = Turns(store)
    turns.at_turn[2] = store.touch
    assert len(turns.run(5)) == 1
    assert store.num_reads == 2


def test_a_killed_run_becomes_interrupted_although_nobody_commits():
    store = fakes.FakeStore(snapshots.running())
    turns = Turns(store)
    turns.at_turn[1] = lambda: store.put_silently(snapshots.ended("interrupted", "the process is gone"))
    posted = turns.run(12)
    assert [message.view.snapshot.run.status for message in posted] == ["running", "interrupted"]


def test_a_store_that_is_gone_is_reported_and_read_again_when_it_is_back():
    store = fakes.FakeStore(snapshots.passed())
    store.trouble = "database is locked"
    turns = Turns(store)
    turns.at_turn[3] = lambda: setattr(store, "trouble", None)
    posted = turns.run(6)
    assert [type(message) for message in posted] == [StoreTrouble] * 3 + [StoreRead]
    assert posted[0].text == "database is locked"


def test_the_newest_active_run_is_shown_and_stays_when_it_ends():
    old = snapshots.running()
    newer = snapshots.snapshot(replace(snapshots.passed().run, id=50))
    store = fakes.FakeStore(old, newer)
    turns = Turns(store)
    turns.at_turn[2] = lambda: store.put(snapshots.passed())
    posted = turns.run(5)
    assert [message.view.snapshot.run.id for message in posted] == [42, 42]


def test_a_chosen_run_is_shown_on_the_next_turn():
    store = fakes.FakeStore(snapshots.running(), snapshots.on_cpu())
    turns = Turns(store)
    turns.at_turn[2] = lambda: turns.poller.choose(3)
    assert [message.view.snapshot.run.id for message in turns.run(4)] == [42, 3]


def test_a_run_deleted_elsewhere_gives_way_to_the_newest():
    store = fakes.FakeStore(snapshots.passed())
    posted = Turns(store, run_id=7).run(4)
    assert [message.view.snapshot.run.id for message in posted] == [42]


def test_without_a_run_the_gpu_is_read_every_two_seconds():
    turns = Turns(fakes.FakeStore(), gpu=Unavailable("no driver"))
    posted = turns.run(33)
    assert posted[0].view.idle_gpu == Unavailable("no driver")
    assert len(posted) == 1
    assert turns.gpu_reads in {4, 5}


def test_while_a_run_is_active_its_own_samples_are_enough():
    turns = Turns(fakes.FakeStore(snapshots.running()))
    turns.run(20)
    assert turns.gpu_reads == 0


def test_a_run_that_streams_is_posted_twice_a_second_and_its_first_news_at_once():
    store = fakes.FakeStore(snapshots.running(0.1))
    turns = Turns(store)
    stamps = []
    turns.posted = type("Stamped", (list,), {"append": lambda _, message: stamps.append(turns.now)})()
    for turn in range(1, 20):
        turns.at_turn[turn] = lambda turn=turn: store.put(snapshots.running(0.1 + turn / 100))
    turns.run(20)
    assert len(stamps) == 20
    assert {after - before for before, after in pairwise(stamps)} == {0.5}


def test_a_finished_baseline_is_read_once_and_again_when_its_row_changes():
    run = replace(snapshots.running().run, accuracy_key="a")
    base = snapshots.snapshot(replace(snapshots.passed().run, id=7, accuracy_key="a"))
    store = fakes.FakeStore(replace(snapshots.running(), run=run), base)
    store.pinned = (baseline_of(base),)
    read = []
    whole = store.snapshot
    store.snapshot = lambda run_id, **options: read.append(run_id) or whole(run_id, **options)
    turns = Turns(store)
    turns.at_turn[2] = store.touch
    turns.at_turn[4] = lambda: store.put(replace(base, run=replace(base.run, note="new")))
    posted = turns.run(8)
    assert [message.view.baseline.run.note for message in posted] == [None, "new"]
    assert read.count(7) == 2


def baseline_of(snapshot):
    return Baseline(
        id=1, name="default", key_kind="accuracy", key="a", reason="good", created_at_us=1, created_by="x",
        retired_at_us=None, retired_reason=None, run_uuids=(snapshot.run.uuid,), run_ids=(snapshot.run.id,),
    )  # fmt: skip


def test_a_long_run_is_read_no_finer_than_a_chart_can_show(home, monkeypatch):
    monkeypatch.setattr("vp_tui.tui.poller.MOST", 8)
    run_id = stored_runs.complete(home)
    with RunWriter(home, run_id) as writer:
        for at_us in range(100):
            writer.put(parts.gpu_sample(at_us))
    turns = Turns.over(Backend(home))
    gpu = turns.run(2)[-1].view.snapshot.gpu
    assert 4 <= len(gpu) <= 16
    assert gpu[-1].at_us == 99


def test_a_store_that_is_deleted_under_the_reader_is_trouble(tmp_path):
    home = Home(tmp_path)
    upgrade(home)
    turns = Turns.over(Backend(home))
    turns.at_turn[1] = lambda: home.database.rename(tmp_path / "away")
    turns.at_turn[3] = lambda: (tmp_path / "away").rename(home.database)
    posted = turns.run(4)
    assert [type(message) for message in posted] == [StoreRead, StoreTrouble, StoreTrouble, StoreRead]
    assert "deleted or replaced" in posted[1].text


class Between:
    """A reader that deletes a run and its baseline once, after one of its answers."""

    def __init__(self, home, reader, answer, run_id):
        self._home, self._reader, self._answer, self._run_id = home, reader, answer, run_id

    def __getattr__(self, name):
        asked = getattr(self._reader, name)

        def answer(*arguments, **options):
            found = asked(*arguments, **options)
            if name == self._answer:
                self._answer = None
                unset_baseline(self._home, "default", reason="deleted between two reads")
                upkeep.delete_run(self._home, self._run_id)
            # the baseline's run is beyond the runs that are listed, so it is read on its own
            return tuple(run for run in found if run.id != self._run_id) if name == "runs" else found

        return answer


@pytest.mark.parametrize("answer", ["runs", "baselines", "run"])
def test_a_baseline_deleted_between_two_reads_is_gone_at_the_next_turn(home, answer):
    base, shown = stored_runs.complete(home), stored_runs.complete(home)
    set_baseline(home, [base], reason="x")
    with Reader(home) as reader:
        posted = Turns(Between(home, reader, answer, base)).run(3)
    assert {type(message) for message in posted} == {StoreRead}
    view = posted[-1].view
    assert (view.snapshot.run.id, view.baselines, view.baseline) == (shown, (), None)


def test_the_real_store_is_followed_across_connections(tmp_path):
    home = Home(tmp_path)
    upgrade(home)
    turns = Turns.over(Backend(home))
    config = RunConfig(model="esm2-3b", input="/data/a.fasta", name="first")
    turns.at_turn[2] = lambda: lifecycle.create_run(home, config)
    first, second = turns.run(4)
    assert first.view.runs == ()
    assert first.view.idle_gpu == fakes.NO_GPU
    assert second.view.snapshot.run.name == "first"
    assert second.view.snapshot.config["model"] == "esm2-3b"


def test_a_missing_store_is_trouble_until_it_is_prepared(tmp_path):
    home = Home(tmp_path)
    for prepare, kind in ((None, StoreTrouble), (lambda: upgrade(home), StoreRead)):
        assert isinstance(Turns.over(Backend(home, prepare)).run(1)[-1], kind)


@pytest.mark.parametrize("error", [StoreError("locked"), RunNotFoundError("no run 3"), UsageError("wrong")])
def test_any_error_meant_for_the_reader_is_reported_and_the_store_is_read_again(error):
    store = fakes.FakeStore(snapshots.passed())
    turns = Turns(store)
    read, store.baselines = store.baselines, Mock(side_effect=error)
    turns.at_turn[2] = lambda: setattr(store, "baselines", read)
    posted = turns.run(3)
    assert [type(message) for message in posted] == [StoreTrouble] * 2 + [StoreRead]
    assert posted[0].text == str(error)
