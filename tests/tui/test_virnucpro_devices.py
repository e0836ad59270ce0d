"""`vp-tui virnucpro` on several devices: two models after each other, one device lost, the same numbers."""

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import numpy as np
import psutil
import pytest
from command_line import CLI
from virnucpro_parts import make_pair

from vp_tui.core.store import device_rows
from vp_tui.core.store.references import read_embeddings
from vp_tui.core.workers.fleet import reaper

pytest.importorskip("ray", reason="the extra ray is not installed: pip install vp-tui[ray]")

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]

MODELS = ("esm", "dnabert")
CODONS = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT" if a + b + c not in {"TAA", "TAG", "TGA"}]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    place = tmp_path_factory.mktemp("pair")
    make_pair(place)
    return place


@pytest.fixture
def contigs(tmp_path):
    """300 contigs without a stop codon in F1: enough packed batches that a device is lost among them."""
    chosen = random.Random(1)
    path = tmp_path / "contigs.fna"
    bases = ("".join(chosen.choices(CODONS, k=chosen.randint(20, 160))) for _ in range(300))
    path.write_text("".join(f">c{place}\n{one}\n" for place, one in enumerate(bases)))
    return path


def command(pair, source, *more):
    models = ("--esm", pair / "esm", "--dnabert", pair / "dnabert", "--classifier", pair / "500_model.pth")
    return ("virnucpro", "-i", source, *models, "--json", *more)


def embeddings_of(document):
    return {
        (model, arm): read_embeddings(Path(document["runs"][model]["folder"]) / f"{arm}.safetensors")
        for model in MODELS
        for arm in ("reference", "candidate")
    }


def actors(home):
    """Processes of devices that runs of `home` have started -> the folder of their Ray."""
    found = {}
    for process in psutil.process_iter():
        try:
            if "ray::DeviceActor" in "".join(process.cmdline()[:1]):
                environment = process.environ()
                if environment.get("VP_TUI_HOME") == str(home.root):
                    found[process.pid] = environment[reaper.MARK]
        except (psutil.Error, OSError):
            continue
    return found


def lose_one(home, there):
    """Kill one of the actors `there` once a packed batch is encoded; return True when that is done."""
    if not any(row.packs for path in home.root.glob("**/devices.json") for row in device_rows.read(path.parent)):
        return False
    os.kill(min(there), signal.SIGKILL)
    return True


def test_both_models_on_two_devices_equal_the_plain_runs_though_the_first_loses_one(
    vp_tui, home, pair, contigs, poll, document, tmp_path
):
    plain = document(vp_tui(*command(pair, contigs, "--device", "cpu")))
    several = [*CLI, *map(str, command(pair, contigs, "--devices", "cpu:2"))]
    at_once, killed = set(), []
    output = tmp_path / "virnucpro.json"
    with output.open("wb") as stdout, subprocess.Popen(several, stdout=stdout, stderr=subprocess.DEVNULL) as process:

        def is_over():
            there = actors(home)
            at_once.add(frozenset(there.values()))
            if there and not killed and lose_one(home, there):
                killed.append(True)
            return process.poll() is not None

        poll(is_over, seconds=400, what="the end of both runs")
    found = json.loads(output.read_text())
    assert (process.returncode, found["verdict"]) == (0, plain["verdict"])
    assert found["agreement"]["labels"] == plain["agreement"]["labels"]
    expected = embeddings_of(plain)
    for key, rows_SD in embeddings_of(found).items():
        assert np.array_equal(rows_SD, expected[key]), key

    assert sorted(map(len, at_once))[-1] == 1, "a model has started before the devices of the other had ended"
    assert len(frozenset().union(*at_once)) == 2
    runs = sorted(found["runs"].values(), key=lambda run: run["started_at"])
    rows = [run["measures"]["details"]["devices"]["rows"] for run in runs]
    lost = [[row["name"] for row in each if row["state"].startswith("lost")] for each in rows]
    assert list(map(len, rows)) == [2, 2]
    assert list(map(len, lost)) == [1, 0], "the second model has both devices again"
    told = [
        [one["message"].partition(" is lost")[0] for one in run["alerts"] if " is lost" in one["message"]]
        for run in runs
    ]
    assert told == lost
    assert not any(run["arms"]["reference"]["cached"] for run in runs)
    assert found["labels_run"]["status"] == "completed"
