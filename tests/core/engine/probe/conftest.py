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
from vp_tui.core.engine.probe.noise import noise
from vp_tui.core.engine.probe.sample import Sample, stratified
from vp_tui.core.engine.probe.semantics import in_fp32
from vp_tui.core.engine.probe.stage import Probed, encode_again, look_inside
from vp_tui.core.engine.probe.tables import stored_frequencies
from vp_tui.core.inputs import sequences, tokenizing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import loading

CPU = torch.device("cpu")
BUDGET = 4096


def as_plan(given):
    """A PrecisionPlan as it is; the plain one of a precision's name."""
    return plain_plan(given) if isinstance(given, str) else given


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

    def encoder(self, plan, fault=None):
        plan = as_plan(plan)
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
    """ask(kind, plan) -> OracleTrace, made once; `plan` is a PrecisionPlan or the name of a precision."""
    made = {}

    def get(kind, plan):
        plan = as_plan(plan)
        key = kind, plan.model_dump_json()
        if key not in made:
            found = case(kind)
            made[key] = oracle.ask(
                oracle.OracleRequest(source=found.source, spec=found.spec, sample=found.sample, plan=plan, device=CPU)
            )
        return made[key]

    return get


@pytest.fixture(scope="session")
def probe(case, ask):
    """probe(kind, plan, change=None) -> Probed; `change` may break the candidate's encoder."""

    def run(kind, plan, change=None):
        found = case(kind)
        reference = found.encoder("fp32")
        reference_PD = found.rows(reference)
        encoder = found.encoder(plan)
        if change is not None:
            change(encoder)
        rows_PD = found.rows(encoder)
        sample = found.sample
        return Probed(
            sample=sample,
            candidate=encode_again(
                encoder, sample, rows_PD, look_inside(encoder, sample, stored_frequencies(found.source, found.spec))
            ),
            candidate_rows_PD=rows_PD,
            reference_rows_PD=reference_PD,
            reference_noise=noise(reference, sample.tokens, sample.indices_P, reference_PD, sample.budget),
            oracle=ask(kind, plan),
            semantics=in_fp32(lambda: found.encoder("fp32"), sample, encoder.loaded.attention_kernel),
        )

    return run
