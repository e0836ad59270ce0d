"""Planted checkpoints of the tests and of the bench: tiny models with known culprits."""

from pathlib import Path

import numpy as np

from vp_tui.core.inputs import tokenizing
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.synthetic import random_coding_dna, random_proteins
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.dnabert import make_dnabert
from vp_tui.core.workers.plant.planting import Request, plant

MAKERS = {"esm2": make_checkpoint, "dnabert-s": make_dnabert}


def planted(kind, seed, folder, *, model="esm2", culprits=1, num_layers=12):
    """Plant faults in a tiny checkpoint with random weights of `seed` -> (folder of the planted one, planted.json).

    `folder` gets both, as `source` and `planted`; an existing `source` is used again. `kind` may be "mixed".
    """
    folder = Path(folder)
    if not (folder / "source").exists():
        MAKERS[model](folder / "source", seed=seed, num_layers=num_layers, hidden=64)
    document = plant(str(folder / "source"), folder / "planted", Request(kind=kind, seed=seed, culprits=culprits))
    return folder / "planted", document


def unseen(folder, count=6, seed=1000):
    """Tokens of synthetic sequences that no planting was calibrated on."""
    spec = read_spec(Path(folder))
    longest, draw = (600, random_coding_dna) if spec.alphabet == "dna" else (150, random_proteins)
    drawn = draw(np.geomspace(longest // 6, longest, count).astype(np.int64), seed)
    data = SequenceSet(ids=tuple(map(str, range(count))), residues=tuple(drawn))
    return tokenizing.tokenize(spec, Path(folder), data, None)
