"""`vp-tui virnucpro`: the whole way with a tiny pair of models, and every way to be refused before it begins."""

import importlib.util
import json
import math

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from virnucpro_parts import make_pair, state_dict

from samples import CONTIGS, PROTEINS
from vp_tui.core.config import PredictionColumns
from vp_tui.core.errors import InputError, ModelError
from vp_tui.core.inputs.predictions import read_predictions
from vp_tui.core.report.virnucpro import notes_of, worst_exit_code
from vp_tui.core.runs.devices import INSTALL
from vp_tui.core.store.reader import Reader
from vp_tui.core.workers.virnucpro.agreement import compare_labels
from vp_tui.core.workers.virnucpro.classifier import Classifier
from vp_tui.core.workers.virnucpro.frames import FrameRow, read_contigs, read_table, write_frames
from vp_tui.core.workers.virnucpro.pipeline import examine
from vp_tui.core.workers.virnucpro.results import RunResult
from vp_tui.core.workers.virnucpro.second_model import of_two_models, structure_of
from vp_tui.tui.commands import virnucpro as virnucpro_command
from vp_tui.tui.commands.virnucpro_text import agreement_report

pytestmark = pytest.mark.xdist_group("virnucpro")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Folders of a tiny ESM-2 and a tiny DNABERT-S, and a classifier that fits both."""
    place = tmp_path_factory.mktemp("pair")
    make_pair(place)
    return place


def command(pair, *more, source=CONTIGS):
    return ("virnucpro", "-i", source, "--esm", pair / "esm", "--dnabert", pair / "dnabert", "--device", "cpu", *more)


# ---- the whole way


def test_contigs_go_through_both_models_in_both_precisions_to_labels(vp_tui, home, pair, document):
    """The labels are recomputed from the runs' files with the formula."""
    done = vp_tui(*command(pair, "--classifier", pair / "500_model.pth", "--json"))
    found = document(done)
    assert (found["contigs"], found["chunks"], found["frames"]) == (12, 28, 28)
    assert set(found["runs"]) == {"esm", "dnabert"}
    for run in found["runs"].values():
        assert (run["status"], run["verdict"], run["strata"]["all"]["n"]) == ("completed", "PASS", 28)
        assert run["arms"]["candidate"]["precision"] == "fp16"
    tags = {run["tags"]["virnucpro"] for run in found["runs"].values()}
    assert len(tags) == 1

    labels = found["agreement"]["labels"]
    expected = {arm: scores_by_hand(found["runs"], arm) for arm in ("reference", "candidate")}
    assert labels["n"] == 28
    assert labels["virus_reference"] == int((expected["reference"] > 0.5).sum())
    shift_S = np.abs(expected["candidate"] - expected["reference"])
    assert labels["shift_max"] == pytest.approx(shift_S.max(), rel=0.05, abs=2e-7)
    assert 0 < labels["shift_max"] < 1e-2
    flips = (expected["reference"] > 0.5) != (expected["candidate"] > 0.5)
    assert labels["agreed"] == 28 - flips.sum()
    assert found["agreement"]["consensus"]["contigs"]["n"] == 9
    assert sum(entry["n"] for entry in found["agreement"]["per_frame"].values()) == 28
    assert sum(entry["frames"] for entry in found["agreement"]["per_contig"].values()) == 28
    lowest = min(entry["esm"] for entry in found["agreement"]["per_contig"].values())
    assert lowest == found["runs"]["esm"]["strata"]["all"]["cosine_min"]
    stored = found["labels_run"]
    assert (stored["status"], stored["verdict"]) == ("completed", found["verdict"])
    kept = stored["measures"]["details"]["labels"]
    assert (kept["n"], kept["agreed"], kept["shift_max"]) == (28, labels["agreed"], labels["shift_max"])
    assert any("3 contigs have no frame" in note for note in found["notes"])
    for words in ("same label", "consensus", "labels PASS, esm PASS, dnabert PASS"):
        assert words in done.stderr
    with Reader(home) as reader:
        assert all("virnucpro" in run.tags for run in reader.runs())


def scores_by_hand(runs, arm):
    """Probability of virus per frame; both FASTA files have the frames in one order, so rows go together here."""
    parts = [load_file(f"{runs[model]['folder']}/{arm}.safetensors")["embeddings"] for model in ("dnabert", "esm")]
    x_SD = np.concatenate(parts, axis=1).astype(np.float64)
    tensors = {name: tensor.double().numpy() for name, tensor in state_dict(x_SD.shape[1]).items()}
    h = np.maximum(x_SD @ tensors["hidden_layer.weight"].T / math.sqrt(1 + 1e-5), 0)
    z = h @ tensors["output_layer.weight"].T
    return 1 / (1 + np.exp(z[:, 0] - z[:, 1]))


