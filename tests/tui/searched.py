"""Searches of the run of snapshots.failed_gate: a model of 36 blocks whose second last feed-forward overflows."""

from dataclasses import replace
from typing import Any

import snapshots

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.inputs.units import IN_BLOCK
from vp_tui.core.runs.search.launch import SearchState
from vp_tui.core.runs.search.records import Choice, Confirmation, Question, SearchResult, Trial, UnitEvidence
from vp_tui.core.store.snapshot import RunSnapshot

BLOCKS = 36
BEYOND = ("layers.34.fc1", "layers.34.gelu", "layers.34.fc2")
COARSE = "layers.35.residual"
UNITS = (
    "embedding",
    *(f"layers.{block}.{name}" for block in range(BLOCKS) for name in IN_BLOCK["esm2"]),
    "final_norm",
)
PLAN = PrecisionPlan(name="run-42", precision="fp16", kept=dict.fromkeys((*BEYOND, COARSE), "fp32"))
QUESTION = Question(run_uuid=f"{42:032x}", base="fp16", keep="fp32", sequences="d3" * 32)


def run(**changes: Any) -> RunSnapshot:
    """The failed run, of a model whose units are known."""
    failed = snapshots.failed_gate()
    return replace(failed, **({"model": {"kind": "esm2", "layers": BLOCKS}} | changes))


def evidence() -> tuple[UnitEvidence, ...]:
    """Of every unit, the most suspicious first."""
    ranked = [*BEYOND, COARSE, *(unit for unit in UNITS if unit not in {*BEYOND, COARSE})]
    return tuple(
        UnitEvidence(
            unit=unit,
            rank=rank,
            headroom_bits=-1.6 if unit in BEYOND else 2.1 if unit == COARSE else 12.5,
            rounding=None if unit in BEYOND else 9e-2 if unit == COARSE else 4e-4,
            cost_ms=0.31 if unit.endswith(("fc1", "fc2")) else 0.0,
        )
        for rank, unit in enumerate(ranked, start=1)
    )


def choice(name: str, kept: int, tokens_per_s: float, **changes: Any) -> Choice:
    values = {"passed": True, "cosine_min": 0.9999993, "weight_bytes": 5_700_000_000}
    return Choice(name=name, kept=kept, tokens_per_s=tokens_per_s, **(values | changes))


def result(**changes: Any) -> SearchResult:
    """Confirmed, unless told otherwise."""
    values: dict[str, Any] = {
        "run_id": 42,
        "run_uuid": QUESTION.run_uuid,
        "status": "confirmed",
        "sentence": "plan run-42 keeps 4 of 326 units in fp32, the rest in fp16; it passes on 2,000 sequences that the "
        "search had not seen",
        "question": QUESTION,
        "plan": PLAN,
        "reasons": dict.fromkeys(BEYOND, "its values leave the range of fp16")
        | {COARSE: "without it the searched sequences fail"},
        "trials": 9,
        "searched": 128,
        "confirmation": Confirmation(sequences=2000, passed=True, cosine_min=0.9999991, failing=""),
        "choices": (
            choice("fp16", 0, 166_700.0, passed=False, cosine_min=None),
            choice("plan:run-42", 4, 158_200.0),
            choice("fp32", 326, 81_300.0, cosine_min=1.0, weight_bytes=11_400_000_000),
        ),
        "evidence": evidence(),
        "seconds": 42.0,
        "device": "cuda:0",
    }
    return SearchResult(**(values | changes))


def after(**changes: Any) -> SearchState:
    """The search has ended."""
    found = result(**changes)
    return SearchState(is_running=False, question=found.question, trials=trials(9), result=found, last_line="the end")


def nothing(status: str, sentence: str, **changes: Any) -> SearchState:
    """It has ended before it looked at any unit."""
    return after(
        status=status, sentence=sentence, plan=None, reasons={}, evidence=(), choices=(), confirmation=None, **changes
    )


def trials(number: int) -> tuple[Trial, ...]:
    """The first fails, the second passes, then prefixes that pass."""
    first = Trial(stage="base", kept=(), passed=False, nonfinite=12, cosine_min=None, failing="V1, M1", seconds=6.0)
    every = first.model_copy(
        update={"stage": "all", "kept": UNITS, "passed": True, "nonfinite": 0, "cosine_min": 1.0, "failing": ""}
    )
    pruned = every.model_copy(update={"stage": "prune", "kept": BEYOND, "cosine_min": 0.9999993})
    return (first, every, *[pruned] * (number - 2))[:number]


def under_way(number: int = 3, budget: int | None = 24) -> SearchState:
    """So many trials have ended, each took six seconds."""
    return SearchState(
        is_running=True,
        question=QUESTION,
        trials=trials(number),
        result=None,
        last_line="trial 3, prune: 3 units kept, passes",
        budget=budget,
    )
