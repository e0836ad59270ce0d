"""`vp-tui tiers` on the demo's checkpoint: real runs of every format a CPU has, and of emulated ones."""

import json
from xml.etree import ElementTree

import pytest

from vp_tui.core.store.reader import Reader

FORMATS = ["fp16", "bf16", "emulated fp8-ffn", "emulated fp8", "emulated int8"]


def test_every_format_is_a_run_and_a_second_call_runs_nothing(vp_tui, home, made_checkpoint, short_proteins, tmp_path):
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
    again = json.loads(vp_tui(*asked, "--json").stdout)
    assert again["tiers"] == document["tiers"]
    with Reader(home) as reader:
        assert len(reader.history("")) == len(FORMATS)


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
