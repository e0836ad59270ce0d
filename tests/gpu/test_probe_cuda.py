"""The probe on a CUDA device: a sound FP16 arm beside its twin, a broken one, and a TF32 reference."""

import numpy as np
import pytest
import torch

from samples import PROTEINS, READS
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.probe import oracle
from vp_tui.core.engine.probe.noise import noise
from vp_tui.core.engine.probe.sample import Sample, stratified
from vp_tui.core.engine.probe.semantics import in_fp32
from vp_tui.core.engine.probe.stage import Probed, encode_again, look_inside, measured
from vp_tui.core.engine.probe.tables import stored_frequencies
from vp_tui.core.engine.probe.trace import trace
from vp_tui.core.inputs import sequences, tokenizing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import loading
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.precision import EXACT
from vp_tui.core.models.streaming import streamed
from vp_tui.core.workers.demo import checkpoints
from vp_tui.core.workers.demo.dnabert import make_dnabert

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False"),
]
CUDA, CPU = torch.device("cuda"), torch.device("cpu")
BUDGET = 4096


@pytest.fixture(scope="module", params=["esm2 head 64", "esm2 head 16", "dnabert-s head 32"])
def folder(request, tmp_path_factory):
    made = tmp_path_factory.mktemp("probe")
    if request.param.startswith("dnabert"):
        make_dnabert(made, num_layers=4, num_heads=4, hidden=128)
    else:
        hidden, num_heads = {"64": (128, 2), "16": (320, 20)}[request.param[-2:]]
        checkpoints.make_checkpoint(made, num_layers=6, hidden=hidden, num_heads=num_heads)
    return made


@pytest.fixture(scope="module")
def sample(folder):
    spec = read_spec(folder)
    tokens = tokenizing.tokenize(spec, folder, sequences.read(READS if spec.kind == "dnabert-s" else PROTEINS), None)
    stratum_S = np.digitize(tokens.lengths_S, [66, 130])
    indices_P = stratified(stratum_S, tokens.lengths_S, 24)
    return Sample(
        tokens=tokens, indices_P=indices_P, stratum_P=stratum_S[indices_P], pooling=spec.pooling, budget=BUDGET
    )


def encoder_of(folder, name, device=CUDA):
    plan = plain_plan(name)
    return Encoder(loading.load(resolve(str(folder)), plan, device), plan, device)


def rows_of(encoder, sample):
    block = encoder.encode(sample.tokens, sample.packs(BUDGET))
    rows_PD = np.empty_like(block.embeddings_SD)
    rows_PD[sample.order_P] = block.embeddings_SD
    return rows_PD


def request(folder, sample, name, device=CUDA):
    return oracle.OracleRequest(
        source=resolve(str(folder)), spec=read_spec(folder), sample=sample, plan=plain_plan(name), device=device
    )


def probe(folder, sample, name, *, reference="fp32", change=None):
    base, encoder, spec = encoder_of(folder, reference), encoder_of(folder, name), read_spec(folder)
    if change is not None:
        change(encoder.loaded.model)
    base_PD, rows_PD = rows_of(base, sample), rows_of(encoder, sample)
    return measured(
        Probed(
            sample=sample,
            candidate=encode_again(
                encoder, sample, rows_PD, look_inside(encoder, sample, stored_frequencies(resolve(str(folder)), spec))
            ),
            candidate_rows_PD=rows_PD,
            reference_rows_PD=base_PD,
            reference_noise=noise(base, sample.tokens, sample.indices_P, base_PD, BUDGET),
            oracle=oracle.ask(request(folder, sample, name)),
            semantics=in_fp32(lambda: encoder_of(folder, "fp32"), sample, encoder.loaded.attention_kernel),
        )
    )


