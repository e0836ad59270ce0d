"""What the GPU itself says while it works: GPM beside utilization, facts, and who else computes on it."""

import subprocess
import sys
import time

import pytest
import torch

from vp_tui.core.engine import environment, gpu
from vp_tui.core.engine.gpu import nvml, peaks
from vp_tui.core.events import GpuSample

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.alone,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: torch sees none"),
]

CUDA = torch.device("cuda")
SECONDS = 4.0
"""Eight samples; the first has no share, and the second still reaches back before the work."""


def busy(seconds):
    """FP16 products that fill the tensor cores for some seconds."""
    a_NN = torch.randn(8192, 8192, device=CUDA, dtype=torch.float16)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for _ in range(20):
            a_NN @ a_NN
        torch.cuda.synchronize()


@pytest.fixture(scope="module")
def samples():
    """Samples of the time in which this process worked, a context before the first."""
    torch.zeros(1, device=CUDA)
    found = []
    with gpu.Sampler(environment.gpu_uuid(CUDA), found.append) as sampler:
        sampler.count()
        busy(SECONDS)
        sampler.stop_counting()
    assert sampler.reason is None
    return [one for one in found if isinstance(one, GpuSample)]


def test_a_loop_of_products_fills_the_chip_by_gpm_or_the_reason_is_told(samples):
    why = gpu.facts(environment.gpu_uuid(CUDA))["gpm"]
    later = samples[2:-1]
    assert len(later) >= 3
    if why is not None:
        assert why.startswith("no GPM: ")
        assert {(one.sm_active, one.tensor_active, one.dram_active) for one in later} == {(None, None, None)}
        pytest.skip(why)
    # a product of this size leaves the SMs idle between launches only; half and a fifth are far below what it reaches
    assert min(one.sm_active for one in later) > 50
    assert min(one.tensor_active for one in later) > 20
    assert all(0 <= one.dram_active <= 100 for one in later)


def test_utilization_clock_and_power_are_told_too(samples):
    later = samples[2:-1]
    assert max(one.utilization for one in later) > 50
    assert min(one.sm_clock_mhz for one in later) > 0
    assert max(one.power_w for one in later) > 0


def test_hopper_and_newer_have_gpm():
    why, newer = gpu.facts(environment.gpu_uuid(CUDA))["gpm"], torch.cuda.get_device_capability(CUDA)[0] >= 9
    assert (why is None) == newer


def test_the_facts_of_the_gpu_are_known_and_an_h200_has_its_peak():
    facts = gpu.facts(environment.gpu_uuid(CUDA))
    assert facts["nvml"] is None
    assert facts["driver"]
    assert facts["power_limit_w"] > 0
    if torch.cuda.get_device_name(CUDA) == "NVIDIA H200":
        assert peaks.nominal("NVIDIA H200", "fp16") == pytest.approx(989.4e12)


def test_a_second_process_on_the_gpu_is_one_more_than_before(samples):
    """Where the driver tells of processes at all, and of those beside us: in some containers it does not."""
    before = samples[-1].other_processes
    if before is None:
        pytest.skip("the driver tells no processes here")
    program = "import torch; torch.zeros(1, device='cuda'); print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout.readline() == "up\n"
            assert nvml.sample(nvml.handle_of(environment.gpu_uuid(CUDA))[0]).other_processes == before + 1
        finally:
            other.communicate("\n", timeout=60)


def test_alone_on_the_gpu_nothing_spoils_the_clocks(samples):
    if any(one.other_processes for one in samples):
        pytest.skip("somebody else computes on this GPU")
    assert {one.other_processes for one in samples} <= {0, None}
