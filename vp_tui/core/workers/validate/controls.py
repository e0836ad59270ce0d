"""C1: negative controls. The reference is corrupted on purpose, and every embedding gate must detect it.

Passing means something only for a gate that fails when it should. Each control of core.measures.corruption is one kind
of corruption; a gate that detects none is insensitive (blind) on this data, and a control that no gate detects is a
corruption that this validation misses.

Shape suffixes: S sequences, D embedding width.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.table import BY_ID, EMBEDDING_GATES
from vp_tui.core.measurements import Measured, merged
from vp_tui.core.measures import selection
from vp_tui.core.measures.corruption import CONTROLS, Corruption
from vp_tui.core.measures.run_measures import after_run
from vp_tui.core.measures.selection import even_quotas
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import reach_of, scopes_of, value_of

ROWS = 512
"""Corrupted sequences: enough for a 1st percentile, few enough to measure every control in seconds."""


class Measure(Protocol):
    """Embeddings of both arms, float32 [S, D], and stratum_S int [S] in; measures out."""

    def __call__(
        self, x_SD: np.ndarray, y_SD: np.ndarray, stratum_S: np.ndarray, *, cosine_limit: float
    ) -> Measured: ...


def run(
    x_SD: np.ndarray,
    stratum_S: np.ndarray,
    limits: Thresholds,
    *,
    measure: Measure = after_run,
    controls: Mapping[str, tuple[Corruption, str]] = CONTROLS,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Measured:
    """Corrupt up to ROWS finite rows of the reference by every control, and evaluate every embedding gate.

    Values: C1, all: `controls` (that were possible) and `uncaught`. Details: `controls` with `caught` (control -> gate
    ids), `texts` (control -> what it means), `blind` (gates that had numbers and caught nothing) and `impossible`.
    Empty when no control was possible. `tell` is called after each with the number done and that of all, from several
    threads.
    """
    rows_R = chosen_rows(x_SD, stratum_S)
    clean_SD, clean_stratum_S = x_SD[rows_R], stratum_S[rows_R]

    done = itertools.count(1)

    def ask(corrupt: Corruption) -> Measured | None:
        damaged_SD = corrupt(clean_SD) if len(rows_R) else None
        measured = None
        if damaged_SD is not None:
            measured = measure(clean_SD, damaged_SD, clean_stratum_S, cosine_limit=limits.fail(M1))
        tell(next(done), len(controls))
        return measured

    answers = selection.on_all_cores(ask, [corrupt for corrupt, _text in controls.values()])
    found = {name: answer for name, answer in zip(controls, answers, strict=True) if answer is not None}
    return _evaluated(found, controls, limits)


def _evaluated(
    found: Mapping[str, Measured], controls: Mapping[str, tuple[Corruption, str]], limits: Thresholds
) -> Measured:
    """Return which gates detected which of the controls that were possible."""
    impossible = [name for name in controls if name not in found]
    asked = {gate.id for gate in EMBEDDING_GATES if any(_has_numbers(gate, one) for one in found.values())}
    caught = {name: [gate.id for gate in EMBEDDING_GATES if catches(gate, one, limits)] for name, one in found.items()}
    catchers = {gate for gates in caught.values() for gate in gates}
    blind = [gate for gate in BY_ID if gate in asked - catchers]
    details: dict[str, Any] = {
        "caught": caught,
        "texts": {name: text for name, (_corrupt, text) in controls.items()},
        "blind": blind,
        "impossible": impossible,
    }
    numbers = {"controls": float(len(caught)), "uncaught": float(sum(not gates for gates in caught.values()))}
    return Measured(values={"C1": {"all": numbers}} if caught else {}, details={"controls": details})


def beyond_the_run(measured: Measured, limits: Thresholds) -> Measured:
    """Return the measures of a run without the gates that fire on its own embeddings among those that caught a control.

    A gate that fires without the corruption does not detect it.
    """
    controls = measured.details.get("controls")
    if not controls:
        return measured
    fired = {gate.id for gate in EMBEDDING_GATES if catches(gate, measured, limits)}
    caught = {name: [gate for gate in gates if gate not in fired] for name, gates in controls["caught"].items()}
    uncaught = float(sum(not gates for gates in caught.values()))
    part = Measured(
        values={"C1": {"all": {"uncaught": uncaught}}} if caught else {},
        details={"controls": {**controls, "caught": caught, "fired": sorted(fired)}},
    )
    return merged([measured, part])


def chosen_rows(x_SD: np.ndarray, stratum_S: np.ndarray) -> np.ndarray:
    """Return up to ROWS rows of finite embeddings in order, shared evenly between the strata, int64 [R].

    A stratum with fewer rows gives its share to the others; within one the rows are evenly spaced, because a file may
    be sorted.
    """
    finite_S = selection.finite_rows(x_SD)
    strata = [np.flatnonzero(finite_S & (stratum_S == index)) for index in range(len(STRATA))]
    quotas = even_quotas(np.array([len(rows_R) for rows_R in strata]), ROWS)
    picked = [rows_R[selection.evenly(len(rows_R), int(quota))] for rows_R, quota in zip(strata, quotas, strict=True)]
    return np.sort(np.concatenate(picked))


def catches(gate: Gate, measured: Measured, limits: Thresholds) -> bool:
    """Return True when the gate misses any of its limits in any scope."""
    scopes = measured.values.get(gate.measure, {})
    return any(reach_of(gate, scopes.get(scope, {}), limits) for scope in scopes_of(gate))


def _has_numbers(gate: Gate, measured: Measured) -> bool:
    scopes = measured.values.get(gate.measure, {})
    return any(value_of(gate, scopes.get(scope, {})) is not None for scope in scopes_of(gate))
