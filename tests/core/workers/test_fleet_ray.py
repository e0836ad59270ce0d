"""Several devices on Ray's own test cluster of two nodes on this machine: lost actors, lost nodes, whole runs."""

import json
import os
import signal
import socket
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from samples import PROTEINS
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder, OutOfMemoryError
from vp_tui.core.engine.queueing import delayed
from vp_tui.core.errors import ModelError, ResourceError, UsageError
from vp_tui.core.inputs import sequences, tokenizing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models.loading import load
from vp_tui.core.runs.devices import Devices
from vp_tui.core.store import lifecycle
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.references import read_embeddings
from vp_tui.core.workers.fleet import reaper

ray = pytest.importorskip("ray", reason="the extra ray is not installed: pip install vp-tui[ray]")

from vp_tui.core.workers.fleet import cluster as clusters  # noqa: E402
from vp_tui.core.workers.fleet.actor import KEPT_TOKENS, Order  # noqa: E402
from vp_tui.core.workers.fleet.fleet import compact  # noqa: E402
from vp_tui.core.workers.validate.arms import PlainEncoders  # noqa: E402

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.timeout(600),
    # of Ray itself
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]

FP32 = plain_plan("fp32")
TWO = Devices("cpu", None, 2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from vp_tui.core.workers.demo.checkpoints import make_checkpoint

    folder = tmp_path_factory.mktemp("ray") / "checkpoint"
    make_checkpoint(folder, num_layers=2)
    return resolve(str(folder))


@pytest.fixture(scope="module")
def tokens(model):
    return tokenizing.tokenize(read_spec(model.path), model.path, sequences.read(str(PROTEINS)), None)


@pytest.fixture(scope="module")
def packs(tokens):
    """One sequence each, five times, in the order in which they are handed out."""
    return [np.array([index]) for index in np.repeat(np.argsort(-tokens.lengths_S, kind="stable"), 5)]


@pytest.fixture(scope="module")
def expected_SD(model, tokens, packs):
    """What one device computes."""
    encoder = Encoder(load(model, FP32, torch.device("cpu")), FP32, torch.device("cpu"))
    return encoder.encode(tokens, packs).embeddings_SD


@pytest.fixture
def told():
    return []


@pytest.fixture
def fleet(both_nodes, told):
    with clusters.started(TWO, both_nodes.address, told.append) as made:
        yield made


@pytest.fixture
def order(model):
    return Order(
        arm="reference", source=model, plan=FP32, attention="auto", spare_fp32=False, linear="native",
        encoders=PlainEncoders(),
    )  # fmt: skip


@pytest.fixture
def encoder(fleet, order):
    return fleet.load(order)[1]


def rows_of(encoder, tokens, packs, after=None, event=lambda: None):
    """The embeddings, in blocks of one pack; `event` happens after so many blocks."""
    found = []
    for place, running in enumerate(delayed((encoder.start(tokens, [pack]) for pack in packs), len(packs))):
        if place == after:
            event()
        found.append(running.finish().embeddings_SD)
    return np.concatenate(found)


@pytest.fixture
def assert_rows_until_one_is_lost(fleet, encoder, tokens, packs, expected_SD):
    """Call it with what becomes of a device: the rows are right then and until Ray has noticed."""

    def check(event):
        assert np.array_equal(rows_of(encoder, tokens, packs, 5, event), expected_SD)
        while not fleet.lost:
            assert np.array_equal(rows_of(encoder, tokens, packs), expected_SD)

    return check


def losses(told):
    """What was told, without the devices that are slow: a busy core may really be."""
    return [text for text in told if " is lost" in text]


def test_two_nodes_compute_what_one_device_computes_and_share_the_packs(fleet, encoder, tokens, packs, expected_SD):
    assert np.array_equal(rows_of(encoder, tokens, packs), expected_SD)
    assert sum(row.packs for row in fleet.rows()) == len(packs)
    assert min(row.packs for row in fleet.rows()) > 0
    assert len({row.name for row in fleet.rows()}) == 2


def test_a_killed_actor_costs_the_packs_that_it_held(fleet, assert_rows_until_one_is_lost, told):
    victim = fleet.devices[1]
    assert_rows_until_one_is_lost(lambda: os.kill(victim.about.pid, signal.SIGKILL))
    assert fleet.lost == [victim.name]
    (text,) = losses(told)
    assert text.startswith(f"{victim.name} is lost")


# the killed one last: Ray takes seconds to count it out, and the next test waits for it
@pytest.mark.parametrize("graceful", [True, False], ids=["drained", "killed"])
def test_a_node_that_goes_costs_the_packs_that_it_held(graceful, two_nodes, fleet, assert_rows_until_one_is_lost, told):
    second = next(node for node in two_nodes.list_all_nodes() if not node.is_head())
    assert_rows_until_one_is_lost(lambda: two_nodes.remove_node(second, allow_graceful=graceful))
    (name,) = fleet.lost
    (text,) = losses(told)
    assert text.startswith(f"{name} is lost")


def test_a_pack_that_does_not_fit_says_so_where_its_block_is_waited_for(fleet, encoder, tokens, packs, expected_SD):
    def full(encoder, sequence):
        start = encoder.start

        def refuse(tokens, packs):
            if sequence in packs[0]:
                raise OutOfMemoryError(77, torch.device("cpu"))
            return start(tokens, packs)

        encoder.start = refuse

    for device in fleet.devices:
        ray.get(device.actor.ask.remote("reference", full, (int(packs[0][0]),)))
    started = [encoder.start(tokens, [pack]) for pack in packs[::5]]
    with pytest.raises(OutOfMemoryError) as caught:
        started[0].finish()
    assert caught.value.tokens == 77
    others_SD = np.concatenate([running.finish().embeddings_SD for running in started[1:]])
    assert np.array_equal(others_SD, expected_SD[5::5])


def test_devices_that_agree_are_not_told_of_and_one_that_computes_otherwise_is_told_once(fleet, encoder, tokens, told):
    def err(encoder):
        """Make the last bit of every number wrong."""
        start = encoder.start

        def begin(tokens, packs):
            block = start(tokens, packs).finish()
            wrong_SD = np.nextafter(block.embeddings_SD, np.float32(np.inf))
            return SimpleNamespace(finish=lambda: replace(block, embeddings_SD=wrong_SD))

        encoder.start = begin

    encoder.encode(tokens, [np.array([0]), np.array([1])])
    assert told == []
    ray.get(fleet.devices[1].actor.ask.remote("reference", err, ()))
    encoder.encode(tokens, [np.array([0]), np.array([1])])
    encoder.encode(tokens, [np.array([2])])
    (text,) = told
    assert fleet.devices[0].name in text
    assert fleet.devices[1].name in text
    assert "2 of 2" in text
    assert "1.0000000" in text


def test_token_sets_that_alternate_keep_their_own_sequences(encoder, tokens):
    """More sets than an actor keeps."""
    sets = [replace(tokens, ids_N=np.roll(tokens.ids_N, places)) for places in range(KEPT_TOKENS + 1)]
    pack = np.array([0])
    started = [(which, encoder.start(which, [pack])) for which in sets * 3]
    found = [(which, running.finish().embeddings_SD) for which, running in started]
    for which, rows_SD in found:
        assert np.array_equal(rows_SD, encoder.encode(which, [pack]).embeddings_SD)
    assert len({rows_SD.tobytes() for _, rows_SD in found}) == len(sets)


@pytest.mark.parametrize("last", [32, 4095, 100_000])
def test_token_ids_travel_narrow_and_unchanged(last):
    ids_N = np.arange(last + 1, dtype=np.int32)
    narrow_N = compact(ids_N)
    assert np.array_equal(narrow_N, ids_N)
    assert narrow_N.itemsize == {32: 1, 4095: 2, 100_000: 4}[last]
    assert torch.equal(torch.from_numpy(narrow_N).long(), torch.from_numpy(ids_N).long())


def test_a_machine_with_another_checkpoint_at_the_same_path_is_refused_by_name(fleet, order, monkeypatch):
    """Both machines are this one: what the run's process has is told wrong instead."""
    monkeypatch.setattr("vp_tui.core.workers.fleet.fleet.hash_here", lambda path: "0" * 64)
    with pytest.raises(ModelError) as caught:
        fleet.load(order)
    assert os.uname().nodename in str(caught.value)
    assert str(order.source.path) in str(caught.value)


def test_a_machine_without_the_checkpoint_is_named(fleet, order, tmp_path):
    missing = replace(order, source=replace(order.source, folder=tmp_path / "not-here"))
    with pytest.raises(ModelError) as caught:
        ray.get(fleet.devices[1].actor.load.remote(missing, "0" * 64))
    assert os.uname().nodename in str(caught.value)
    assert str(missing.source.path) in str(caught.value)


def test_without_devices_the_run_ends_with_what_became_of_each(fleet, encoder, tokens, packs):
    for device in fleet.devices:
        os.kill(device.about.pid, signal.SIGKILL)
    with pytest.raises(ResourceError, match="no device is left"):
        rows_of(encoder, tokens, packs)


def test_a_cluster_with_too_few_devices_says_how_many_it_has(two_nodes):
    with (
        pytest.raises(UsageError, match="99 are needed"),
        clusters.started(Devices("cpu", None, 99), two_nodes.address, print),
    ):
        pass


@pytest.fixture
def silent_port():
    """A port where nobody listens."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        yield own.getsockname()[1]


def test_a_program_that_is_not_ray_ends_with_the_same_sentence(monkeypatch):
    monkeypatch.setattr(clusters, "ANSWER_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageError) as caught, clusters.started(TWO, asked, print):
            pass
    assert asked in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "nowhere", "127.0.0.1:x"])
def test_an_address_where_no_cluster_is_ends_with_a_sentence(address, silent_port):
    asked = address.format(port=silent_port)
    with pytest.raises(UsageError) as caught, clusters.started(TWO, asked, print):
        pass
    assert asked in str(caught.value)


def test_a_device_that_does_not_exist_is_named():
    with pytest.raises(UsageError, match="cuda:99"):
        clusters.used(Devices("cuda", (99,), 1))


# -- whole runs, each with a Ray of its own


def ours():
    """Processes of a Ray that a run has started."""
    return [process for process in psutil.process_iter() if _marked(process)]


def _marked(process):
    try:
        return process.environ().get(reaper.MARK, "")
    except (psutil.Error, OSError):
        return ""


def embeddings_of(home, run_id):
    with Reader(home) as reader:
        folder = home.run_folder(reader.run(run_id).uuid)
    return [read_embeddings(folder / f"{arm}.safetensors") for arm in ("reference", "candidate")]


def test_a_run_on_two_devices_equals_the_plain_one_and_leaves_no_process(vp_tui, home, made_checkpoint, poll):
    plain = ("run", "-m", made_checkpoint(), "-i", PROTEINS, "--oracle", 8, "--fp32-compare", "--json")
    one = json.loads(vp_tui(*plain).stdout)
    two = json.loads(vp_tui(*plain, "--devices", "cpu:2", timeout=300).stdout)
    poll(lambda: not ours(), what="the end of Ray's processes")
    assert two["verdict"] == one["verdict"]
    for first_SD, second_SD in zip(embeddings_of(home, 1), embeddings_of(home, 2), strict=True):
        assert np.array_equal(first_SD, second_SD)
    devices = two["measures"]["details"]["devices"]
    assert [row["name"] for row in devices["rows"]] == ["cpu:0", "cpu:1"]
    assert 0 < devices["efficiency"] <= 1
    assert devices["ci95"][0] <= devices["efficiency"] <= devices["ci95"][1]


@pytest.mark.long
def test_a_killed_run_leaves_no_process_of_ray_and_is_resumed_to_the_same_result(vp_tui, home, made_checkpoint, poll):
    plain = ("run", "-m", made_checkpoint(), "-i", PROTEINS, "--no-oracle", "--json")
    vp_tui(*plain)
    vp_tui(*plain, "--fp32-compare", "--devices", "cpu:2", "--detach")
    poll(lambda: lifecycle.registered_worker(home, 2), what="the worker")
    poll(lambda: any("raylet" in process.name() for process in ours()), seconds=200, what="Ray")
    os.kill(lifecycle.registered_worker(home, 2).pid, signal.SIGKILL)
    poll(lambda: not ours(), seconds=120, what="the end of Ray's processes")
    lifecycle.reconcile(home)
    vp_tui("run", "--resume", 2, "--json", timeout=300)
    poll(lambda: not ours(), what="the end of Ray's processes")
    for first_SD, second_SD in zip(embeddings_of(home, 1), embeddings_of(home, 3), strict=True):
        assert np.array_equal(first_SD, second_SD)


@pytest.mark.long
def test_a_stopped_run_leaves_no_process_of_ray(vp_tui, home, made_checkpoint, poll):
    vp_tui("run", "-m", made_checkpoint(), "-i", PROTEINS, "--no-oracle", "--devices", "cpu:2", "--detach")
    poll(lambda: any("raylet" in process.name() for process in ours()), seconds=200, what="Ray")
    vp_tui("stop", 1, timeout=60)
    poll(lambda: not ours(), seconds=60, what="the end of Ray's processes")
    with Reader(home) as reader:
        assert reader.run(1).status == "cancelled"
