"""`embed` in this process; the command, with its files, is in tests/test_runs.py."""

import numpy as np
import pytest

from samples import PROTEINS
from vp_tui.core.config import RunConfig
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs import packing
from vp_tui.core.workers.embed import embed
from vp_tui.core.workers.validate import prepare


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
    monkeypatch.setattr(prepare, "BLOCKS_PER_STRATUM", 1)
    # making the checkpoint encodes, too
    blocks.clear()
    whole = embed(config, pytest.fail)
    packs = [pack for block in blocks for pack in block]
    assert max(map(len, blocks)) > 3
    blocks.clear()
    monkeypatch.setattr(packing, "MAX_PACKS", 2)
    parts = embed(config, pytest.fail)
    assert max(map(len, blocks)) == 2
    # the very same packs, so the very same bits, in input order
    assert sorted(pack for block in blocks for pack in block) == sorted(packs)
    assert np.array_equal(parts.embeddings_SD, whole.embeddings_SD)
    assert parts.ids == whole.ids
