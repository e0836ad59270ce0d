"""The active baselines as screens use them: one per name and set of runs, whatever kinds of key they are set for."""

from typing import TYPE_CHECKING

from vp_tui.core.errors import RunNotFoundError
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import StoreReader
from vp_tui.tui.messages import Pinned

if TYPE_CHECKING:
    from vp_tui.core.store.baselines import Baseline


def pinned(reader: StoreReader, runs: tuple[RunRow, ...]) -> tuple[Pinned, ...]:
    """Return those whose runs still exist, newest first; `runs` are rows that have been read already."""
    found: dict[tuple[str, tuple[int, ...]], dict[str, Baseline]] = {}
    for one in reader.baselines(active=True):
        if one.run_ids:
            found.setdefault((one.name, one.run_ids), {})[one.key_kind] = one
    every = (_pinned(reader, runs, kinds) for kinds in found.values())
    return tuple(one for one in every if one is not None)


def _pinned(reader: StoreReader, runs: tuple[RunRow, ...], kinds: "dict[str, Baseline]") -> Pinned | None:
    one = next(iter(kinds.values()))
    newest = one.run_ids[-1]
    row = next((run for run in runs if run.id == newest), None)
    if row is None:
        try:
            row = reader.run(newest)
        except RunNotFoundError:
            # deleted by another process after the baselines were read
            return None
    keys = {kind: baseline.key for kind, baseline in kinds.items()}
    return Pinned(
        name=one.name,
        reason=one.reason,
        accuracy_key=keys.get("accuracy"),
        perf_key=keys.get("perf"),
        run_ids=one.run_ids,
        run=row,
    )
