"""Emulated formats: real runs say so everywhere, are never judged by speed, and decide nothing for production."""

import json

import numpy as np
import pytest
from command_line import document_of

EMULATED = "emulated fp8-ffn"


@pytest.fixture
def asked(made_checkpoint, short_proteins):
    return ("-m", made_checkpoint(), "-i", short_proteins)


def test_a_run_says_emulated_in_every_place_and_its_speed_is_not_judged(vp_tui, asked):
    done = vp_tui("run", *asked, "--emulate", "fp8-ffn", "--sample", 12, "--oracle", 8, "--json", check=None)
    document = document_of(done)
    assert document["precision"] == document["arms"]["candidate"]["precision"] == EMULATED
    assert EMULATED in document["sentence"]
    assert document["speedup"]["verdict"] == "NOT JUDGED"
    numbers = [document["speedup"][name] for name in ("tokens_per_s", "end_to_end", "ci95")]
    assert numbers == [document["tokens_per_s_speedup"], document["end_to_end_speedup"], None] == [None, None, None]
    assert {one["speedup"] for one in document["strata"].values()} == {None}
    # a sound engine errs as its twin does, whatever the format is
    assert 0.8 < document["measures"]["R4"]["all"]["output_ratio"] < 1.2
    shown = vp_tui("show", document["id"], check=None).stdout
    assert shown.count(EMULATED) >= 2
    assert EMULATED in vp_tui("runs").stdout
    policy = json.loads(vp_tui("policy", "-m", asked[1], "--json", check=None).stdout)
    assert (policy["precision"], policy["run"]) == ("fp32", None)


def test_embeddings_of_an_emulated_format_are_its_own_and_say_so(vp_tui, asked, tmp_path):
    files = {name: tmp_path / f"{name}.npz" for name in ("fp32", "int8")}
    vp_tui("embed", *asked, "--output", files["fp32"])
    said = vp_tui("embed", *asked, "--emulate", "int8", "--output", files["int8"]).stderr
    assert "emulated int8" in said
    exact, rounded = (np.load(path) for path in files.values())
    assert str(rounded["precision"]) == "emulated int8"
    error = np.abs(rounded["embeddings"] - exact["embeddings"]).max()
    assert 1e-4 < error < 1


@pytest.mark.parametrize(
    ("options", "named"),
    [(("--emulate", "fp4"), "fp8-ffn"), (("--emulate", "int8", "--precision", "bf16"), "--precision")],
)
def test_an_emulation_that_is_not_there_is_refused(vp_tui, asked, options, named):
    assert named in vp_tui("run", *asked, *options, check=2).stderr
