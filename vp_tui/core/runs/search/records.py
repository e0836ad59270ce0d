"""What a search leaves in the folder of its run: every trial as it ends, and the result.

search.jsonl   the question in the first line, then one line per trial: what a killed search continues from
search.json    the result; absent while a search goes on
search.log     the output of a search that was started from the dashboard
search.lock    held by the process that searches; has its budget
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from vp_tui.core.config import Precision, PrecisionPlan
from vp_tui.core.errors import StoreError
from vp_tui.core.files import replacing
from vp_tui.core.formats import UnitFormat
from vp_tui.core.runs.search.algorithm import Stage
from vp_tui.core.thresholds import Frozen

SCHEMA_VERSION: Final = 1
TRIALS: Final = "search.jsonl"
RESULT: Final = "search.json"
LOG: Final = "search.log"
LOCK: Final = "search.lock"
DEFAULT_BUDGET: Final = 32
"""Trials; 8 culprits of 146 units took a median of 24 in simulations (tests/core/runs/test_search_algorithm.py)."""

Status = Literal["confirmed", "unconfirmed", "budget", "not-precision", "not-reproduced", "none"]


class Question(Frozen):
    """What a search is about; a stored search of another question is not continued."""

    run_uuid: str
    base: UnitFormat
    """Format of the units that are not kept; in fp8, of linear layers that are not kept."""
    keep: Precision
    """Format of those that are."""
    faster: bool = False
    pinned: tuple[str, ...] = ()
    """Units that are kept in every set."""
    forbidden: tuple[str, ...] = ()
    """Units that are kept in none."""
    sequences: str
    """Hash of the rows of the search set, of weights and engine: a trial is worth nothing on others."""


class Trial(Frozen):
    """One set of kept units, encoded and compared with the reference."""

    stage: Stage
    kept: tuple[str, ...]
    passed: bool
    nonfinite: int
    """Sequences with a NaN or an infinity."""
    cosine_min: float | None
    """Of the worst sequence; None where one is not finite."""
    failing: str
    """Ids of the gates that fail, with commas; empty when it passed."""
    seconds: float
    is_replayed: bool = False
    """Taken from a search that was interrupted."""


class UnitEvidence(Frozen):
    """Why a unit is suspected; seen on a few sequences before any trial."""

    unit: str
    rank: int
    """1: the most suspicious."""
    headroom_bits: float | None
    """log2(largest number of the base format / largest value that the unit gives or takes, in FP32)."""
    rounding: float | None
    """RMS error of rounding those values once to the base format, over how far a feature varies between tokens; None
    beyond the format's range."""
    cost_ms: float | None = None
    """Milliseconds per 1,000 tokens that keeping the unit adds; None: not measured."""


class Choice(Frozen):
    """One row of the list of plans to choose from."""

    name: str
    kept: int
    passed: bool
    cosine_min: float | None
    tokens_per_s: float
    weight_bytes: int


class Confirmation(Frozen):
    """The plan on sequences that the search has never seen."""

    sequences: int
    passed: bool
    cosine_min: float | None
    failing: str


class SearchResult(Frozen):
    """The end of a search."""

    schema_version: int = SCHEMA_VERSION
    run_id: int
    run_uuid: str
    status: Status
    sentence: str
    """What was found, for the reader."""
    question: Question
    plan: PrecisionPlan | None = None
    reasons: dict[str, str] = Field(default_factory=dict)
    """Kept unit -> why it is kept. The plan names the others where its base is the higher format (below fp16)."""
    trials: int
    searched: int
    """Sequences of the search set."""
    confirmation: Confirmation | None = None
    choices: tuple[Choice, ...] = ()
    evidence: tuple[UnitEvidence, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float
    device: str


def read_trials(folder: Path) -> tuple[Question | None, tuple[Trial, ...]]:
    """Return question and trials of the search in a run's folder; (None, ()) without one.

    A last line that was cut off by a kill is left out.

    Raises StoreError: a line that no version of vp-tui wrote.
    """
    path = folder / TRIALS
    try:
        content = path.read_bytes()
        documents = [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
        if not documents:
            return None, ()
        return Question.model_validate(documents[0]), tuple(Trial.model_validate(one) for one in documents[1:])
    except FileNotFoundError:
        return None, ()
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete it to search from the beginning") from error


def begin(folder: Path, question: Question) -> None:
    """Write the first line of a new search; trials and result of another one are deleted.

    Raises StoreError: the folder cannot be written.
    """
    try:
        (folder / RESULT).unlink(missing_ok=True)
        with replacing(folder / TRIALS) as temporary:
            temporary.write_text(f"{question.model_dump_json()}\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {folder / TRIALS}: {error.strerror or error}") from error


def append(folder: Path, trial: Trial) -> None:
    """Add a trial, which is on the disk when this returns."""
    with (folder / TRIALS).open("r+b") as file:
        whole = file.read()
        # a line that a kill cut off
        file.truncate(whole.rfind(b"\n") + 1)
        file.seek(0, 2)
        file.write(f"{trial.model_dump_json()}\n".encode())
        file.flush()


def write_result(folder: Path, result: SearchResult) -> None:
    """Write the result, whole or not at all."""
    with replacing(folder / RESULT) as temporary:
        temporary.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_result(folder: Path) -> SearchResult | None:
    """Return the result of the search in a run's folder; None without one, or while one goes on.

    Raises StoreError: a file that this version cannot read.
    """
    path = folder / RESULT
    try:
        return SearchResult.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StoreError(f"{path} cannot be read ({error}); search again with `vp-tui search RUN`") from error


def note_budget(lock: int, budget: int) -> None:
    """Write the budget into search.lock, by the descriptor that holds it: closing another one would free the lock."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(budget).encode(), 0)


def read_budget(folder: Path) -> int | None:
    """Return the budget of the search that goes on; None before it is written."""
    text = (folder / LOCK).read_text(encoding="utf-8")
    return int(text) if text.isdigit() else None


def document(result: SearchResult) -> Mapping[str, Any]:
    """Return the result in JSON types."""
    return dict(result.model_dump(mode="json"))
