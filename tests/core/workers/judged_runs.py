"""A judged run in this process: two sides in, the stream's events out."""

import shutil

import numpy as np
import pytest
import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.workers.judged.judging import judge
from vp_tui.core.workers.judged.sides import recognized
from vp_tui.core.workers.validate.validation import Place, Setting


def setting_of(config, folder):
    return Setting(
        config=config,
        place=Place(run_uuid="0" * 32, folder=folder, cache=folder / "cache"),
        device=torch.device("cpu"),
        device_reason="asked for",
        sampler=Sampler(None, pytest.fail),
    )


def judged(reference, candidate, folder, *, sequences="", **options):
    """Every event of the run; the last is its RunFinished."""
    sides = recognized(str(reference), str(candidate), has_sequences=bool(sequences))
    given = str(sequences) or sides.candidate
    events = [*judge(setting_of(RunConfig(model=sides.reference, input=given, judged=sides, **options), folder))]
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return events


def alike(num=30, width=16, noise=1e-4, seed=0):
    """Two sets of embeddings that differ by noise."""
    random = np.random.default_rng(seed)
    x_SD = random.normal(size=(num, width)).astype(np.float32)
    return x_SD, (x_SD + noise * random.normal(size=x_SD.shape)).astype(np.float32)


def write(path, x_SD, ids, **more):
    np.savez(path, ids=np.asarray(ids), embeddings=x_SD, **more)
    return path
