"""The history as a tree: runs grouped by model, data, precision and device, with counts; groups open and close."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.panels.runs_columns import RunLine

Path = tuple[str, ...]
"""Values of a group from the outermost level on."""


def _whole(path: str) -> str:
    return fmt.safe(path).rstrip("/") or fmt.DASH


LEVELS: Final[tuple[tuple[str, Callable[[RunRow], str]], ...]] = (
    ("model", lambda run: _whole(run.model)),
    ("data", lambda run: _whole(run.input)),
    ("precision", lambda run: f"{fmt.safe(run.precision)} vs {fmt.safe(run.reference)}"),
    ("device", lambda run: fmt.safe((run.device or "no device").partition(":")[0])),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One line of the tree above its runs."""

    path: Path
    name: str
    """End of the last value that no other group beside it has."""
    num_runs: int
    num_bad: int
    """Runs that failed, in either sense."""
    is_open: bool

    @property
    def text(self) -> str:
        """Return `v esm2-3b  model  12 runs, 2 failed`, indented by its level."""
        depth = len(self.path) - 1
        bad = f", {self.num_bad} failed" if self.num_bad else ""
        sign = "v" if self.is_open else ">"
        return f"{'  ' * depth}{sign} {self.name}  ({LEVELS[depth][0]}, {fmt.plural(self.num_runs, 'run')}{bad})"


def path_of(run: RunRow) -> Path:
    """Return the groups of a run."""
    return tuple(value(run) for _, value in LEVELS)


def tree(rows: Sequence[RunLine], closed: frozenset[Path]) -> tuple[RunLine | Group, ...]:
    """Return groups and the runs of the open ones, in the order in which the rows first name them."""
    return tuple(_below((), rows, closed))


def _below(path: Path, rows: Sequence[RunLine], closed: frozenset[Path]) -> Iterable[RunLine | Group]:
    if len(path) == len(LEVELS):
        yield from rows
        return
    groups: dict[str, list[RunLine]] = {}
    for one in rows:
        groups.setdefault(LEVELS[len(path)][1](one.run), []).append(one)
    for value, mine in groups.items():
        here = (*path, value)
        bad = sum(one.run.verdict in {"FAIL", "INVALID"} or one.run.status in {"failed", "interrupted"} for one in mine)
        yield Group(path=here, name=_name(value, groups), num_runs=len(mine), num_bad=bad, is_open=here not in closed)
        if here not in closed:
            yield from _below(here, mine, closed)


def _name(value: str, beside: Iterable[str]) -> str:
    """Return the last part of a path, with as many before it as tell it from the others."""
    parts = value.split("/")
    for first in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[first:])
        if sum(f"/{other}".endswith(f"/{name}") for other in beside) == 1:
            return name
    return value
