"""The real checkpoints against the only public FP32 embeddings of them (by fair-esm and the authors' DNABERT-S code).

Sequences and numbers: tests/data of broadinstitute/virnucpro-broad. The checkpoints are never downloaded here: whoever
has them in the Hugging Face cache can run `pytest -m real_weights`, for everybody else the tests say what is missing.
"""

import numpy as np
import pytest

from samples import PUBLISHED_PROTEINS, PUBLISHED_READS
from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import SHORT_NAMES, resolve
from vp_tui.core.models.weight_hash import weights_sha256
from vp_tui.core.workers.embed import embed

pytestmark = pytest.mark.real_weights

ESM_GIANT = 1542
"""The dimension that holds most of the norm."""
ESM = {
    "synthetic_seq_2_chunk_1R2": ([0.00876, -0.02060, -0.00962], 12.711, 13.813),
    "synthetic_seq_1_chunk_1R2": ([0.01102, -0.03922, 0.02693], 12.424, None),
    "fixed_500bp_seq1_chunk_1R1": ([-0.10773, 0.05935, -0.16332], 11.496, None),
}
"""First three dimensions, the giant one, the norm."""
DNABERT = {
    "synthetic_seq_1_chunk_1R1": ([-0.07058, 0.06712, 0.02816], 3.660),
    "fixed_500bp_seq1_chunk_1R1": ([0.03268, 0.13216, 0.07440], 2.614),
}
PRINTED = 5e-6
"""Half of the last digit of the first three; the giant one and the norms have three digits."""
ESM_LIMIT, ESM_GIANT_LIMIT, DNABERT_LIMIT = 1e-4, 1e-3, 2e-5
"""FP32 on another machine; wrong pooling, scale, rotary table or GELU exceed these."""


@pytest.fixture
def embedded(monkeypatch):
    """embedded(short name, sequences) -> id -> FP32 embedding by the cached checkpoint; skips when it is not there."""

    def run(model, path):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        try:
            weights_sha256(fetch(resolve(model)).path)
        except ModelError as error:
            pytest.skip(f"{SHORT_NAMES[model]} is not in the Hugging Face cache: {error}")
        made = embed(RunConfig(model=model, input=str(path), precision="fp32"), print)
        return dict(zip(made.ids, made.embeddings_SD.astype(np.float64), strict=True))

    return run


def test_esm2_3b_gives_the_published_embeddings(embedded):
    rows = embedded("esm2-3b", PUBLISHED_PROTEINS)
    for name, (first, giant, norm) in ESM.items():
        assert rows[name][:3] == pytest.approx(first, abs=ESM_LIMIT + PRINTED), name
        assert rows[name][ESM_GIANT] == pytest.approx(giant, abs=ESM_GIANT_LIMIT), name
        assert norm is None or np.linalg.norm(rows[name]) == pytest.approx(norm, abs=ESM_GIANT_LIMIT), name


def test_dnabert_s_gives_the_published_embeddings(embedded):
    rows = embedded("dnabert-s", PUBLISHED_READS)
    for name, (first, norm) in DNABERT.items():
        assert rows[name][:3] == pytest.approx(first, abs=DNABERT_LIMIT + PRINTED), name
        assert np.linalg.norm(rows[name]) == pytest.approx(norm, abs=ESM_GIANT_LIMIT), name