# ---- merging and judging, without runs


def result(ids, width, *, broken=None, value=None, reverse=False):
    """Embeddings that spell their id; `broken` is the id whose candidate holds `value`."""
    ids = list(reversed(ids)) if reverse else list(ids)
    spelled_SD = np.array([np.sin(np.arange(width) * (1 + sum(name.encode()))) for name in ids], np.float32)
    candidate_SD = spelled_SD.copy()
    if broken is not None:
        candidate_SD[ids.index(broken)] = value
    cosine_S = np.array([math.nan if name == broken else 1.0 for name in ids])
    return RunResult(ids=tuple(ids), cosine_S=cosine_S, embeddings={"reference": spelled_SD, "candidate": candidate_SD})


FRAMES = [FrameRow(f"c{n}_chunk_1{name}", f"c{n}", 1, name) for n in range(20) for name in ("F1", "R2")]
IDS = [frame.id for frame in FRAMES]


def test_the_order_of_the_rows_changes_no_number():
    """ESM-2 sorted by length and DNABERT-S in input order is what VirNucPro really has."""
    classifier = Classifier(state_dict(12))
    straight = examine(result(IDS, 4), result(IDS, 8), FRAMES, classifier)
    mixed = examine(result(IDS, 4), result(IDS, 8, reverse=True), FRAMES, classifier)
    assert 0 < straight["labels"]["virus_reference"] < len(IDS)
    assert mixed == straight
    assert straight["labels"]["agreed"] == len(IDS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("model", ["dnabert", "esm"])
def test_a_broken_embedding_never_agrees_and_fails(model, value):
    """With weights above zero, -Inf would leave the ReLU as zeros, which have a label."""
    tensors = state_dict(12)
    tensors["hidden_layer.weight"].abs_()
    widths = {"dnabert": 4, "esm": 8}
    runs = {
        name: result(IDS, width, **({"broken": "c3_chunk_1R2", "value": value} if name == model else {}))
        for name, width in widths.items()
    }
    found = examine(runs["dnabert"], runs["esm"], FRAMES, Classifier(tensors))
    assert found["labels"]["unlabelled_candidate"] == 1
    assert found["labels"]["agreed"] == len(IDS) - 1
    assert found["consensus"]["contigs"]["changed"] == ["c3"]
    assert found["per_contig"]["c3"]["virus_candidate"] is None
    assert found["verdict"] == "FAIL"
    assert found["per_frame"]["R2"][model]["without_cosine"] == 1


def test_frames_of_one_run_only_are_dropped_from_both_and_told():
    found = examine(result(IDS[2:], 4), result(IDS[:-1], 8), FRAMES, Classifier(state_dict(12)))
    whole = examine(result(IDS, 4), result(IDS, 8), FRAMES, Classifier(state_dict(12)))
    assert found["merged"] == {"frames": len(IDS) - 3, "only_esm": 2, "only_dnabert": 1}
    assert found["labels"]["agreed"] == len(IDS) - 3
    for name in ("c1", "c7", "c18"):
        assert found["per_contig"][name] == whole["per_contig"][name]
    assert any(note.startswith(f"{3 + found['missing']} frames ") for note in notes_of({}, {}, found))


def test_flips_are_told_with_their_distance_and_the_text_names_them():
    esm = result(IDS, 8)
    esm.embeddings["candidate"][:] = -esm.embeddings["candidate"]
    found = examine(result(IDS, 4), esm, FRAMES, Classifier(state_dict(12)))
    assert found["verdict"] == "FAIL"
    flip = found["labels"]["flips"][0]
    assert flip["distance"] == max(abs(flip["reference"] - 0.5), abs(flip["candidate"] - 0.5))
    told = agreement_report(
        {"input": "x.fna", "contigs": 20, "chunks": 20, "chunk": 500, "frames": 40, "notes": [], "verdict": "FAIL",
         "runs": {"esm": {"verdict": "PASS", "status": "completed"}}, "agreement": json.loads(json.dumps(found))}
    )  # fmt: skip
    assert flip["id"] in told
    assert "! D1" in told
    assert max(map(len, told.splitlines())) <= 120


def test_without_a_classifier_there_is_similarity_and_no_label_and_the_report_says_so():
    found = examine(result(IDS, 4), result(IDS, 8), FRAMES, None)
    assert found["labels"] is found["consensus"] is found["verdict"] is None
    assert found["findings"] == []
    assert found["per_contig"]["c0"] == {"frames": 2, "esm": 1.0, "dnabert": 1.0}
    notes = notes_of({}, {}, found)
    told = agreement_report(
        {"input": "x.fna", "contigs": 20, "chunks": 20, "chunk": 500, "frames": 40, "notes": notes, "verdict": None,
         "runs": {"esm": {"verdict": "PASS", "status": "completed"}}, "agreement": found}
    )  # fmt: skip
    assert "--classifier" in told
    assert "labels not judged, esm PASS" in told
    assert worst_exit_code({"esm": 0, "dnabert": 0}, found) == 0


def test_each_model_may_have_its_precision_and_ctrl_c_stops_all_runs(home, pair, monkeypatch):
    from vp_tui.tui.commands import virnucpro

    def interrupted(*_):
        raise KeyboardInterrupt

    started, stopped = [], []
    monkeypatch.setattr(
        virnucpro.launch, "create_and_start", lambda _, config: started.append(config) or 10 + len(started)
    )
    monkeypatch.setattr(virnucpro.launch, "stop", lambda _, run_id: stopped.append(run_id))
    monkeypatch.setattr(virnucpro, "follow", interrupted)
    options = {
        "input": str(CONTIGS), "chunk": 500, "esm": str(pair / "esm"), "dnabert": str(pair / "dnabert"),
        "classifier": "", "precision": "fp16", "device": "cpu", "sample": 0, "seed": 0, "esm_precision": "",
        "dnabert_precision": "bf16", "candidate_esm": str(pair / "esm"), "candidate_classifier": "", "truth": "",
        "attention": "sdpa", "gates": "strict", "thresholds": "", "devices": "", "ray": "",
    }  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        virnucpro.run_virnucpro(home, options, as_json=False)
    assert stopped == [11, 12, 13]
    assert [(config.precision, config.gates, config.attention) for config in started] == [
        ("fp16", "strict", "sdpa"), ("bf16", "strict", "sdpa"), ("fp16", "strict", "sdpa"),
    ]  # fmt: skip


def test_a_second_model_of_another_width_is_judged_by_structure_and_labels_with_its_own_classifier(tmp_path):
    first, second = result(IDS, 8), result(IDS, 6, reverse=True)
    esm = of_two_models(first, second)
    assert esm.ids == first.ids
    assert (esm.embeddings["candidate"] == second.embeddings["candidate"][::-1]).all()
    classifier, other = Classifier(state_dict(12)), Classifier(state_dict(10))
    found = examine(result(IDS, 4), esm, FRAMES, classifier, candidate_classifier=other, tables=tmp_path)
    assert found["classifier"]["input_width"] == 12
    assert found["candidate_classifier"]["input_width"] == 10
    assert found["per_frame"]["F1"]["esm"]["cosine_min"] is None
    assert found["per_frame"]["F1"]["dnabert"]["cosine_min"] == 1.0
    assert 0 < found["labels"]["agreed"] < len(IDS)
    tables = [read_predictions(tmp_path / f"{arm}.tsv", PredictionColumns()) for arm in ("reference", "candidate")]
    again = compare_labels(IDS, *(table.scores_S2 for table in tables))
    assert (again.agreed, again.shift_max) == (found["labels"]["agreed"], found["labels"]["shift_max"])
    with pytest.raises(ModelError):
        examine(result(IDS, 4), esm, FRAMES, classifier)


def test_the_structure_of_two_models_is_told_with_their_widths_and_without_a_limit():
    found = structure_of(of_two_models(result(IDS, 8), result(IDS, 6)))
    assert found["widths"] == [8, 6]
    assert 0 < found["S1"]["overlap"] < 1
    assert 0 < found["S2"]["cka"] < 1
    document = examine(result(IDS, 4), result(IDS, 8), FRAMES, None) | {"structure": found}
    assert any("S1, S2" in note for note in notes_of({}, {}, document))


def test_runs_of_other_sequences_are_refused():
    with pytest.raises(InputError, match="not in the table"):
        examine(result(["x"], 4), result(["x"], 8), FRAMES, None)


@pytest.mark.parametrize(
    ("codes", "verdict", "expected"),
    [
        ((0, 0), "PASS", 0),
        ((0, 0), "WARN", 0),
        ((0, 0), "FAIL", 4),
        ((4, 0), "PASS", 4),
        ((4, 7), None, 7),
        ((0, 130), None, 130),
        ((2, 4), None, 2),
    ],
)
def test_the_exit_code_is_the_worst_of_runs_and_labels(codes, verdict, expected):
    found = None if verdict is None else {"verdict": verdict}
    assert worst_exit_code(dict(zip(("esm", "dnabert"), codes, strict=True)), found) == expected


# ---- files of frames


def test_frames_are_written_once_per_content_in_one_order_for_both_models(home):
    contigs = read_contigs(str(CONTIGS), sample=0, seed=0)
    files = write_frames(home, contigs, 500)
    names = [
        [line[1:] for line in path.read_text().splitlines() if line.startswith(">")]
        for path in (files.proteins, files.nucleotides)
    ]
    assert names[0] == names[1] == [row.id for row in read_table(files.table)]
    before = files.proteins.stat().st_mtime_ns
    assert write_frames(home, contigs, 500) == files
    assert files.proteins.stat().st_mtime_ns == before
    assert write_frames(home, contigs, 300).folder != files.folder


def test_a_sample_of_contigs_is_seeded_and_in_input_order():
    one, same, other = (read_contigs(str(CONTIGS), sample=5, seed=seed) for seed in (0, 0, 1))
    everything = read_contigs(str(CONTIGS), sample=0, seed=0).ids
    assert one == same
    assert one != other
    assert [name for name in everything if name in one.ids] == list(one.ids)


# ---- refusals


def test_proteins_are_refused_and_leave_no_run(call, home, pair):
    code, _, err = call(*command(pair, source=PROTEINS))
    assert code == 2
    assert "proteins" in err
    with Reader(home) as reader:
        assert reader.runs() == ()


@pytest.mark.parametrize(
    "lacking", [("--truth", "labels.tsv"), ("--candidate-classifier", "b.pth", "--classifier", "a.pth")]
)
def test_an_option_without_the_one_it_needs_is_refused_before_anything_is_read(call, pair, lacking):
    code, _, err = call(*command(pair, *lacking))
    assert code == 2
    assert "give both" in err


def test_a_truth_that_knows_no_frame_is_refused_and_one_of_contigs_is_taken(home, tmp_path):
    files = write_frames(home, read_contigs(str(CONTIGS), sample=0, seed=0), 500)
    (tmp_path / "labels.tsv").write_text("id\tlabel\nunknown\tvirus\n")
    with pytest.raises(InputError, match="no label for any of the 28 frames"):
        virnucpro_command.require_truth(str(tmp_path / "labels.tsv"), files)
    contig = read_table(files.table)[0].contig
    (tmp_path / "labels.tsv").write_text(f"id\tlabel\n{contig}\tvirus\n")
    virnucpro_command.require_truth(str(tmp_path / "labels.tsv"), files)


def test_contigs_without_any_frame_are_refused(call, pair, tmp_path):
    path = tmp_path / "stops.fna"
    path.write_text(">a\nTTAATTAATTAATTAATTAA\n>b\nAC\n")
    code, _, err = call(*command(pair, source=path))
    assert code == 2
    assert "none of the 2 contigs" in err


def test_swapped_models_are_refused_before_any_run(call, home, pair):
    code, _, err = call("virnucpro", "-i", CONTIGS, "--esm", pair / "dnabert", "--dnabert", pair / "esm")
    assert code == 2
    assert f"--esm {pair / 'dnabert'}" in " ".join(err.split())
    with Reader(home) as reader:
        assert reader.runs() == ()


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--devices", "0,0"), "named twice"),
        (("--devices", "cpu:2,0"), "one kind"),
        (("--devices", "cpu:2", "--device", "cpu"), "omit --device"),
        (("--devices", "0,1", "--ray", "auto"), "Ray chooses"),
        (("--devices", "cpu:2"), INSTALL),
        (("--ray", "auto"), INSTALL),
    ],
)
def test_devices_are_refused_as_by_run_and_leave_no_run(call, home, pair, monkeypatch, more, named):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find(name))
    models = ("--esm", pair / "esm", "--dnabert", pair / "dnabert")
    code, out, err = call("virnucpro", "-i", CONTIGS, *models, *more)
    assert (code, out) == (2, "")
    assert named in err
    with Reader(home) as reader:
        assert reader.runs() == ()


