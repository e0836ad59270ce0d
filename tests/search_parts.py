"""A search without a store: a checkpoint, sequences and reference embeddings made in this process."""

import argparse
from pathlib import Path

import numpy as np
import torch

from vp_tui.core.config import RunConfig, plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.synthetic import random_coding_dna, random_proteins
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.loading import load
from vp_tui.core.workers.search import data, run, trial
from vp_tui.core.workers.search.data import SearchData, divided
from vp_tui.core.workers.validate.prepare import prepare

CPU = torch.device("cpu")
BUDGET = 2048


def write_fasta(path, alphabet, count, seed=0):
    """Synthetic sequences whose lengths fall into all three strata."""
    shortest, longest, draw = (90, 480, random_coding_dna) if alphabet == "dna" else (24, 170, random_proteins)
    drawn = draw(np.geomspace(shortest, longest, count).astype(np.int64), seed)
    path.write_text("".join(f">s{index}\n{letters.decode()}\n" for index, letters in enumerate(drawn)))
    return path


def searchable(checkpoint, folder, *, count=160, seed=0, precision="fp16", **more):
    """SearchData of `checkpoint` in FP16 against FP32, as a run over `count` sequences would leave it in `folder`."""
    folder, source = Path(folder), resolve(str(checkpoint))
    folder.mkdir(parents=True, exist_ok=True)
    spec = read_spec(source.path)
    fasta = write_fasta(folder / "sequences.fasta", spec.alphabet, count, seed)
    config = RunConfig(model=str(checkpoint), input=str(fasta), precision=precision, **more)
    prepared = prepare(config, spec, source.path, cache=None, budget_for=lambda _: (BUDGET, "of the test"))
    half = SearchData(
        run_id=1, run_uuid="0" * 32, folder=folder, config=config, source=source, spec=spec, prepared=prepared,
        reference_SD=np.empty(0), cosine_S=np.empty(0), search_Q=np.empty(0), unseen_Q=np.empty(0),
    )  # fmt: skip
    everything = np.arange(len(prepared.sequences))
    reference_SD, candidate_SD = (_embeddings(half, everything, name) for name in ("fp32", precision))
    cosine_S = pair_measures(reference_SD, candidate_SD).cosine_S
    search_Q, unseen_Q = divided(cosine_S, prepared.stratum_S, np.ones(len(everything), bool), data.UNSEEN["cpu"])
    return SearchData(
        run_id=1, run_uuid="0" * 32, folder=folder, config=config, source=source, spec=spec, prepared=prepared,
        reference_SD=reference_SD, cosine_S=cosine_S, search_Q=search_Q, unseen_Q=unseen_Q,
    )  # fmt: skip


def _embeddings(half, rows, name):
    plan = plain_plan(name)
    return trial.encode(Encoder(load(half.source, plan, CPU), plan, CPU), half, rows).embeddings_QD


def options(*arguments):
    """Parsed options of the worker."""
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return parser.parse_args(["--run", "1", *arguments])


def search(found, *arguments, base="fp16", keep="fp32"):
    """The Search over SearchData."""
    return run.search_of(found, CPU, base, keep, options(*arguments))
