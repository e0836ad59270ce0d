"""Two tables of predictions as a run: agreement of labels (D1 to D3), and both sides against the truth if known.

The rules are those of `vp-tui virnucpro` (workers.virnucpro.agreement).
"""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA, RunConfig
from vp_tui.core.engine import environment
from vp_tui.core.events import ARMS, ArmSummary, Event, Progress, RunFinished, RunPlanned, StratumStats, now_us
from vp_tui.core.fingerprint import hash_of
from vp_tui.core.inputs.predictions import chunk_of, contig_of
from vp_tui.core.measurements import Measured, as_document
from vp_tui.core.measures.decisions import mcnemar_p, quality
from vp_tui.core.store.rows import as_row
from vp_tui.core.verdict import judge as verdict
from vp_tui.core.verdict.causes import RANK
from vp_tui.core.workers.judged.outcome import ANOTHER, NO_SPEED, NO_SPEEDUP, summary_of
from vp_tui.core.workers.judged.prediction_sides import PredictionSides, opened
from vp_tui.core.workers.validate.plan import Setting, note, phase
from vp_tui.core.workers.virnucpro import agreement
from vp_tui.core.workers.virnucpro.agreement import OTHERS, VIRUS, Consensus, Labels

FLIPS: Final = 100
"""Flips that are kept with a run, the clearest first."""
_NOTHING: Final = "only predictions are known"


def judge(setting: Setting) -> Generator[Event, None, None]:
    """Run to the end.

    Raises:
        InputError: as opened.
    """
    config = setting.config
    yield phase("reading", "predictions")
    found = opened(config)
    yield _planned(setting, found)
    for text in (*found.matching.notes, *found.notes):
        yield note("input", text)
    yield phase("comparing", fmt.plural(len(found.ids), "prediction"))
    yield Progress(at_us=now_us(), done=len(found.ids), total=len(found.ids), eta_s=None)
    yield _finished(config, found)


def _planned(setting: Setting, found: PredictionSides) -> RunPlanned:
    config = setting.config
    virus_S = found.reference_S2[:, VIRUS]
    facts = {"ids": list(found.ids), "reference": [one.hex() for one in virus_S.tolist()]}
    return RunPlanned(
        total=len(found.ids),
        planned=dict.fromkeys(STRATA, 0),
        dataset={
            "name": Path(config.input).name,
            "path": config.input,
            "sha256": hash_of({"ids": facts["ids"]}),
            "n_file": len(found.ids),
            "n": len(found.ids),
            "matching": found.matching.facts,
        },
        model={
            "name": Path(config.model).name,
            "given": config.model,
            "kind": "predictions",
            "weights_sha256": hash_of(facts),
        },
        environment={
            **environment.facts(setting.device, setting.device_reason),
            "flags": dict.fromkeys(ARMS),
            "attention": dict.fromkeys(ARMS, ANOTHER),
            "schedule": "two tables of predictions",
        },
    )


def _finished(config: RunConfig, found: PredictionSides) -> RunFinished:
    limits, sides = config.thresholds, (found.reference_S2, found.candidate_S2)
    labels = agreement.compare_labels(found.ids, *sides)
    chunks = agreement.compare_consensus([chunk_of(name) for name in found.ids], *sides)
    contigs = agreement.compare_consensus([contig_of(name) for name in found.ids], *sides)
    measured = _measured(found, labels, chunks, contigs)
    decided = [*agreement.findings(labels, chunks, contigs, limits)]
    decided += verdict.findings((), Measured(values={"I2": measured.values["I2"]}), limits=limits, gates=config.gates)
    decided.sort(key=lambda one: RANK[one.severity])
    outcome = verdict.verdict(decided)
    share = f"{fmt.exact(labels.agreed)} of {fmt.exact(labels.n)} labels agree"
    told = f"{share}, {fmt.exact(contigs.agreed)} of {fmt.exact(contigs.n)} contigs"
    return RunFinished(
        at_us=now_us(),
        verdict=outcome,
        sentence=told if outcome == "PASS" else f"{decided[0].text} ({told})",
        findings=tuple(decided),
        strata=(_stats(labels),),
        arms={"reference": _summary(config.reference), "candidate": _summary(config.precision)},
        speedup=NO_SPEEDUP,
        measures=as_document(measured),
        perf_valid=False,
        perf_invalid_reason=NO_SPEED,
        exit_code=verdict.exit_code(outcome),
    )


