"""What a run would take: hand-computed figures, speeds of real runs in a real store."""

import json
import math
import os

import numpy as np
import pytest
from huggingface_hub import constants
from stored_runs import complete

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import InputError, ModelError, Unavailable, UsageError
from vp_tui.core.events import GpuSample
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.sequences import read
from vp_tui.core.runs import devices
from vp_tui.core.runs.estimate import figures, known
from vp_tui.core.runs.estimate.figures import Estimator
from vp_tui.core.runs.estimate.planned import PlannedDevices, planned
from vp_tui.core.workers.demo.data import make_dna_fasta

NO_GPU = Unavailable("no NVIDIA driver")
LENGTHS = (10, 10, 10, 100, 100, 2000)
"""Residues: three short, two medium, one long that is cut to 1,022."""
TOKENS = 3 * 12 + 2 * 102 + 1024
ACTIVATIONS = 1024 * (4 * (14 * 8 + 2 * 32) + 4 * 5 * 8)
"""Of the longest sequence in FP32, per token 14 times the width and 2 times the feed-forward, and 5 up-cast."""
PARAMETERS = 2 * (4 * 64 + 32 + 2 * 8 * 32 + 32 + 8 + 32) + 33 * 8 + 16
"""Two layers of 8 wide with a feed-forward of 32, the embedding of 33 tokens, the last norm."""


def gpu(used=1024.0, total=4096.0):
    fields = dict.fromkeys(GpuSample.__dataclass_fields__)
    return GpuSample(**fields | {"at_us": 1, "memory_used_mib": used, "memory_total_mib": total, "throttle_reasons": 0})


