"""`vp-tui bench` from the command line to its tables: the document as described, refusals, exit codes."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from vp_tui.core.bench.conditions import Conditions
from vp_tui.core.bench.options import Options
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.report import bench
from vp_tui.core.report.page import as_text

DOCUMENT = (Path(__file__).parents[3] / "docs" / "bench-document.md").read_text()
TOLD = {
    key
    for line in DOCUMENT.splitlines()
    if line.startswith("|")
    for key in re.findall(r"`([^`]+)`", line.split("|")[1])
}
SHARED = [{"median", "low", "high", "n"}, {"sustained", "burst", "samples"}]
"""Keys of estimates and rates, which are described once."""
FREE = ("environment", "ceilings[].matmul_shapes")
"""Whose keys are names of facts or products."""


def paths(value, prefix=""):
    if isinstance(value, dict) and set(value) in SHARED:
        yield prefix
        yield from value
    elif isinstance(value, dict) and prefix not in FREE:
        for key, inner in value.items():
            yield from paths(inner, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from paths(inner, f"{prefix}[]")
    else:
        yield prefix


def test_every_field_of_the_document_is_described_and_every_described_one_is_there(benched):
    document, _ = benched
    found = {path for path in paths({**document, "models": None})}
    found |= {path for model in document["models"] for path in paths(model)}
    conditions = {one.name for one in fields(Conditions)} | {"throttle_words"}
    assert found - TOLD == set()
    assert TOLD - found - conditions == set()
    assert conditions <= TOLD


def test_the_document_says_what_ran_and_what_did_not(benched, made_checkpoint):
    document, told = benched
    (model,) = document["models"]
    assert model["name"] == str(made_checkpoint())
    assert not model["random_weights"]
    assert 0 < model["block"]["tokens"] <= 300
    engines = [(one["engine"], one["precision"]) for one in model["results"]]
    assert engines == [("vp-tui", "fp32"), ("transformers sdpa", "fp32"), ("fair-esm", "fp32")]
    for one in model["results"]:
        assert one["error"] is None
        assert one["rejected_blocks"] == 0
        seconds = sorted(block["seconds"] for block in one["blocks"])
        assert len(seconds) == document["protocol"]["blocks"] == 8
        middle = model["block"]["tokens"] / one["tokens_per_s"]["median"]
        assert seconds[0] <= middle <= seconds[-1]
    assert ("vp-tui", "tf32") in [(one["engine"], one["precision"]) for one in model["absent"]]
    assert {one["engine"] for one in model["absent"]} == {"vp-tui", "transformers flash_attention_2", "faesm"}
    assert [one["over_engine"] for one in model["ratios"]] == ["transformers sdpa", "fair-esm"]
    assert f"interleaved cases: {len(engines)}" in told


def test_the_tables_hold_the_numbers_of_the_document(benched):
    document, _ = benched
    (page,) = bench.pages(document)
    text = as_text(page)
    assert [len(one.rows) for one in page.tables] == [3, 2, 1]
    assert max(map(len, text.splitlines())) <= 120
    # a ratio has three digits at most in front of the x
    (model,) = document["models"]
    assert f"{model['ratios'][0]['times']['median']:.2f}x" in text
    cells = {f"{one['engine']} {one['precision']}": one["batch_tokens"] for one in model["results"]}
    for one in model["ratios"]:
        peer = f"{one['over_engine']} {one['over_precision']}"
        # only a peer has a batch size of its own
        shown_cells = "-" if one["over_engine"] == "vp-tui" else str(cells[peer])
        assert re.search(rf"  {peer}\s+[\d.]+x\s+\S+\s+{shown_cells}\n", text), peer


def shown(*, stopped=None, **changes):
    """The text of a made document with one engine that was throttled and rejected on a GPU."""
    conditions = {
        "samples": 9, "sm_clock_mhz": 1402.3, "power_w": 691.2, "temperature_c": 61.0, "utilization": 100.0,
        "sm_active": 96.4, "tensor_active": 61.7, "dram_active": 30.0, "throttle_reasons": 4,
        "throttle_words": ["power-capped"], "other_processes": 0,
    }  # fmt: skip
    result = {
        "engine": "vp-tui", "precision": "fp16", "attention": "flash", "ops": "fused", "batch_tokens": 16896,
        "tokens_per_s": {"median": 104000.0, "low": 103000.0, "high": 105000.0, "n": 8}, "mfu": 0.61,
        "share_of_matmul_sustained": 0.94, "share_of_matmul_burst": 0.77, "conditions": conditions,
        "rejected_blocks": 2, "warm_up": None, "blocks": [{}] * 10, "error": None, **changes,
    }  # fmt: skip
    model = {
        "name": "esm2-3b", "random_weights": True, "results": [result], "ratios": [],
        "ceilings": [], "notes": [], "absent": [],
        "block": {"sequences": 9, "tokens": 9, "mean_length": 1.0, "token_budget_reason": "x"},
    }  # fmt: skip
    facts = {"device_name": "NVIDIA H200", "torch": "2.11"}
    rate = {"sustained": 4000.0}
    document = {
        "environment": facts,
        "stopped": stopped,
        "options": {"lengths": "uniref"},
        "copy_gb_per_s": rate,
        "models": [model],
    }
    return as_text(bench.pages(document)[0])


def test_the_table_shows_rejected_blocks_and_the_power_cap():
    text = shown()
    assert re.search(
        r"vp-tui\s+fp16\s+104k\s+103k\.\.105k\s+61%\s+94%\s+96.4\s+61.7\s+1402\s+691\s+8\+2 power-capped", text
    )


def test_a_bench_that_was_stopped_says_so_beside_its_result():
    assert "SIGINT" in shown(stopped="SIGINT")
    assert "SIGINT" not in shown()


def test_an_engine_that_failed_is_told_with_its_error():
    text = shown(tokens_per_s=None, error="no room on\x1b[31m the device", conditions=None)
    assert re.search(r"vp-tui\s+fp16\s+-\s+failed", text)
    assert "no room on[31m the device" in text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("-m", "esm2-4b", "--random-weights"), "esm2-4b"),
        (("--lengths", "nowhere.fasta"), "--lengths 'nowhere.fasta'"),
        (("--token-budget", "many"), "--token-budget 'many'"),
        (("--precision", "fp16,fp9"), "--precision 'fp9'"),
        (("--precision", "fp8,fp8-ffn", "--device", "cpu"), "vp-tui run --emulate fp8"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_measured(vp_tui, options, told):
    done = vp_tui("bench", *options, check=ExitCode.USAGE)
    assert told in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("tokens", 3, "--tokens 3"),
        ("token_budget", 1, "--token-budget 1"),
        ("device", "tpu", "--device 'tpu'"),
        ("precisions", ("fp64",), "--precision 'fp64'"),
        ("lengths", "mine", "--lengths 'mine'"),
    ],
)
def test_options_out_of_their_limits_are_refused_by_name(field, value, told):
    with pytest.raises(UsageError, match=told):
        Options(**{field: value})