def _measured(found: PredictionSides, labels: Labels, chunks: Consensus, contigs: Consensus) -> Measured:
    clearest = max((flip.distance for flip in labels.flips), default=None)
    shares = {"chunks": _share(chunks), "contigs": _share(contigs)}
    to_virus = sum(flip.candidate > flip.reference for flip in labels.flips)
    return Measured(
        values={
            "I2": {"all": {"unmatched_share": found.matching.unmatched_share}},
            "D1": {"all": {"agreement": labels.agreed / labels.n}},
            "D2": {
                "all": {
                    "shift_mean": labels.shift_mean,
                    "shift_max": labels.shift_max,
                    "flip_distance": clearest,
                }
            },
            "D3": {
                "all": {"agreement": min(shares.values()), **{f"{name}_agreement": one for name, one in shares.items()}}
            },
        },
        details={
            "matching": found.matching.facts,
            "labels": {**as_row(labels), "flips": [as_row(flip) for flip in labels.flips[:FLIPS]]},
            "consensus": {"chunks": _changed(chunks), "contigs": _changed(contigs)},
            "direction": {
                "to_virus": to_virus,
                "to_others": len(labels.flips) - to_virus,
                "mcnemar_p": mcnemar_p(to_virus, len(labels.flips) - to_virus),
            },
            "truth": None if found.truth is None else against_truth(found),
        },
    )


def _share(consensus: Consensus) -> float:
    return consensus.agreed / consensus.n if consensus.n else 1.0


def _changed(consensus: Consensus) -> dict[str, Any]:
    return {"n": consensus.n, "agreed": consensus.agreed, "changed": list(consensus.changed[:FLIPS])}


def against_truth(found: PredictionSides) -> dict[str, Any]:
    """Return the quality of both sides, over all and per stratum, and McNemar's test between them."""
    assert found.truth is not None, "only where the truth is known"
    known_S = np.array([one is not None for one in found.truth])
    truth_S = np.array([bool(one) for one in found.truth])
    scopes = {"all": known_S}
    if found.stratum_S is not None:
        scopes |= {name: known_S & (found.stratum_S == index) for index, name in enumerate(STRATA)}
    return {
        "known": int(known_S.sum()),
        "unknown": int((~known_S).sum()),
        "scopes": {name: _of_scope(found.scores, truth_S, mask_S) for name, mask_S in scopes.items() if mask_S.any()},
    }


def _of_scope(scores: Mapping[str, np.ndarray], truth_S: np.ndarray, mask_S: np.ndarray) -> dict[str, Any]:
    rights, found = [], {}
    for side, scores_S2 in scores.items():
        mine_S2, truth_K = scores_S2[mask_S], truth_S[mask_S]
        virus_K = mine_S2[:, VIRUS] > mine_S2[:, OTHERS]
        found[side] = quality(virus_K, mine_S2[:, VIRUS], truth_K).document
        rights.append((virus_K == truth_K) & np.isfinite(mine_S2).all(axis=1))
    lost, won = int((rights[0] & ~rights[1]).sum()), int((~rights[0] & rights[1]).sum())
    return {**found, "mcnemar": {"only_reference_right": lost, "only_candidate_right": won, "p": mcnemar_p(lost, won)}}


def _stats(labels: Labels) -> StratumStats:
    return StratumStats(
        scope="all",
        planned=labels.n,
        n=labels.n,
        tokens=0,
        cosine_min=None,
        cosine_p01=None,
        cosine_mean=None,
        below=0,
        nan=labels.unlabelled_candidate,
        inf=0,
        relative_l2_p99=None,
        norm_ratio_worst=None,
        reference_tokens_per_s=None,
        candidate_tokens_per_s=None,
        speedup=None,
    )


def _summary(precision: str) -> ArmSummary:
    return summary_of(precision, kernel=ANOTHER, reason=_NOTHING)
