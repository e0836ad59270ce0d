"""R6: the candidate's code in FP32 against FP64."""

import numpy as np
import pytest

from vp_tui.core.engine.probe.ratio_numbers import semantics
from vp_tui.core.engine.probe.semantics import SEQUENCES, in_fp32
from vp_tui.core.errors import Unavailable

FAULTS = [
    "missing-scale",
    "eos-in-mean",
    "tanh-gelu",
    "recomputed-inv-freq",
    "half-angles",
    "bf16-layer",
    "fp16-pooling",
]


def ratio_of(case, ask, kind, fault=None):
    found = case(kind)
    exact_PD = ask(kind, "fp16").exact.embeddings_PD
    made = in_fp32(lambda: found.encoder("fp32", fault), found.sample, "sdpa")
    numbers, details = semantics(made, exact_PD, found.rows(found.encoder("fp32")), {})
    return numbers["all"]["semantics_ratio"], details


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s", "ProtBERT"])
def test_sound_code_errs_as_the_reference_does(case, ask, kind):
    ratio, details = ratio_of(case, ask, kind)
    assert 0.8 < ratio < 1.25
    assert details["sequences"] == SEQUENCES
    assert details["unreached"] == (None if kind != "ProtBERT" else "sdpa")
    assert ratio == details["error_p50"] / details["reference_error_p50"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_code_stands_out_a_hundredfold(case, ask, fault):
    """The reference errs 2e-7 here; the format of the candidate plays no part."""
    ratio, _ = ratio_of(case, ask, "esm2", fault)
    assert ratio > 40


def test_the_sequences_come_back_in_their_own_order(case):
    found = case("esm2")
    made = in_fp32(lambda: found.encoder("fp32"), found.sample, "flash")
    assert made.unreached == "flash"
    assert np.allclose(made.rows_QD, found.rows(found.encoder("fp32"))[made.places_Q], atol=1e-5)
    assert set(found.sample.stratum_P[made.places_Q]) == {0, 1, 2}


def test_embeddings_that_are_not_finite_have_no_ratio(case):
    found = case("esm2")
    made = in_fp32(lambda: found.encoder("fp32"), found.sample, "sdpa")
    made.rows_QD[0] = np.nan
    rows_PD, reasons = found.rows(found.encoder("fp32")), {}
    numbers, _ = semantics(made, rows_PD.astype(np.float64), rows_PD, reasons)
    assert numbers["all"]["semantics_ratio"] is None
    assert "not finite" in reasons["R6"]


def test_what_did_not_run_says_why():
    reasons = {}
    numbers, details = semantics(Unavailable("no room"), np.ones((1, 2)), np.ones((1, 2), np.float32), reasons)
    assert (numbers["all"]["semantics_ratio"], details, reasons) == (None, {}, {"R6": "no room"})