@pytest.mark.parametrize("name", ["300_model.pth", "model-300bp.pth"])
def test_the_classifier_of_the_other_chunk_length_is_refused(call, pair, tmp_path, name):
    (tmp_path / name).write_bytes((pair / "500_model.pth").read_bytes())
    code, _, err = call(*command(pair, "--classifier", tmp_path / name))
    assert code == 2
    assert "chunks of 300 bases" in err
    assert "--chunk is 500" in err


def test_a_classifier_for_other_widths_is_refused_with_both_numbers_before_any_run(call, home, pair, tmp_path):
    torch.save(state_dict(3328), tmp_path / "full.pth")
    code, _, err = call(*command(pair, "--classifier", tmp_path / "full.pth"))
    assert code == 2
    assert "3328" in err
    assert "64 + 128" in err
    with Reader(home) as reader:
        assert reader.runs() == ()


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_hostile_classifier_is_refused_by_name_and_runs_nothing(call, pair, tmp_path):
    torch.save({**state_dict(192), "more": Payload(tmp_path / "ran")}, tmp_path / "evil.pth")
    code, out, err = call(*command(pair, "--classifier", tmp_path / "evil.pth"))
    assert (code, out) == (2, "")
    assert "open" in err
    assert "Traceback" not in err
    assert not (tmp_path / "ran").exists()
