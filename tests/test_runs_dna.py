"""Runs of a DNA model end to end: the real command on real reads, its refusals, its embeddings."""

import shutil
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from samples import PROTEINS, READS
from vp_tui.core.config import RunConfig
from vp_tui.core.errors import VpTuiError
from vp_tui.core.runs import launch
from vp_tui.core.store.reader import Reader
from vp_tui.core.workers.demo.dnabert import make_tokenizer
from vp_tui.tui.commands import starting


def test_a_dna_model_validates_real_reads_and_embeds_them_in_virnucpro_s_layout(
    vp_tui, made_dnabert, document, home, tmp_path
):
    found = document(vp_tui("run", "-m", made_dnabert, "-i", READS, "--json"))
    assert (found["status"], found["verdict"]) == ("completed", "PASS")
    assert [found["strata"][name]["n"] for name in ("short", "medium", "long")] == [20, 20, 20]
    assert (found["model"]["kind"], found["dataset"]["alphabet"]) == ("dnabert-s", "dna")
    assert found["dataset"]["cuts"] == [199, 399]
    assert found["arms"]["candidate"]["precision"] == "fp16"
    assert found["strata"]["all"]["cosine_min"] < 1.0, "FP16 that equals FP32 to the last bit was not FP16"
    assert any("not exactly representable" in alert["message"] for alert in found["alerts"])

    output = tmp_path / "out.pt"
    vp_tui("embed", "-m", made_dnabert, "-i", READS, "-o", output)
    assert len(list((home.cache / "tokens").iterdir())) == 1, "run and embed share the stored tokens"
    written = torch.load(output, weights_only=True)
    names = [line[1:].split()[0] for line in READS.read_text().splitlines() if line.startswith(">")]
    assert written["nucleotide"] == names == [record["label"] for record in written["data"]]
    assert type(written["data"][0]["mean_representation"]) is list
    embeddings_SD = np.float32([record["mean_representation"] for record in written["data"]])
    stored_SD = load_file(f"{found['folder']}/reference.safetensors")["embeddings"]
    # other packs, other summation order in the products
    np.testing.assert_allclose(embeddings_SD, stored_SD, rtol=0, atol=1e-5)


def refused(home, model, input):
    """The text of the error that a run with this model and input ends with, before it exists."""
    with pytest.raises(VpTuiError) as caught:
        launch.create_and_start(home, RunConfig(model=str(model), input=str(input), device="cpu"))
    assert caught.value.exit_code == 2
    with Reader(home) as reader:
        assert reader.runs() == ()
    return str(caught.value)


def test_the_wrong_alphabet_is_refused_by_both_models_and_leaves_no_run(home, made_checkpoint, made_dnabert):
    assert "model reads DNA" in refused(home, made_dnabert, PROTEINS)
    assert "model reads proteins" in refused(home, made_checkpoint(), READS)


def test_a_dna_checkpoint_without_its_tokenizer_or_with_another_is_refused_and_leaves_no_run(
    home, made_dnabert, tmp_path
):
    bare = tmp_path / "bare"
    shutil.copytree(made_dnabert, bare)
    (bare / "tokenizer.json").unlink()
    assert "no readable tokenizer.json" in refused(home, bare, READS)
    make_tokenizer(bare / "tokenizer.json", vocab_size=300)
    assert "4096" in refused(home, bare, READS)


@pytest.fixture
def demo_runs(monkeypatch, home):
    """demo_runs(codes) -> what the demo would start, with runs that end with these exit codes."""
    for place in (home.cache / "demo", home.cache / "demo" / "dnabert", home.cache / "demo-overflow"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "sequences.fasta").touch()

    def run(*codes, **options):
        started = []

        def start(home, config):
            started.append(config.name)
            return len(started)

        monkeypatch.setattr(starting.launch, "create_and_start", start)
        monkeypatch.setattr(starting, "follow_own", lambda home, run_id: codes[run_id - 1])
        monkeypatch.setattr(starting, "exit_code", int)
        monkeypatch.setattr(
            starting.output,
            "print_report",
            lambda code, *, as_json: (sys.stderr if as_json else sys.stdout).write(f"report {code}\n"),
        )
        monkeypatch.setattr("vp_tui.tui.commands.output.run_document", lambda code: {"exit_code": code})
        settings = {"fault": None, "gates": "mission", "on_screen": False, "as_json": False} | options
        return starting.run_demo(home, **settings), started

    return run


@pytest.mark.parametrize(("codes", "worse"), [((0, 0), 0), ((4, 0), 4), ((0, 4), 4), ((4, 7), 7), ((7, 0), 7)])
def test_the_demo_s_exit_code_is_the_worse_of_both_runs(demo_runs, codes, worse):
    assert demo_runs(*codes) == (worse, ["demo", "demo-dnabert"])


def test_the_demo_prints_both_documents_as_one_array_and_with_a_fault_its_one_run(demo_runs, capsys):
    demo_runs(0, 4, as_json=True)
    out, err = capsys.readouterr()
    assert out.split() == ["[", "{", '"exit_code":', "0", "},", "{", '"exit_code":', "4", "}", "]"]
    assert err == "report 0\nreport 4\n"
    assert demo_runs(4, fault="overflow", as_json=True) == (4, ["demo-overflow"])
    assert capsys.readouterr().out.split() == ["{", '"exit_code":', "4", "}"]