@pytest.fixture
def checkpoint(tmp_path):
    """A folder that says what it is; an estimate reads no weights."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    config = {
        "model_type": "esm", "position_embedding_type": "rotary", "vocab_size": 33, "mask_token_id": 32,
        "num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 32,
        "layer_norm_eps": 1e-5, "token_dropout": True,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "proteins.fasta"
    path.write_text("".join(f">p{i}\n{'MKVLW' * (length // 5)}\n" for i, length in enumerate(LENGTHS)))
    return path


@pytest.fixture
def estimate(home, checkpoint, fasta):
    """estimate(**config) of that checkpoint and those proteins, on a machine without a GPU."""
    estimator = Estimator(home)

    def made(*, gpu=NO_GPU, num_gpus=0, **config):
        return estimator.estimate(RunConfig(**{"model": str(checkpoint), "input": str(fasta)} | config), gpu, num_gpus)

    return made


def test_sequences_are_counted_per_stratum_and_tokens_as_the_model_counts_them(estimate):
    made = estimate()
    assert made.strata == {"short": 3, "medium": 2, "long": 1}
    assert (made.in_file, made.sequences, made.tokens, made.is_exact) == (6, 6, TOKENS, True)


def test_a_sample_is_the_one_the_run_would_draw(estimate):
    made = estimate(sample=3)
    assert made.strata == {"short": 1, "medium": 1, "long": 1}
    assert (made.in_file, made.tokens) == (6, 12 + 102 + 1024)


def test_own_cuts_move_the_strata(estimate):
    assert estimate(strata=(5, 50)).strata == {"short": 0, "medium": 3, "long": 3}


def test_weights_are_parameters_times_the_bytes_of_their_precision(estimate):
    made = estimate(precision="bf16")
    assert (made.reference.weight_bytes, made.candidate.weight_bytes) == (4 * PARAMETERS, 2 * PARAMETERS)


@pytest.mark.parametrize(
    ("free", "fit"),
    [
        (None, None),
        (ACTIVATIONS + 4 * PARAMETERS - 1, "no"),
        (ACTIVATIONS + 4 * PARAMETERS, "in turn"),
        (ACTIVATIONS + 6 * PARAMETERS, "in turn"),
        (1.12 * (ACTIVATIONS + 6 * PARAMETERS), "both"),
    ],
)
def test_it_says_whether_both_arms_fit_or_one_at_a_time_or_none(checkpoint, fasta, free, fit):
    config = RunConfig(model=str(checkpoint), input=str(fasta))
    made = figures.estimated(
        config, known.InputCache().read(fasta), known.checkpoint_of(config.model), earlier=(),
        devices=PlannedDevices(names=("cpu",)), free_bytes=free, environment={},
    )  # fmt: skip
    assert made.fit == fit


def test_processes_on_a_cpu_share_its_memory_and_each_gpu_has_its_own(checkpoint, fasta):
    config = RunConfig(model=str(checkpoint), input=str(fasta))
    facts, free = known.InputCache().read(fasta), math.ceil(1.12 * (ACTIVATIONS + 6 * PARAMETERS))

    def fit(devices, free):
        made = figures.estimated(
            config, facts, known.checkpoint_of(config.model), earlier=(), devices=devices, free_bytes=free,
            environment={},
        )  # fmt: skip
        return made.fit

    two_gpus, processes = (PlannedDevices(names=names, count=2) for names in (("cuda:0", "cuda:1"), ("cpu",)))
    assert fit(two_gpus, free) == "both"
    assert fit(processes, free) == "no"
    assert fit(processes, 2 * free) == "both"


def test_without_a_comparable_run_there_are_no_seconds(home, estimate, checkpoint):
    complete(home, model="esm2-8m")
    complete(home, model=str(checkpoint), stopped="failed")
    made = estimate()
    assert (made.reference.seconds, made.candidate.seconds, made.reference.like) == (None, None, None)


def test_seconds_are_projected_from_the_newest_run_of_the_model_on_such_a_device(home, estimate, checkpoint):
    complete(home, model=str(checkpoint), tokens_per_s=10.0)
    run_id = complete(home, model=f"{checkpoint}/../{checkpoint.name}", tokens_per_s=1000.0)
    complete(home, model="esm2-8m", tokens_per_s=3.0)
    for _ in range(6):
        complete(home, model=str(checkpoint), stopped="failed")
    made = estimate()
    assert made.reference.seconds == pytest.approx(TOKENS / 500)
    assert made.candidate.seconds == pytest.approx(TOKENS / 1000)
    assert made.candidate.like.run_id == made.reference.like.run_id == run_id
    assert estimate(gpu=gpu()).candidate.seconds is None


def test_an_arm_of_another_precision_is_no_measure_for_this_one(home, estimate, checkpoint):
    complete(home, model=str(checkpoint))
    made = estimate(precision="bf16")
    assert made.reference.seconds is not None
    assert made.candidate.seconds is None


def test_a_reference_of_the_same_settings_can_probably_be_taken_over(home, estimate, checkpoint, fasta):
    run_id = complete(home, model=str(checkpoint), input=str(fasta))
    assert estimate().stored_by == run_id
    assert estimate(precision="bf16", oracle=0, name="x").stored_by == run_id
    assert estimate(sample=3).stored_by is None
    assert estimate(fp32_compare=True).stored_by is None
    assert estimate(precision="fp32").stored_by is None


def test_a_sequence_file_that_was_written_since_has_no_stored_reference(home, estimate, checkpoint, fasta):
    complete(home, model=str(checkpoint), input=str(fasta))
    fasta.write_text(fasta.read_text() + ">new\nMKV\n")
    assert estimate().stored_by is None


def test_the_rollback_switch_is_heard_as_a_run_would_hear_it(estimate, monkeypatch):
    monkeypatch.setenv("VIRNUCPRO_DISABLE_FP16", "1")
    made = estimate()
    assert made.candidate.precision == "fp32"
    assert "VIRNUCPRO_DISABLE_FP16" in made.precision_reason


def test_a_checkpoint_that_must_be_fetched_leaves_tokens_and_memory_open(estimate):
    made = estimate(model="nobody/nothing")
    assert made.to_fetch == "nobody/nothing"
    assert made.strata == {"short": 3, "medium": 2, "long": 1}
    assert (made.tokens, made.reference.weight_bytes, made.fit) == (None, None, None)


def test_a_checkpoint_in_the_cache_of_the_hub_is_read_there(estimate, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    there = tmp_path / "hub" / "models--some--one"
    folder = there / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    (there / "refs").mkdir()
    (there / "refs" / "main").write_text("a" * 40)
    (folder / "config.json").write_bytes((checkpoint / "config.json").read_bytes())
    assert estimate(model="some/one").to_fetch == "some/one", "the weights are missing"
    (folder / "model.safetensors").touch()
    assert estimate(model="some/one").tokens == TOKENS


def test_letters_of_the_wrong_kind_are_refused(estimate, tmp_path):
    path = tmp_path / "dna.fasta"
    path.write_text(">d\nACGTACGTACGT\n")
    with pytest.raises(InputError, match=r"DNA or RNA, and tiny reads proteins"):
        estimate(input=str(path))


def test_a_name_that_is_none_is_refused(estimate):
    with pytest.raises(ModelError, match="short names"):
        estimate(model="esm9000")


def test_tokens_of_dna_are_projected_from_sequences_spread_over_the_file(home, made_dnabert, tmp_path):
    path = tmp_path / "reads.fasta"
    make_dna_fasta(path, num_sequences=300)
    made = Estimator(home).estimate(RunConfig(model=str(made_dnabert), input=str(path)), NO_GPU, 0)
    spec = known.checkpoint_of(str(made_dnabert)).spec
    counted = BpeTokenizer(made_dnabert, spec.vocab_size).encode(read(path).residues).lengths_S.sum()
    assert not made.is_exact
    assert made.tokens == pytest.approx(counted, rel=0.02)


def test_a_file_is_read_once_until_it_changes(fasta, monkeypatch):
    paths = []
    monkeypatch.setattr(known.sequences, "read", lambda path: paths.append(path) or read(path))
    cache = known.InputCache()
    assert np.array_equal(cache.read(fasta).lengths_S, LENGTHS)
    assert cache.read(fasta) is cache.read(fasta)
    assert len(paths) == 1
    stat = fasta.stat()
    fasta.write_text(">a\nMKV\n")
    os.utime(fasta, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert cache.read(fasta).lengths_S.tolist() == [3], "another size under the old time"
    for number in range(5):
        other = fasta.with_name(f"{number}.fasta")
        other.write_text(">a\nMKV\n")
        cache.read(other)
    assert len(cache._known) == 4


def test_a_file_that_is_not_there_is_refused(fasta):
    with pytest.raises(InputError, match="no sequence file"):
        known.InputCache().read(fasta.with_name("none.fasta"))


def test_auto_takes_the_gpu_that_is_seen():
    def first(asked, seen):
        return planned(RunConfig(model="esm2-8m", input="x", device=asked), seen, 1).first

    assert [first(asked, gpu()) for asked in ("auto", "cpu", "cuda", "cuda:1")] == [
        "cuda:0", "cpu", "cuda:0", "cuda:1"
    ]  # fmt: skip
    assert first("auto", NO_GPU) == "cpu"


@pytest.mark.parametrize(
    ("asked", "names", "count", "speed", "copies"),
    [
        ({"devices": "0,2"}, ("cuda:0", "cuda:2"), 2, 2, 1),
        ({"devices": "all"}, ("cuda:0", "cuda:1", "cuda:2", "cuda:3"), 4, 4, 1),
        ({"devices": "cpu:3"}, ("cpu",), 3, 1, 3),
        ({"ray": "auto"}, ("cuda:0", "cuda:1", "cuda:2", "cuda:3"), None, 1, 1),
        ({"ray": "auto", "devices": "cpu:3"}, ("cpu",), 3, 1, 1),
    ],
)
def test_the_devices_of_a_run_are_counted_and_say_what_they_share(asked, names, count, speed, copies, monkeypatch):
    monkeypatch.setattr(devices, "require_ray", lambda: None)
    found = planned(RunConfig(model="esm2-8m", input="x", **asked), gpu(), 4)
    assert (found.names, found.count, found.speed, found.copies) == (names, count, speed, copies)


def test_devices_that_a_run_would_refuse_are_refused_by_its_estimate(estimate):
    with pytest.raises(UsageError, match="named twice"):
        estimate(devices="0,0")


def test_several_gpus_divide_the_seconds_of_encoding_whatever_the_run_before_had(home, estimate, checkpoint, fasta):
    """The rate of a run is that of all its devices together; a run of another number leaves no reference that fits."""
    two = {"devices": [{"name": "cuda:0"}, {"name": "cuda:1"}]}
    complete(
        home, model=str(checkpoint), input=str(fasta), tokens_per_s=1000.0, environment=two, device_used="cuda:0,1"
    )
    one, several = (estimate(gpu=gpu(), num_gpus=4, **asked) for asked in ({}, {"devices": "all"}))
    assert one.candidate.seconds == pytest.approx(TOKENS / 500)
    assert several.candidate.seconds == pytest.approx(TOKENS / 2000)
    assert (one.stored_by, several.stored_by) == (None, None)
    assert estimate(gpu=gpu(), num_gpus=2, devices="all").stored_by == 1


def test_processes_on_a_cpu_divide_no_seconds(home, estimate, checkpoint):
    complete(home, model=str(checkpoint), tokens_per_s=1000.0)
    assert estimate(devices="cpu:2").candidate.seconds == pytest.approx(TOKENS / 1000)


def test_free_memory_is_that_of_the_device():
    def free(*names, gpu=NO_GPU, **more):
        return known.free_bytes(PlannedDevices(names=names, **more), gpu)

    assert free("cuda:0", gpu=gpu(used=1024, total=4096)) == 3 * 2**30
    assert free("cuda:1", gpu=gpu()) is None
    assert free("cuda:0") is None
    assert free("cuda:0", gpu=gpu(used=None)) is None
    assert free("cpu", gpu=gpu()) > 2**20
    assert free("cpu", is_cluster=True) is None
