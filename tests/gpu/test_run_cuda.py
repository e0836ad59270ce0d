"""The end-to-end run of tests/test_runs.py on a CUDA machine: real FP16 kernels, real NVML samples."""

import json

import pytest
import torch

from samples import PROTEINS
from vp_tui.core.engine.gpu import peaks
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.data import make_fasta

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: torch sees none"),
]


@pytest.fixture(scope="module")
def wide_checkpoint(tmp_path_factory):
    """Wide enough that the GPU has work: 12 layers of 640."""
    folder = tmp_path_factory.mktemp("cuda") / "esm2-wide"
    make_checkpoint(folder, num_layers=12, hidden=640, num_heads=10)
    return folder


def test_a_run_on_cuda_passes_and_samples_the_gpu(vp_tui, made_checkpoint, document):
    found = document(
        vp_tui(
            "run",
            "-m",
            made_checkpoint(),
            "-i",
            PROTEINS,
            "--device",
            "cuda",
            "--json",
            check=0,
            timeout=300,
        )
    )
    assert (found["status"], found["verdict"]) == ("completed", "PASS")
    assert found["device"] == "cuda:0"
    assert sum(found["strata"][name]["n"] for name in ("short", "medium", "long")) == 40
    assert found["gpu"]["samples"] > 0
    assert found["gpu"]["memory_used_mib"]["max"] > 0
    assert found["environment"]["gpu_uuid"]
    assert found["speedup"]["verdict"] in {"PASS", "MISS"}
    assert found["arms"]["candidate"]["tokens_per_s"] > 0
    mfu = found["arms"]["candidate"]["mfu"]
    if peaks.nominal(found["environment"]["device_name"], "fp16") is None:
        assert mfu is None
    else:
        assert 0 < mfu < 1


def test_what_the_gpu_did_while_encoding_is_told_in_percent(vp_tui, wide_checkpoint, document, tmp_path):
    """Some seconds of FP32, so that several samples (two a second) fall between the first and the last block."""
    many = tmp_path / "many.fasta"
    make_fasta(many, num_sequences=6_000)
    found = document(
        vp_tui("run", "-m", wide_checkpoint, "-i", many, "--device", "cuda", "--no-oracle", "--json", timeout=300)
    )
    encoding = found["gpu"]["encoding"]
    # loading, warm-up, comparing and measuring leave the GPU idle for most of such a run, and do not count
    assert 0 < encoding["samples"] < found["gpu"]["samples"]
    assert 0 < encoding["utilization"]["max"] <= 100
    assert encoding["utilization"]["mean"] > found["gpu"]["utilization"]["mean"]
    assert found["measures"]["details"]["gpu_utilization_mean"] > found["gpu"]["utilization"]["mean"]
    for name in ("sm_active", "tensor_active", "dram_active"):
        if found["environment"]["gpm"] is not None:
            assert encoding[name] is None, found["environment"]["gpm"]
        else:
            assert 0 <= encoding[name]["mean"] <= encoding[name]["max"] <= 100, name
    if found["environment"]["gpm"] is None:
        assert encoding["sm_active"]["max"] > 0


@pytest.mark.alone
def test_end_to_end_is_at_least_encoding_and_not_the_other_run_s_time(vp_tui, wide_checkpoint, document, tmp_path):
    many = tmp_path / "many.fasta"
    make_fasta(many, num_sequences=6_000)
    found = document(
        vp_tui(
            "run", "-m", wide_checkpoint, "-i", many, "--device", "cuda", "--no-oracle", "--fp32-compare", "--json",
            timeout=300,
        )
    )  # fmt: skip
    reference, candidate = (found["arms"][name] for name in ("reference", "candidate"))
    assert "less than its encoding" not in (found["perf_invalid_reason"] or "")
    for arm in (reference, candidate):
        assert arm["end_to_end_seconds"] >= arm["seconds"]
    # shared stages are in both; what is left of the candidate is its own, and far from what the reference took
    beyond = [arm["end_to_end_seconds"] - arm["seconds"] for arm in (reference, candidate)]
    assert abs(beyond[1] - beyond[0]) < 0.1 * reference["seconds"]


def test_fp32_on_cuda_is_ieee_fp32_and_the_flags_are_read_back(vp_tui, wide_checkpoint, document):
    found = document(vp_tui("run", "-m", wide_checkpoint, "-i", PROTEINS, "--device", "cuda", "--json", timeout=300))
    assert found["environment"]["flags"]["reference"]["cuda_matmul"] == "ieee"


def test_tf32_is_a_candidate_on_cuda_and_its_flags_say_so(vp_tui, wide_checkpoint, document):
    found = document(
        vp_tui(
            "run", "-m", wide_checkpoint, "-i", PROTEINS, "--device", "cuda", "--precision", "tf32", "--json",
            timeout=300,
        )
    )  # fmt: skip
    assert found["environment"]["flags"]["candidate"]["cuda_matmul"] == "tf32"
    assert found["strata"]["all"]["cosine_min"] < 1.0


def test_sums_in_fp16_run_on_cuda_and_their_accuracy_and_speed_are_reported(vp_tui, wide_checkpoint, document):
    precision = ("--precision", "fp16-acc16")
    asked = ("run", "-m", wide_checkpoint, "-i", PROTEINS, "--device", "cuda", *precision, "--json")
    found = document(vp_tui(*asked, check=None, timeout=300))
    assert found["status"] == "completed", found["status_reason"]
    assert found["precision"] == found["arms"]["candidate"]["precision"] == "fp16-acc16"
    assert found["arms"]["candidate"]["tokens_per_s"] > 0
    # sums of 11 binary digits over 2,560 products; which verdict that is worth depends on the GPU
    assert 0.9 < found["strata"]["all"]["cosine_min"] < 1.0
    assert found["verdict"] in {"PASS", "WARN", "FAIL"}


def test_an_overflow_on_cuda_fails_the_run_with_alerts(vp_tui, tmp_path, document):
    make_checkpoint(tmp_path / "overflow", fault="overflow")
    found = document(
        vp_tui("run", "-m", tmp_path / "overflow", "-i", PROTEINS, "--device", "cuda", "--json", check=4, timeout=300)
    )
    assert found["verdict"] == "FAIL"
    assert any(alert["kind"] in {"nan", "inf"} for alert in found["alerts"])


@pytest.mark.alone
def test_a_budget_that_does_not_fit_the_gpu_is_halved_and_the_run_goes_on(vp_tui, wide_checkpoint, document):
    """All but a little of the memory is taken, so that the first packs do not fit."""
    free = torch.cuda.mem_get_info()[0]
    hostage = torch.empty(max(free - (3 << 30), 1), dtype=torch.uint8, device="cuda")
    try:
        found = document(
            vp_tui("run", "-m", wide_checkpoint, "-i", PROTEINS, "--device", "cuda", "--json", check=None, timeout=300)
        )
    finally:
        del hostage
        torch.cuda.empty_cache()
    assert found["status"] == "completed", found["status_reason"]


def test_the_doctor_of_a_machine_with_a_gpu_has_a_row_per_model_and_precision_and_each_reason(vp_tui):
    found = json.loads(vp_tui("doctor", "--json").stdout)
    text = vp_tui("doctor").stdout
    rows = [line.split()[:3] for line in text.splitlines()]
    for name, one in found["precisions"].items():
        for kind, arm in one.get("models", {}).items():
            assert [kind, name, arm["attention"]] in rows
            assert arm["reason"] in text
        assert one.get("ops", "") in text
