"""What the tests of `vp-tui virnucpro` share: a tiny pair of models, and a classifier that fits both."""

import torch

DNABERT_WIDTH, ESM_WIDTH = 64, 128


def state_dict(width, hidden=16, seed=1):
    """A classifier whose scores differ from frame to frame."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "hidden_layer.weight": torch.randn(hidden, width, generator=generator) / width**0.5,
        "hidden_layer.bias": torch.zeros(hidden),
        "bn1.weight": torch.ones(hidden),
        "bn1.bias": torch.zeros(hidden),
        "bn1.running_mean": torch.zeros(hidden),
        "bn1.running_var": torch.ones(hidden),
        "output_layer.weight": torch.randn(2, hidden, generator=generator),
        "output_layer.bias": torch.zeros(2),
    }


def make_pair(place):
    """Write folders of a tiny ESM-2 and a tiny DNABERT-S below `place`, and their classifier."""
    from vp_tui.core.workers.demo.checkpoints import make_checkpoint
    from vp_tui.core.workers.demo.dnabert import make_dnabert

    make_checkpoint(place / "esm", num_layers=2, hidden=ESM_WIDTH)
    make_dnabert(place / "dnabert", num_layers=2, hidden=DNABERT_WIDTH, num_heads=2)
    torch.save(state_dict(DNABERT_WIDTH + ESM_WIDTH), place / "500_model.pth")
