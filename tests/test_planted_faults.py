"""Every planted fault, in a real run under strict gates: what must fire, and what M1 alone would have said."""

import os
import shutil

import pytest
import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.faults import ENGINE_FAULTS
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.events import RunFinished
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.demo import FAULTS
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.data import make_fasta
from vp_tui.core.workers.validate.faulty_run import encoders_of
from vp_tui.core.workers.validate.run import plain_encoders
from vp_tui.core.workers.validate.validation import Place, Setting, validate

# one worker for all: they share the checkpoints and the oracle
pytestmark = pytest.mark.xdist_group("faults")

# fault -> verdict, and the gates of which every one must be among the findings that decide
MUST_FIRE = {
    "missing-scale": ("FAIL", {"M2", "S8", "R4", "R5", "R6"}),
    "eos-in-mean": ("FAIL", {"R5", "R6"}),
    "tanh-gelu": ("FAIL", {"R6"}),
    "recomputed-inv-freq": ("FAIL", {"R6", "R7"}),
    "half-angles": ("FAIL", {"R4", "R6"}),
    "bf16-layer": ("FAIL", {"R4", "R6"}),
    "permuted-pair": ("FAIL", {"S7"}),
    "tf32-reference": ("INVALID", {"R1"}),
    "fp16-pooling": ("FAIL", {"R5", "R6"}),
    "packing-leak": ("FAIL", {"R3-candidate", "R6"}),
    "noisy-candidate": ("FAIL", {"R3-candidate", "R5"}),
    "overflow": ("FAIL", {"V1", "V2"}),
    "precision-loss": ("FAIL", {"M1", "M2", "S8"}),
    "silent-loss": ("FAIL", {"M2", "S8"}),
}
SEEN_BY_MISSION = {"overflow", "precision-loss", "tf32-reference"}


@pytest.fixture(scope="module", autouse=True)
def one_thread_per_worker():
    """Two workers of two threads each on two cores spend their time waiting."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "proteins.fasta"
    make_fasta(path, num_sequences=90)
    return path


@pytest.fixture(scope="module")
def checkpoint_of(tmp_path_factory):
    """checkpoint_of(fault or None): the demo's own six layers; in two, small errors cannot grow."""
    made = {}

    def folder_of(fault):
        if fault not in made:
            made[fault] = tmp_path_factory.mktemp("made") / "esm2"
            make_checkpoint(made[fault], fault=fault)
        return made[fault]

    return folder_of


@pytest.fixture(scope="module")
def run(checkpoint_of, sequences, tmp_path_factory):
    """run(fault, gates) -> RunFinished; the FP64 oracle is made once and shared, as in the cache of a home."""
    cache = tmp_path_factory.mktemp("cache")

    def finished(fault, gates="strict"):
        in_engine = fault in ENGINE_FAULTS
        config = RunConfig(
            model=str(checkpoint_of(None if in_engine else fault)),
            input=str(sequences),
            fault=fault if in_engine else None,
            gates=gates,
            oracle=24,
        )
        folder = tmp_path_factory.mktemp("run")
        place = Place(run_uuid="0" * 32, folder=folder, cache=cache)
        setting = Setting(
            config=config,
            place=place,
            device=torch.device("cpu"),
            device_reason="asked for",
            sampler=Sampler(None, pytest.fail),
            encoders=(encoders_of if in_engine else plain_encoders)(config),
        )
        events = list(validate(setting))
        shutil.rmtree(folder)
        assert isinstance(events[-1], RunFinished)
        return events[-1]

    return finished


def deciding(finished):
    return {finding.gate for finding in finished.findings if finding.severity == "fail"}


def test_every_fault_of_the_demo_is_in_the_table():
    assert MUST_FIRE.keys() == {*FAULTS, *ENGINE_FAULTS}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", MUST_FIRE)
def test_a_planted_fault_is_found_by_the_gates_that_can_see_it(run, fault):
    verdict, gates = MUST_FIRE[fault]
    finished = run(fault)
    assert finished.verdict == verdict, finished.sentence
    assert gates <= deciding(finished), (gates - deciding(finished), deciding(finished))
    assert finished.exit_code == 4
    if fault not in SEEN_BY_MISSION:
        overall = next(stats for stats in finished.strata if stats.scope == "all")
        assert overall.cosine_min > Thresholds().fail(M1), "M1 alone would have found it"
        assert not overall.nan + overall.inf


def test_without_a_fault_strict_gates_pass(run):
    finished = run(None)
    assert finished.verdict == "PASS", [finding.text for finding in finished.findings]
    assert finished.measures["C1"]["all"]["uncaught"] == 0
