"""The inspection of a run: the candidate's own code in FP32, and what is said where it could not run."""

import pytest
import torch

from samples import PROTEINS
from vp_tui.core.config import RunConfig
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.errors import ResourceError
from vp_tui.core.workers.validate import inspection
from vp_tui.core.workers.validate.faulty_run import encoders_of
from vp_tui.core.workers.validate.run import plain_encoders
from vp_tui.core.workers.validate.validation import Place, Setting, validate


@pytest.fixture
def measures_of(made_checkpoint, tmp_path):
    """measures_of(**config) -> the measures of a run on a CPU."""

    def made(**more):
        config = RunConfig(model=str(made_checkpoint()), input=str(PROTEINS), oracle=12, **more)
        place = Place(run_uuid="0" * 32, folder=tmp_path, cache=tmp_path / "cache")
        setting = Setting(
            config=config,
            place=place,
            device=torch.device("cpu"),
            device_reason="asked for",
            sampler=Sampler(None, pytest.fail),
            encoders=(encoders_of if config.fault else plain_encoders)(config),
        )
        return list(validate(setting))[-1].measures

    return made


def test_a_fault_below_the_rounding_of_the_format_is_seen_in_fp32_and_in_the_tables(measures_of):
    found = measures_of(fault="recomputed-inv-freq")
    assert found["R6"]["all"]["semantics_ratio"] > 40
    assert found["R7"]["all"]["rotary_mismatch"] == 2
    assert found["details"]["rotary"] == {"blocks": 2, "mismatched": ["0", "1"]}
    assert found["R5"]["all"]["pooled_ratio"] is None
    assert "24 sequences are needed" in found["details"]["not_measured"]["R5"]


def test_code_that_does_not_fit_in_fp32_costs_one_number_only(measures_of, monkeypatch):
    def full(*_, **__):
        raise ResourceError("no room for FP32")

    monkeypatch.setattr(inspection, "load", full)
    found = measures_of()
    assert found["R6"]["all"]["semantics_ratio"] is None
    assert found["details"]["not_measured"]["R6"].endswith("no room for FP32")
    assert found["R4"]["all"]["rounding_ratio"] < 1.5
    assert found["R7"]["all"]["rotary_mismatch"] == 0
