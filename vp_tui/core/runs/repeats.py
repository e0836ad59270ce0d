"""Selection of the runs on both sides of a comparison.

A repeat selects all completed runs of its group: performance is compared by several fresh runs, never by one.
"""

from dataclasses import dataclass

from vp_tui.core.errors import ExitCode, RunFailedError, RunNotFoundError, UsageError
from vp_tui.core.store.baselines import DEFAULT, Baseline
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow

BASELINE = "baseline"
"""Prefix of `baseline` and `baseline:NAME`, given instead of a run."""


class NoBaselineError(RunNotFoundError):
    """No active baseline has that name."""

    exit_code = ExitCode.NOT_COMPARABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRuns:
    """Runs of a comparison, at least one per side."""

    base_ids: tuple[int, ...]
    cand_ids: tuple[int, ...]


def standing_for(reader: Reader, run_id: int) -> tuple[int, ...]:
    """Return the run, or for a repeat the completed runs of its group with its keys, oldest first.

    Raises:
        RunNotFoundError: no such run.
    """
    row = reader.run(run_id)
    if row.group_id is None:
        return (run_id,)
    repeats = (reader.run(one) for one in reader.group(row.group_id).run_ids)
    return tuple(
        one.id for one in repeats if one.id == run_id or (one.status == "completed" and _keys(one) == _keys(row))
    )


def _keys(row: RunRow) -> tuple[str | None, str | None]:
    return row.accuracy_key, row.perf_key


def sides(reader: Reader, base: str, cand: str) -> ChosenRuns:
    """Return the runs selected by `base` and `cand` (as Reader.find); two repeats of one group are single runs.

    Raises:
        RunNotFoundError: a run does not exist. NoBaselineError: no active baseline has the name.
        UsageError: a run is active. RunFailedError: a run ended without a result.
    """
    cand_row = _ended(reader.run(reader.find(cand)))
    name = baseline_name(base)
    if name is not None:
        return against(reader, name, cand_row.id)
    base_row = _ended(reader.run(reader.find(base)))
    if base_row.group_id is not None and base_row.group_id == cand_row.group_id:
        return ChosenRuns(base_ids=(base_row.id,), cand_ids=(cand_row.id,))
    return ChosenRuns(
        base_ids=standing_for(reader, base_row.id),
        cand_ids=standing_for(reader, cand_row.id),
    )


def against(reader: Reader, name: str, cand_id: int) -> ChosenRuns:
    """Return the runs of the baseline called `name` and those selected by `cand_id`.

    If no baseline of that name has the run's keys, the newest one is used: the comparison lists the differing facts.

    Raises:
        NoBaselineError: no active baseline has the name.
    """
    row = reader.run(cand_id)
    baseline = _baseline(reader, name, row)
    return ChosenRuns(
        base_ids=baseline.run_ids,
        cand_ids=standing_for(reader, cand_id),
    )


def baseline_name(text: str) -> str | None:
    """Return NAME of `baseline:NAME`, the default name of `baseline`, or None for a run."""
    head, colon, name = text.partition(":")
    if head != BASELINE:
        return None
    return name if colon else DEFAULT


def require_baseline(reader: Reader, name: str) -> tuple[Baseline, ...]:
    """Return the active baselines called `name`, newest first.

    Raises:
        NoBaselineError: there is none.
    """
    found = tuple(one for one in reader.baselines(active=True) if one.name == name and one.run_ids)
    if not found:
        raise NoBaselineError(
            f"no active baseline is called {name!r}; pin one with `vp-tui baseline set RUN --name {name} --reason TEXT`"
        )
    return found


def _baseline(reader: Reader, name: str, row: RunRow) -> Baseline:
    """Return the baseline with the run's performance key, else with its accuracy key, else the newest."""
    found = require_baseline(reader, name)
    wanted = (("perf", row.perf_key), ("accuracy", row.accuracy_key))
    fitting = (one for key in wanted for one in found if (one.key_kind, one.key) == key)
    return next(fitting, found[0])


def _ended(row: RunRow) -> RunRow:
    """Return a completed run.

    Raises:
        UsageError: active. RunFailedError: ended without a result."""
    if row.is_active:
        raise UsageError(f"run #{row.id} is {row.status}; wait for it with `vp-tui watch {row.id}`")
    if row.status != "completed":
        raise RunFailedError(
            f"run #{row.id} is {row.status} and has no result to compare; repeat it with `vp-tui rerun {row.id}`"
        )
    return row
