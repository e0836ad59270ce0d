"""The end of a run for who looks elsewhere: the terminal's bell and its title."""

from collections.abc import Iterable

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow

KEEP_TITLE, GIVE_TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
"""xterm's stack of titles; terminals without one ignore both."""
_NAME = 40


def active_ids(runs: Iterable[RunRow]) -> frozenset[int]:
    return frozenset(run.id for run in runs if run.is_active)


def ended(before: frozenset[int], runs: Iterable[RunRow]) -> tuple[RunRow, ...]:
    """Return the runs that were active in the last view and are over in this one."""
    return tuple(run for run in runs if run.id in before and not run.is_active)


def title_of(runs: tuple[RunRow, ...]) -> str:
    """Return `#42 PASS night` of the newest, with the number of others."""
    run = max(runs, key=lambda one: one.id)
    name = f" {fmt.clip(fmt.safe(run.name), _NAME)}" if run.name else ""
    others = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
    return f"vp-tui: #{run.id} {run.verdict or run.status}{name}{others}"


def title_bytes(words: str) -> str:
    """Return the sequence that sets the title of a terminal; `words` are safe text."""
    return f"\x1b]2;{words}\x07"
