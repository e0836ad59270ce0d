"""`embed` in this process; the command, with its files, is in tests/test_runs.py."""

import numpy as np
import pytest

from samples import PROTEINS
from vp_tui.core.config import RunConfig
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs import packing
from vp_tui.core.workers.embed import embed


@pytest.fixture
def blocks(monkeypatch):
    """Packs of every block that was queued."""
    seen = []
    real = Encoder.start

    def start(self, tokens, packs):
        seen.append([pack.tolist() for pack in packs])
        return real(self, tokens, packs)

    monkeypatch.setattr(Encoder, "start", start)
    return seen


def test_what_is_queued_at_once_does_not_grow_with_the_sequences(made_checkpoint, blocks, monkeypatch):
    config = RunConfig(
        model=str(made_checkpoint()), input=str(PROTEINS), device="cpu", precision="fp32", token_budget=2048
    )
    whole = embed(config, pytest.fail)
    (packs,) = blocks
    assert len(packs) > 3
    blocks.clear()
    monkeypatch.setattr(packing, "MAX_PACKS", 2)
    parts = embed(config, pytest.fail)
    assert [len(block) for block in blocks] == [2] * (len(packs) // 2) + [1] * (len(packs) % 2)
    # the very same packs, so the very same bits, in input order
    assert [pack for block in blocks for pack in block] == packs
    assert np.array_equal(parts.embeddings_SD, whole.embeddings_SD)
    assert parts.ids == whole.ids
