"""`vp-tui tiers` on the demo's checkpoint: real runs of every format a CPU has, and of emulated ones."""

import json
from argparse import Namespace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from vp_tui.core.events import ARMS
from vp_tui.core.store.checksum import EMBEDDINGS
from vp_tui.core.store.reader import Reader
from vp_tui.core.workers.virnucpro import run_labels

FORMATS = ["fp16", "bf16", "emulated fp8-ffn", "emulated fp8", "emulated int8"]


def test_every_format_is_a_run_and_a_second_call_runs_nothing_but_counts_labels(
    vp_tui, home, made_checkpoint, short_proteins, tmp_path, monkeypatch
):
    figure = tmp_path / "tiers.svg"
    asked = ("tiers", "-m", made_checkpoint(), "-i", short_proteins, "--sample", 12, "--oracle", 0)
    document = json.loads(vp_tui(*asked, "--json", "--output", figure).stdout)
    found = {one["name"]: one for one in document["tiers"]}
    assert list(found) == ["fp32", *FORMATS]
    assert [found[name]["role"] for name in FORMATS] == ["real", "real", "emulated", "emulated", "emulated"]
    # fewer bits, more error; FP8 in the feed-forward only errs less than everywhere
    gaps = [1 - found[name]["cosine_min"] for name in FORMATS]
    assert gaps[0] < gaps[1] < gaps[2] < gaps[3]
    assert gaps[4] < gaps[3]
    assert all(found[name]["tokens_per_s"] is None for name in FORMATS[2:])
    assert document["fastest"] in {"fp32", "fp16", "bf16"}
    with Reader(home) as reader:
        runs = reader.history("")
        assert [run.precision for run in reversed(runs)] == FORMATS
        assert not reader.snapshot(runs[-1].id).arms["reference"]["cached"]
        assert all(reader.snapshot(run.id).arms["reference"]["cached"] for run in runs[:-1])
        emulated = reader.snapshot(runs[0].id)
    assert emulated.run.sentence.count("emulated int8") == 1
    assert emulated.speedup["verdict"] == "NOT JUDGED"
    assert emulated.speedup["tokens_per_s"] is None
    assert ElementTree.fromstring(figure.read_text()).tag.endswith("svg")
    assert document["classifier"] is None
    rows = {run.precision: embeddings(home, run) for run in runs}
    classifier, axis, at = between(*rows["emulated fp8"])
    torch.save(classifier, tmp_path / "mine.pth")
    page = tmp_path / "tiers.html"
    again = json.loads(vp_tui(*asked, "--json", "--classifier", tmp_path / "mine.pth", "--output", page).stdout)
    with Reader(home) as reader:
        assert len(reader.history("")) == len(FORMATS)
    labels = {one["name"]: (one.pop("classifier_flips"), one.pop("classified")) for one in again["tiers"]}
    flips = {name: int(((x[:, axis] > at) != (y[:, axis] > at)).sum()) for name, (x, y) in rows.items()}
    assert labels == {"fp32": (None, None), **{name: (flips[name], 12) for name in FORMATS}}
    assert labels["emulated fp8"][0] > 0
    assert again["classifier"]["path"].endswith("mine.pth")
    assert [one | {"classifier_flips": None, "classified": None} for one in again["tiers"]] == document["tiers"]
    assert f"{flips['emulated fp8']} of 12" in page.read_text()
    # a run without its files has a reason
    broken, whole = runs[0], runs[1]
    (home.run_folder(broken.uuid) / "candidate.safetensors").unlink()
    monkeypatch.setenv("VP_TUI_HOME", str(home.root))
    found = run_labels.main(Namespace(classifier=tmp_path / "mine.pth", runs=[broken.id, whole.id]))["runs"]
    assert (found[str(broken.id)]["flips"], found[str(whole.id)]["n"]) == (None, 12)
    assert str(home.run_folder(broken.uuid)) in found[str(broken.id)]["reason"]


def embeddings(home, run):
    """Reference and candidate of a run."""
    return [load_file(home.run_folder(run.uuid) / f"{arm}.safetensors")[EMBEDDINGS] for arm in ARMS]


def between(reference_SD, candidate_SD):
    """A classifier of the form of VirNucPro's, whose label is the side of `at` on one axis; with that axis and `at`.

    `at` lies between the two embeddings of a sequence, on the axis where they differ most.
    """
    row, axis = np.unravel_index(np.abs(reference_SD - candidate_SD).argmax(), reference_SD.shape)
    at = float(reference_SD[row, axis] + candidate_SD[row, axis]) / 2
    weight = torch.zeros(2, reference_SD.shape[1])
    weight[0, axis], weight[1, axis] = -1.0, 1.0
    one, zero = torch.ones(2), torch.zeros(2)
    made = {
        "hidden_layer.weight": weight, "hidden_layer.bias": torch.tensor([at, -at]), "bn1.weight": one,
        "bn1.bias": zero, "bn1.running_mean": zero, "bn1.running_var": one, "output_layer.weight": torch.eye(2),
        "output_layer.bias": zero,
    }  # fmt: skip
    return made, axis, at


def test_a_classifier_of_another_width_is_refused_before_a_run(vp_tui, home, made_checkpoint, short_proteins, tmp_path):
    classifier, _, _ = between(np.zeros((1, 3328), np.float32), np.ones((1, 3328), np.float32))
    torch.save(classifier, tmp_path / "500_model.pth")
    done = vp_tui(
        "tiers", "-m", made_checkpoint(), "-i", short_proteins, "--classifier", tmp_path / "500_model.pth", check=2
    )
    assert "3328" in done.stderr
    assert "vp-tui virnucpro" in done.stderr
    with Reader(home) as reader:
        assert not reader.history("")


@pytest.mark.parametrize(
    ("options", "named"),
    [(("--format", "fp4"), "fp4"), (("--output", "x.pdf"), "x.pdf")],
)
def test_an_unknown_format_or_file_is_refused_before_a_run(
    vp_tui, home, made_checkpoint, short_proteins, options, named
):
    done = vp_tui("tiers", "-m", made_checkpoint(), "-i", short_proteins, *options, check=2)
    assert named in done.stderr
    with Reader(home) as reader:
        assert not reader.history("")


def test_fp8_on_a_cpu_is_a_row_with_the_reason_and_the_next_step(vp_tui, made_checkpoint, short_proteins):
    done = vp_tui(
        "tiers", "-m", made_checkpoint(), "-i", short_proteins, "--device", "cpu", "--format", "fp8", check=None
    )
    assert done.returncode != 0
    assert "--emulate fp8" in done.stdout