@pytest.mark.parametrize("name", ["fp16", "bf16"])
def test_a_sound_arm_on_cuda_errs_little_more_than_its_twin(folder, sample, name):
    found = probe(folder, sample, name)
    numbers = found.values["R4"]["all"]
    assert 0.8 < numbers["output_ratio"] < 1.5
    assert numbers["rounding_ratio_max"] < 1.5
    assert numbers["rounding_ratio"] < 1.3
    assert 0.7 < found.values["R5"]["all"]["pooled_ratio"] < 1.5
    # fused ops and an FP32 kernel, against the reference's own
    assert 0.5 < found.values["R6"]["all"]["semantics_ratio"] < 2
    assert found.values["R7"]["all"]["rotary_mismatch"] in {0, None}
    assert numbers["systematic_ratio_max"] < 2.5
    assert 1e-8 < found.values["R1"]["all"]["reference_error_max"] < 1e-5
    assert found.values["R3"]["all"]["reference_noise"] < 1e-5
    if torch.cuda.get_device_capability() >= (8, 0):
        # a packed kernel: FlashAttention's rule for it
        assert found.values["R2"]["all"]["kernel_ratio"] < 1.5


def through_bf16(model):
    model.layers[0].register_forward_hook(lambda _, inputs, out: out.bfloat16().to(out.dtype))


def test_one_block_rounded_through_bf16_shows_on_cuda(folder, sample):
    found = probe(folder, sample, "fp16", change=through_bf16)
    assert found.values["R4"]["all"]["rounding_ratio"] > 2


def test_a_sound_tf32_arm_errs_like_its_twin_and_a_block_in_bf16_shows(folder, sample):
    """Whatever shapes cuBLAS takes TF32 for: lengths of real sequences are multiples of 4 or not."""
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("TF32 needs compute capability 8.0")
    numbers = probe(folder, sample, "tf32").values["R4"]["all"]
    assert 0.8 < numbers["output_ratio"] < 1.3
    assert 0.8 < numbers["rounding_ratio"] < 1.3
    assert probe(folder, sample, "tf32", change=through_bf16).values["R4"]["all"]["rounding_ratio"] > 2


def test_a_tf32_reference_is_told_from_an_ieee_one(folder, sample):
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("TF32 needs compute capability 8.0")
    found = probe(folder, sample, "tf32", reference="tf32")
    # the limit at which a reference is INVALID
    assert found.values["R1"]["all"]["reference_error_max"] > 1e-4
    assert probe(folder, sample, "fp16").values["R1"]["all"]["reference_error_max"] < 1e-5


def test_the_oracle_on_cuda_is_that_of_a_cpu(folder, sample):
    cuda, cpu = (oracle.ask(request(folder, sample, "fp16", device)) for device in (CUDA, CPU))
    assert np.abs(cuda.exact.embeddings_PD - cpu.exact.embeddings_PD).max() < 1e-11
    for name, floor in cpu.floors.items():
        # the twin's FP32 sums go in another order, which moves some values across a rounding border
        assert floor.rms == pytest.approx(cuda.floors[name].rms, rel=0.05)


def test_streamed_on_cuda_is_the_model_loaded_whole(folder, sample):
    whole = loading.load(resolve(str(folder)), EXACT, CUDA).model
    assert whole.attention == SdpaAttention(math_only=True)
    wanted = trace(whole, sample, EXACT, CUDA, target=plain_plan("fp16"))
    with streamed(resolve(str(folder)), EXACT, CUDA) as model:
        got = trace(model, sample, EXACT, CUDA, target=plain_plan("fp16"))
    assert np.array_equal(got.tokens_ND, wanted.tokens_ND)
    assert np.array_equal(got.embeddings_PD, wanted.embeddings_PD)


def test_streaming_holds_one_block_at_a_time(tmp_path):
    checkpoints.make_checkpoint(tmp_path, num_layers=12, hidden=640, num_heads=20)
    source = resolve(str(tmp_path))
    tokens = tokenizing.tokenize(read_spec(tmp_path), tmp_path, sequences.read(PROTEINS), None)
    sample = Sample(
        tokens=tokens, indices_P=np.arange(1), stratum_P=np.zeros(1, np.int64), pooling="residues", budget=BUDGET
    )
    whole = sum(8 * parameter.numel() for parameter in loading.load(source, plain_plan("fp32"), CPU).model.parameters())
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with streamed(source, EXACT, CUDA) as model:
        trace(model, sample, EXACT, CUDA, target=plain_plan("fp16"))
    # a twelfth is one block; its tensors are FP32 before they are FP64, q, k and v in parts; activations are small
    assert torch.cuda.max_memory_allocated() - before < whole / 3
