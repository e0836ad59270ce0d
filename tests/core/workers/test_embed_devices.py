"""`embed` on several devices leaves what one device leaves, also when a device or the job itself is killed."""

import os
import signal
from contextlib import contextmanager
from dataclasses import replace

import killed_embeds
import pytest

from samples import PROTEINS
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.shards import manifest
from vp_tui.core.shards.folder import Folder
from vp_tui.core.workers.__main__ import main

pytest.importorskip("ray", reason="the extra ray is not installed: pip install vp-tui[ray]")

from vp_tui.core.workers.fleet import cluster as clusters
from vp_tui.core.workers.fleet.encoder import FleetEncoder
from vp_tui.core.workers.fleet.fleet import Fleet

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.timeout(600),
    # of Ray itself
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]

FOLDER = {"shard": "1/1", "format": "parquet", "store": "fp32", "per-file": "4"}


@pytest.fixture
def embed(made_checkpoint, home):
    """embed(output, *words, **options of folders) -> the output; in this process."""
    assert home

    def call(output, *words, **options):
        named = {
            "model": made_checkpoint(), "input": PROTEINS, "output": output, "precision": "fp32", "device": "auto",
            "attention": "auto", "token-budget": "2048",
        } | options  # fmt: skip
        given = [str(word) for name, value in named.items() for word in (f"--{name}", value)]
        assert main(["embed-folder", *given, *words]) == 0
        return output

    return call


@pytest.fixture
def packs(monkeypatch, made_checkpoint):
    """Sequences of every packed batch that was queued, on one device or on several."""
    # making it encodes, too
    made_checkpoint()
    seen = []
    for encoder in (Encoder, FleetEncoder):

        def start(self, tokens, packs, real=encoder.start):
            seen.extend(pack.tolist() for pack in packs)
            return real(self, tokens, packs)

        monkeypatch.setattr(encoder, "start", start)
    return seen


@pytest.fixture
def on_two(both_nodes):
    """Words of a command that embeds on both nodes of the cluster."""
    return ("--devices", "cpu:2", "--ray", both_nodes.address)


@pytest.fixture
def fleets(monkeypatch):
    """The devices of every job of this process."""
    made, real = [], clusters.started

    @contextmanager
    def started(*arguments):
        with real(*arguments) as fleet:
            made.append(fleet)
            yield fleet

    monkeypatch.setattr(clusters, "started", started)
    return made


def parts_of(folder):
    return {name: data for name, data in killed_embeds.files_of(folder).items() if name.startswith("part-")}


def without_environments(folder):
    """The manifest without what it says of devices and versions."""
    return replace(manifest.read(folder), environments=()).document()


@pytest.mark.long
def test_a_file_of_two_devices_has_the_bytes_of_one(vp_tui, made_checkpoint, tmp_path):
    made = []
    for name, words in (("one.npz", ()), ("two.npz", ("--devices", "cpu:2"))):
        vp_tui(
            *("embed", "-m", made_checkpoint(), "-i", PROTEINS, "-o", tmp_path / name, "--precision", "fp32"),
            *("--token-budget", 2048, *words), timeout=300,
        )  # fmt: skip
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_a_device_that_is_killed_costs_no_byte_of_the_folder_and_is_recorded(
    embed, on_two, fleets, packs, short_proteins, tmp_path, monkeypatch, capfd
):
    options = FOLDER | {"input": short_proteins, "token-budget": "300"}
    plain = embed(tmp_path / "plain", **options)
    packs_of_one = packs.copy()
    packs.clear()
    real, killed, compared = Folder.add, [], []
    on_every = Fleet.on_every

    def compare(self, arm, shared, packs):
        found = on_every(self, arm, shared, packs)
        compared.append([blocks[0].sequences for blocks in found])
        return found

    monkeypatch.setattr(Fleet, "on_every", compare)

    def add(self, file, write):
        if not killed:
            killed.append(fleets[0].devices[1])
            os.kill(killed[0].about.pid, signal.SIGKILL)
        return real(self, file, write)

    monkeypatch.setattr(Folder, "add", add)
    out = embed(tmp_path / "out", *on_two, **options)
    assert packs == packs_of_one
    assert max(map(len, packs)) > 1
    assert len(parts_of(out)) == 8
    assert parts_of(out) == parts_of(plain)
    assert without_environments(out) == without_environments(plain)
    (environment,) = manifest.read(out).environments
    assert (environment["devices"], environment["lost_devices"]) == (2, killed[0].name)
    told = capfd.readouterr().err
    assert f"{killed[0].name} is lost" in told
    assert "compute different embeddings" not in told
    # in the first window alone
    assert compared == [[1, 1]]


@pytest.mark.long
def test_a_killed_job_on_two_devices_continues_on_two_to_the_same_bytes(embed, on_two, made_checkpoint, tmp_path, poll):
    options = FOLDER | {"format": "hdf5", "store": "fp16", "per-file": "1"}
    plain, out = embed(tmp_path / "plain", **options), tmp_path / "out"
    words = options | {"per_file": options["per-file"], "device": "auto", "devices": "cpu:2"}
    job = killed_embeds.start(made_checkpoint(), PROTEINS, out, **words)
    poll(lambda: job.poll() is not None or len(list(manifest.progress(out))) >= 3, seconds=300, what="a third file")
    killed_embeds.kill(job)
    assert not manifest.read(out).is_complete
    embed(out, *on_two, "--resume", **options)
    assert len(parts_of(out)) == 40
    assert parts_of(out) == parts_of(plain)
    assert without_environments(out) == without_environments(plain)
