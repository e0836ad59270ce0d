"""The runs that a name stands for when two sides are compared.

A run that is one of several repeats stands for all completed ones of its group: performance is judged by fresh runs,
never by one.
"""

from dataclasses import dataclass

from vp_tui.core.errors import ExitCode, RunFailedError, RunNotFoundError, UsageError
from vp_tui.core.store.baselines import DEFAULT, Baseline
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow

BASELINE = "baseline"
"""`baseline`, or `baseline:NAME`, in the place of a run."""


class NoBaselineError(RunNotFoundError):
    """No active baseline has that name."""

    exit_code = ExitCode.NOT_COMPARABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRuns:
    """The runs of a comparison, each side with one run at least."""

    base_ids: tuple[int, ...]
    cand_ids: tuple[int, ...]


def standing_for(reader: Reader, run_id: int) -> tuple[int, ...]:
    """The run, or, where it is a repeat, the completed runs of its group that have its keys, oldest first.

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
    """The runs that `base` and `cand` (as Reader.find takes them) stand for; two repeats of one group stand alone.

    Raises:
        RunNotFoundError: one is not there; NoBaselineError: no active baseline has the name.
        UsageError: one is still going on. RunFailedError: one ended without a result.
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
    """The baseline called `name` and the runs that `cand_id` stands for.

    Where no baseline of that name has the run's keys, the newest of that name is taken: the comparison then says which
    facts differ.

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
    """NAME of `baseline:NAME`, the default name of `baseline`; None for what names a run."""
    head, colon, name = text.partition(":")
    if head != BASELINE:
        return None
    return name if colon else DEFAULT


def require_baseline(reader: Reader, name: str) -> tuple[Baseline, ...]:
    """The active baselines called `name`, newest first.

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
    """The one whose clocks are comparable with the run's, else whose numbers are, else the newest."""
    found = require_baseline(reader, name)
    wanted = (("perf", row.perf_key), ("accuracy", row.accuracy_key))
    fitting = (one for key in wanted for one in found if (one.key_kind, one.key) == key)
    return next(fitting, found[0])


def _ended(row: RunRow) -> RunRow:
    """The run, once it has come through."""
    if row.is_active:
        raise UsageError(f"run #{row.id} is {row.status}; `vp-tui watch {row.id}` waits for its end")
    if row.status != "completed":
        raise RunFailedError(f"run #{row.id} is {row.status} and has no result to compare; `vp-tui rerun {row.id}`")
    return row
