"""Which rows are sketched: the same number of every sequence, and the same tokens in every layout."""

import numpy as np
import pytest

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.probe.sketch import SKETCH_ROWS, signs, sketched
from vp_tui.core.engine.probe.trace import trace


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
def test_every_sequence_gives_an_equal_number_of_rows_or_all(case, kind):
    sample = case(kind).sample
    found = sketched(sample, is_padded=False)
    quota = SKETCH_ROWS // len(sample.indices_P)
    counts_P = np.bincount(found.sequence_R, minlength=len(sample.indices_P))
    assert np.array_equal(counts_P, np.minimum(sample.lengths_P, quota))
    assert found.rows == sample.lengths_P.sum()
    assert len(found.row_R) <= SKETCH_ROWS
    assert np.all(np.diff(found.row_R) > 0)
    assert np.array_equal(sample.sequence_N[found.row_R], found.sequence_R)
    assert np.allclose(np.bincount(found.sequence_R, found.weight_R), sample.lengths_P)


def test_rows_of_padded_batches_are_the_same_tokens(case):
    found = case("ProtBERT")
    sample, encoder = found.sample, found.encoder("fp32")
    got = trace(encoder.loaded.model, sample, encoder.plan, encoder.device, target=plain_plan("fp16"))
    tokens, cells = (sketched(sample, is_padded=is_padded) for is_padded in (False, True))
    assert np.array_equal(tokens.sequence_R, cells.sequence_R)
    last = got.blocks[-1]
    assert got.points[last].rows == cells.rows > tokens.rows
    wanted_RK = got.tokens_ND[tokens.row_R].astype(np.float64) @ signs(last, got.tokens_ND.shape[1]).numpy()
    assert np.allclose(got.points[last].sketch_RK, wanted_RK, rtol=1e-5, atol=1e-5)
