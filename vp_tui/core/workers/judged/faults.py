"""The search for known faults in a judged run: which tests can be made, and on which sequences."""

from functools import partial
from typing import Final

import numpy as np

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.probe.sample import stratified
from vp_tui.core.engine.suspects.lineup import Lineup
from vp_tui.core.engine.suspects.outputs import Outputs
from vp_tui.core.events import ARMS
from vp_tui.core.inputs import tokenizing
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.measurements import Measured
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.models.loading import load
from vp_tui.core.workers.judged import recognize
from vp_tui.core.workers.judged.data import JudgedArm, JudgedData
from vp_tui.core.workers.judged.recognize import Fault
from vp_tui.core.workers.judged.sides import Sides, checkpoint_of
from vp_tui.core.workers.validate.plan import Setting

LINEUP: Final = 24
"""Sequences that are encoded as every suspect would."""
_LONGEST: Final = 1022
"""Residues up to which ESM-2 programs read a protein whole."""
_MOST: Final = 0.5
"""Share of exchanged rows from which on there is nothing left to explain."""


def look(setting: Setting, found: Sides, data: JudgedData, reference: JudgedArm, candidate: JudgedArm) -> Measured:
    """Look for known faults and return F1."""
    arms = dict(zip(ARMS, (reference, candidate), strict=True))
    rows_S = np.flatnonzero(finite_rows(reference.embeddings_SD, candidate.embeddings_SD))
    if not len(rows_S):
        return Measured()
    faults = [*recognize.exchanged(reference.embeddings_SD, candidate.embeddings_SD, rows_S, lambda row: data.ids[row])]
    for side in ARMS:
        if side != found.encoded:
            arm = arms[side]
            faults += recognize.few_bits(side, arm.plan.name, arm.embeddings_SD)
            faults += recognize.fp16_sums(arm.embeddings_SD, _counts(data), rows_S)
    if found.encoded is not None:
        judged = candidate if found.encoded == "reference" else reference
        faults += _by_lineup(setting, data, judged, rows_S, faults)
    return recognize.as_measured(faults, with_checkpoint=found.encoded is not None)


def _counts(data: JudgedData) -> np.ndarray:
    """Tokens in the mean of each protein; 0 where they are not known."""
    if data.alphabet != "protein":
        return np.zeros_like(data.tokens_S)
    return np.where(data.tokens_S <= _LONGEST, data.tokens_S, 0)


def _by_lineup(
    setting: Setting, data: JudgedData, judged: JudgedArm, rows_S: np.ndarray, before: list[Fault]
) -> list[Fault]:
    if any(fault.numbers.get("share", 0.0) > _MOST for fault in before if fault.name == "exchanged"):
        return []
    lineup = _lineup(setting, data, rows_S)
    y_RD = judged.embeddings_SD[lineup.rows_R].astype(np.float64)
    found = recognize.by_lineup(lineup, y_RD, judged.plan.name)
    known = {fault.name for fault in before}
    # fewer bits are the lower precision
    return [fault for fault in found if not (fault.name == "reduced-precision" and known & {"few-bits", "fp16-sums"})]


def _lineup(setting: Setting, data: JudgedData, rows_S: np.ndarray) -> Lineup:
    config = setting.config
    assert data.sequences is not None, "a checkpoint comes with sequences"
    source = fetch(resolve(checkpoint_of(config), trust_remote_code=config.trust_remote_code))
    spec = read_spec(source.path, source.name)
    tokens = tokenizing.tokenize(
        spec, source.path, data.sequences, setting.place.cache, trust_remote_code=config.trust_remote_code
    )
    whole_S = rows_S[_is_whole(spec.max_residues, data)[rows_S]]
    usable_S = whole_S if len(whole_S) else rows_S
    chosen_R = usable_S[stratified(data.stratum_S[usable_S], tokens.lengths_S[usable_S], LINEUP)]
    loaded = partial(load, source, plain_plan("fp32"), setting.device, config.attention, spare_fp32=True)
    return Lineup(
        load=loaded,
        outputs=Outputs(loaded(), setting.device),
        tokens=tokens,
        rows_R=chosen_R,
        orders=_orders(data, tokens) if len(data.ids) == sum(data.in_file.values()) else {},
    )


def _is_whole(limit: int | None, data: JudgedData) -> np.ndarray:
    return np.ones(len(data.ids), bool) if limit is None else data.tokens_S <= limit


def _orders(data: JudgedData, tokens: TokenSet) -> dict[str, np.ndarray]:
    """Orders in which another program may have made its batches."""
    found = {"in the order of the FASTA file": np.arange(len(data.ids))}
    own_S = np.argsort(data.rows["candidate"], kind="stable")
    if not np.array_equal(own_S, found["in the order of the FASTA file"]):
        found["in the order of the embeddings"] = own_S
    return found | {"by length": np.argsort(tokens.lengths_S, kind="stable")}
