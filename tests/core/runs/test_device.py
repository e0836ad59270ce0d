"""A CUDA device that cannot be there is refused before a run exists."""

import pytest

from vp_tui.core.errors import UsageError
from vp_tui.core.runs import device


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """machine(driver, torch): whether the driver's file is there, and the version of torch."""

    def of(driver, torch):
        file = tmp_path / "nvidiactl"
        if driver:
            file.touch()
        monkeypatch.setattr(device, "DRIVERS", (str(file),))
        monkeypatch.setattr(device, "version", lambda _: torch)

    return of


@pytest.mark.parametrize(
    ("driver", "torch", "named"), [(False, "2.13.0+cu130", "driver"), (True, "2.13.0+cpu", "2.13.0+cpu")]
)
def test_cuda_is_refused_without_a_driver_or_with_a_torch_without_cuda(machine, driver, torch, named):
    machine(driver, torch)
    with pytest.raises(UsageError, match="--device cuda:1") as refused:
        device.require_device("cuda:1")
    assert named in str(refused.value)


@pytest.mark.parametrize("torch", ["2.13.0+cu130", "2.13.0"])
def test_where_it_may_be_there_the_run_looks_for_it(machine, torch):
    machine(True, torch)
    device.require_device("cuda")


def test_other_devices_need_neither(machine):
    machine(False, "2.13.0+cpu")
    for asked in ("auto", "cpu"):
        device.require_device(asked)
