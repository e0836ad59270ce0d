"""The verdict on published trained weights: sound FP16 passes, whichever sequences are drawn, and faults do not."""

from pathlib import Path

import numpy as np
import pytest
import torch
import trained
from embedding_sets import assert_same_measures

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.device_arrays import TorchArrays
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.faults.inject import FAULTS
from vp_tui.core.engine.probe.sample import cut
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.tokenizing import tokenize
from vp_tui.core.measures.run_measures import after_run
from vp_tui.core.models.loading import load, read_spec
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.verdict.causes import notes

pytestmark = [pytest.mark.trained, pytest.mark.timeout(600), pytest.mark.xdist_group("trained")]
CPU = torch.device("cpu")
DATA = Path(__file__).parent / "data" / "viral_proteins_40.faa"
LIMITS = Thresholds()
SAFETY = {"M1", "S7", "S8", "S9", "S10"}


@pytest.fixture(scope="module")
def encoded():
    """encoded(precision, fault=None) -> embeddings [S, D] of windows of real proteins, each made once."""
    source = resolve(str(trained.esm2_with_head()))
    spec = read_spec(source.path, source.name)
    whole = sequences.read(DATA)
    residues = tuple(
        text[start : start + length]
        for text in whole.residues
        for length in (40, 90, 160)
        for start in (0, max(0, len(text) - length))
    )
    distinct = tuple(dict.fromkeys(residues))
    data = sequences.SequenceSet(ids=tuple(f"w{i}" for i in range(len(distinct))), residues=distinct)
    tokens = tokenize(spec, source.path, data, None)
    packs = cut(tokens.lengths_S, np.argsort(-tokens.lengths_S, kind="stable"), 4_096)
    made = {}

    def embeddings(precision, fault=None):
        if (precision, fault) not in made:
            plan = plain_plan(precision)
            loaded = load(source, plan, CPU)
            encoder = Encoder(loaded, plan, CPU) if fault is None else FAULTS[fault].make(loaded, plan, CPU)
            found_SD = np.empty((len(distinct), spec.hidden), np.float32)
            found_SD[np.concatenate(packs)] = encoder.encode(tokens, packs).embeddings_SD
            made[precision, fault] = found_SD
        return made[precision, fault]

    embeddings.stratum_S = sequences.strata_of(data.lengths_S, (64, 128))
    return embeddings


def judged(x_SD, y_SD, stratum_S, gates):
    found = judge.findings((), after_run(x_SD, y_SD, stratum_S, cosine_limit=0.99), limits=LIMITS, gates=gates)
    return judge.verdict(found), found


@pytest.mark.parametrize("gates", ["mission", "strict"])
def test_sound_fp16_passes_in_every_draw_of_sixty_with_at_most_two_notes(encoded, gates):
    x_SD, y_SD, stratum_S = encoded("fp32"), encoded("fp16"), encoded.stratum_S
    for seed in range(20):
        drawn = sequences.stratified_sample(stratum_S, 60, seed)
        outcome, found = judged(x_SD[drawn], y_SD[drawn], stratum_S[drawn], gates)
        assert outcome == "PASS", [one.text for one in found]
        assert len(notes(found)) <= 2


def test_torch_measures_them_as_numpy_does(encoded):
    """Torch on the CPU stands for a GPU."""
    x_SD, y_SD, stratum_S = encoded("fp32"), encoded("fp16"), encoded.stratum_S
    here = after_run(x_SD, y_SD, stratum_S, cosine_limit=0.99)
    assert_same_measures(after_run(x_SD, y_SD, stratum_S, cosine_limit=0.99, arrays=TorchArrays(CPU)), here)


def test_two_exchanged_sequences_fail_under_both_profiles(encoded):
    x_SD, y_SD = encoded("fp32"), encoded("fp16", "permuted-pair")
    for gates in ("mission", "strict"):
        outcome, found = judged(x_SD, y_SD, encoded.stratum_S, gates)
        assert outcome == "FAIL"
        assert "S7" in {one.gate for one in found if one.severity == "fail"}


def test_a_missing_scale_fails_by_its_consequences(encoded):
    outcome, found = judged(encoded("fp32"), encoded("fp16", "missing-scale"), encoded.stratum_S, "mission")
    assert outcome == "FAIL"
    assert {one.gate for one in found if one.severity == "fail"} & SAFETY


def test_the_scale_of_token_dropout_is_missed_by_no_median(encoded):
    x_SD = encoded("fp32")
    outcome, found = judged(x_SD, 0.88 * x_SD, encoded.stratum_S, "strict")
    assert outcome == "FAIL"
    assert "M5-scale" in {one.gate for one in found}
