"""The measures' products on a CUDA device: FP64 as on the host."""

import numpy as np
import pytest
import torch

from vp_tui.core.engine import memory
from vp_tui.core.engine.device_matmul import PORTION_BYTES, matmul_on
from vp_tui.core.measures.matmul import by_numpy
from vp_tui.core.measures.run_measures import after_run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: torch sees none"),
]
CUDA = torch.device("cuda")


def test_a_product_of_more_than_a_portion_is_that_of_numpy():
    generator = np.random.default_rng(0)
    a_AD, b_BD = generator.normal(size=(3000, 320)), generator.normal(size=(9000, 320))
    assert a_AD.nbytes + 8 * 3000 * 9000 > PORTION_BYTES
    found, expected = matmul_on(CUDA)(a_AD, b_BD), by_numpy(a_AD, b_BD)
    # beside the sum of the products' magnitudes, which rounding is a part of
    assert (np.abs(found - expected) <= 1e-14 * (np.abs(a_AD) @ np.abs(b_BD).T)).all()


def test_all_measures_are_those_of_the_host():
    generator = np.random.default_rng(1)
    x_SD = generator.normal(size=(1500, 256)).astype(np.float32)
    x_SD[:, 5] += 20
    y_SD = (x_SD * (1 + 4e-4 * generator.normal(size=x_SD.shape))).astype(np.float32)
    stratum_S = np.arange(1500) % 3
    there, here = (
        after_run(x_SD, y_SD, stratum_S, cosine_limit=0.99, matmul=matmul).values
        for matmul in (matmul_on(CUDA), by_numpy)
    )
    for measure, scopes in here.items():
        for scope, numbers in scopes.items():
            # similarities and the energy distance are 1 minus something: rounding is a part of 1
            assert there[measure][scope] == pytest.approx(numbers, rel=1e-12, abs=1e-12), (measure, scope)


def test_the_device_says_how_many_sms_it_has():
    assert 1 <= memory.num_sms(CUDA) < 1024
