"""Tiny models of every kind with real sequences, and everything a probe of them needs."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

import hf_checkpoints
from samples import PROTEINS, READS
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.faults.inject import FaultyEncoders
from vp_tui.core.engine.probe import oracle
from vp_tui.core.engine.probe.sample import Sample, stratified
from vp_tui.core.inputs import sequences, tokenizing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import loading

CPU = torch.device("cpu")
BUDGET = 4096


@dataclass
class Case:
    """A checkpoint and a sample of its sequences."""

    folder: object
    sample: Sample

    @property
    def source(self):
        return resolve(str(self.folder))

    @property
    def spec(self):
        return read_spec(self.source.path, self.source.name)

    def encoder(self, name, fault=None):
        plan = plain_plan(name)
        loaded = loading.load(self.source, plan, CPU)
        return (
            Encoder(loaded, plan, CPU) if fault is None else FaultyEncoders(fault).make("candidate", loaded, plan, CPU)
        )

    def rows(self, encoder):
        """The embeddings of the sample as a run has them."""
        block = encoder.encode(self.sample.tokens, self.sample.packs(BUDGET))
        rows_PD = np.empty_like(block.embeddings_SD)
        rows_PD[self.sample.order_P] = block.embeddings_SD
        return rows_PD


@pytest.fixture(scope="session")
def probe_case():
    """The class Case."""
    return Case


def case_of(folder, fasta, *, count=24, longest=512):
    data = sequences.read(fasta)
    tokens = tokenizing.tokenize(read_spec(folder), folder, data, None)
    stratum_S = np.digitize(tokens.lengths_S, [66, 130])
    shorter_S = np.flatnonzero(tokens.lengths_S <= longest)
    picked = stratified(stratum_S[shorter_S], tokens.lengths_S[shorter_S], count)
    indices_P = shorter_S[picked]
    sample = Sample(
        tokens=tokens,
        indices_P=indices_P,
        stratum_P=stratum_S[indices_P],
        pooling=read_spec(folder).pooling,
        budget=BUDGET,
    )
    return Case(folder=folder, sample=sample)


@pytest.fixture(scope="session")
def case(made_checkpoint, made_dnabert, tmp_path_factory):
    """case(kind): "esm2", "esm2-overflow", "dnabert-s" or a name of hf_checkpoints.MAKERS."""
    made = {}

    def make(kind):
        if kind == "dnabert-s":
            return case_of(made_dnabert, READS)
        if kind.startswith("esm2"):
            return case_of(made_checkpoint(kind.partition("-")[2] or None), PROTEINS)
        folder = tmp_path_factory.mktemp("probe") / kind
        hf_checkpoints.MAKERS[kind](folder)
        # ESM-1b has 200 positions
        return case_of(folder, READS if kind == "ModernBERT" else PROTEINS, longest=190)

    def get(kind):
        if kind not in made:
            made[kind] = make(kind)
        return made[kind]

    return get


@pytest.fixture(scope="session")
def ask(case):
    """ask(kind, name) -> OracleTrace, made once."""
    made = {}

    def get(kind, name):
        if (kind, name) not in made:
            found = case(kind)
            made[kind, name] = oracle.ask(
                oracle.OracleRequest(
                    source=found.source, spec=found.spec, sample=found.sample, plan=plain_plan(name), device=CPU
                )
            )
        return made[kind, name]

    return get
