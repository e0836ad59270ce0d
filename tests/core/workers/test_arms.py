"""An arm under memory pressure; the encoder that runs out is a fake, because this machine's memory does not."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder, OutOfMemoryError
from vp_tui.core.engine.faults.in_encoder import EosInMean
from vp_tui.core.engine.faults.inject import FaultyEncoders
from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.models.loading import load
from vp_tui.core.workers.validate.arms import WARM_ROUNDS, ArmRunner, is_warm
from vp_tui.core.workers.validate.budget import Budget
from vp_tui.core.workers.validate.prepare import Block

CPU = torch.device("cpu")


class FakeFullMemory:
    """A real encoder on a device that holds `capacity` tokens per pack."""

    def __init__(self, encoder, capacity):
        self._encoder, self._capacity = encoder, capacity

    def start(self, tokens, packs):
        for pack in packs:
            size = int(tokens.lengths_S[pack].sum())
            if size > self._capacity:
                raise OutOfMemoryError(size, CPU)
        return self._encoder.start(tokens, packs)


@pytest.fixture
def work(made_checkpoint, proteins):
    """(arm, block, tokens): an arm with a loaded model and all proteins in one block."""
    source, plan = resolve(str(made_checkpoint())), plain_plan("fp32")
    tokens = tokenize(proteins, max_residues=1022)
    data = SimpleNamespace(sequences=proteins, tokens=tokens)
    arm = ArmRunner(
        "candidate", plan, source=source, device=CPU, data=data, embeddings_SD=np.zeros((40, 128), np.float32)
    )
    arm._encoder = Encoder(load(source, plan, CPU), plan, CPU)
    return arm, Block(index=0, stratum=0, indices_S=np.arange(len(proteins))), tokens


def encode(arm, block, budget):
    arm.keep(block, arm.start(block, budget))


def test_a_pack_that_does_not_fit_halves_the_budget_says_so_and_changes_no_embedding(work):
    arm, block, tokens = work
    encode(arm, block, Budget(16_384, 1024, pytest.fail))
    expected_SD = arm.embeddings_SD.copy()
    arm.embeddings_SD[:] = 0
    arm._encoder = FakeFullMemory(arm._encoder, 5_000)
    told = []
    budget = Budget(16_384, int(tokens.lengths_S.max()), told.append)
    encode(arm, block, budget)
    assert budget.tokens == 4_096
    assert len(told) == 2
    assert "the token budget is now 4096" in told[-1]
    # Other packs mean other summation orders in the products: FP32 noise.
    np.testing.assert_allclose(arm.embeddings_SD, expected_SD, rtol=0, atol=1e-5)


def test_when_not_even_the_longest_sequence_fits_the_error_says_what_to_do(work):
    arm, block, tokens = work
    arm._encoder = FakeFullMemory(arm._encoder, 100)
    with pytest.raises(ResourceError, match="free memory on the device or use a smaller model"):
        encode(arm, block, Budget(2_048, int(tokens.lengths_S.max()), lambda _: None))


def test_a_pack_of_the_run_can_be_asked_for_and_gives_the_same_bits_again(work):
    arm, block, tokens = work
    half, other = np.split(block.indices_S, 2)
    for index, members in enumerate((half, other)):
        encode(arm, Block(index=index, stratum=0, indices_S=members), Budget(2_048, 1024, pytest.fail))
    numbers = np.unique(arm.pack_S)
    assert numbers.tolist() == list(range(len(numbers)))
    assert len(numbers) > 3
    assert sorted(np.concatenate([arm.members_of_pack(pack) for pack in numbers])) == block.indices_S.tolist()
    for pack in numbers:
        members = arm.members_of_pack(pack)
        assert (arm.pack_S[members] == pack).all()
        again = arm.encoder.encode(tokens, [members])
        assert np.array_equal(again.embeddings_SD, arm.embeddings_SD[members])


def test_an_arm_says_where_its_values_ceased_to_be_finite(work):
    arm, block, _ = work
    arm.encoder.loaded.model.layers[1].fc1.bias.data[3] = torch.inf
    encode(arm, block, Budget(16_384, 1024, pytest.fail))
    assert arm.inf_S[0] + arm.nan_S[0] > 0
    found = arm.diagnose(0)
    assert (found.module, found.transient) == ("layers.1.fc1", False)


@pytest.mark.parametrize(("name", "injected"), [("candidate", True), ("reference", False)])
def test_a_fault_is_injected_into_its_own_arm(made_checkpoint, proteins, name, injected):
    source, plan = resolve(str(made_checkpoint())), plain_plan("fp32")
    data = SimpleNamespace(sequences=proteins, tokens=tokenize(proteins, max_residues=1022))
    arm = ArmRunner(
        name,
        plan,
        source=source,
        device=CPU,
        data=data,
        embeddings_SD=np.zeros((40, 128), np.float32),
        encoders=FaultyEncoders("eos-in-mean"),
    )
    assert not arm.is_loaded
    arm.load()
    assert isinstance(arm.encoder, EosInMean) is injected


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_kernel_is_asked_for_before_the_first_block_where_kernels_are_compiled(work, device):
    """The GPU is a fake, because this machine has none: tests/gpu/test_turns_cuda.py counts what is compiled."""
    arm, _, tokens = work
    real, seen = arm._encoder, []

    class FakeOfAGpu:
        def encode(self, tokens, packs):
            seen.extend(packs)
            return real.encode(tokens, packs)

    arm._encoder, arm._device = FakeOfAGpu(), torch.device(device)
    arm.compile_kernels()
    met = [int(tokens.lengths_S[index]) for (index,) in seen]
    assert met == ([] if device == "cpu" else [tokens.lengths_S.min(), tokens.lengths_S.max()])
    assert not arm.embeddings_SD.any()


def test_warming_up_keeps_nothing(work):
    arm, block, _ = work
    events = list(arm.warm_up(block, Budget(16_384, 1024, pytest.fail)))
    assert 1 <= len(events) <= WARM_ROUNDS
    assert all(event.is_warmup for event in events)
    assert arm.encode_s == {}
    assert not arm.embeddings_SD.any()


def test_warming_up_ends_with_the_round_that_is_warm(work):
    """The clock is a fake, because this machine's is not to be told what to say."""
    arm, block, _ = work
    real, times = arm._encoder, iter([0.4, 0.2, 0.101, 0.1, 0.1])

    class FakeClock:
        def start(self, *args):
            block = dataclasses.replace(real.encode(*args), encode_s=next(times))
            return SimpleNamespace(finish=lambda: block)

    arm._encoder = FakeClock()
    events = list(arm.warm_up(block, Budget(16_384, 1024, pytest.fail)))
    assert [event.encode_s for event in events] == [0.4, 0.2, 0.101, 0.1]
    # 0.801 s are spent: a round of 0.1 s fits, one of 0.11 s does not
    times = iter([0.11, 0.11, 0.11])
    assert len([*arm.warm_up(block, Budget(16_384, 1024, pytest.fail))]) == 1


@pytest.mark.parametrize(
    ("encode_s", "warm"),
    [
        ([], False),
        ([0.1], False),
        ([0.1, 0.106], False),
        ([0.1, 0.104], True),
        ([0.1, 0.096], True),
        ([0.1, 0.094], False),
        ([0.104, 0.5, 0.1], False),
        ([0.5, 0.1, 0.104], True),
        ([0.4, 0.3, 0.2, 0.1], True),
        ([0.51], True),
        ([0.49], False),
        ([0.45, 0.3], True),
    ],
)
def test_a_block_is_warm_when_two_rounds_took_the_same_time_or_it_has_been_enough(encode_s, warm):
    assert is_warm(encode_s) is warm


def test_the_seconds_of_the_strata_before_count_as_warm_up():
    assert not is_warm([0.35])
    assert is_warm([0.35], spent_s=0.7)
