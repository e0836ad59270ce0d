"""Commands for baselines: pin, list, retire."""

import os
import shlex
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.runs import repeats
from vp_tui.core.store import baselines
from vp_tui.core.store.baselines import Baseline
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.text import safe
from vp_tui.tui.commands import output


def pin(home: Home, run: str, *, name: str, reason: str) -> None:
    """Pin a run, or all completed repeats of its group, and print the pinned runs.

    Raises:
        RunNotFoundError: no such run. UsageError: it is not whole, or no reason or name is given.
    """
    with Reader(home) as reader:
        run_id = reader.find(run)
    pinned = set_standing(home, run_id, name=name, reason=reason)
    runs = ", ".join(f"#{run_id}" for run_id in pinned.run_ids)
    output.result(f"baseline {safe(pinned.name)!r}: {'run' if len(pinned.run_ids) == 1 else 'runs'} {runs}")
    with Reader(home) as reader:
        failed = [f"#{one}" for one in pinned.run_ids if reader.run(one).verdict in {"FAIL", "INVALID"}]
    if failed:
        retire = f"vp-tui baseline unset {shlex.quote(safe(pinned.name))} --reason TEXT"
        output.say(f"it failed its own validation ({', '.join(failed)}); `{retire}` retires it")


def set_standing(home: Home, run_id: int, *, name: str, reason: str) -> Baseline:
    """Pin the run and its repeats on behalf of the current user.

    Raises:
        As `pin`.
    """
    with Reader(home) as reader:
        run_ids = repeats.standing_for(reader, run_id)
    return baselines.set_baseline(home, run_ids, name=name, reason=reason, by=os.environ.get("USER") or "user")[0]


def unpin(home: Home, name: str, *, reason: str) -> None:
    """Retire every active baseline of that name."""
    baselines.unset_baseline(home, name, reason=reason)
    output.result(f"baseline {safe(name)!r} is retired; `vp-tui baseline list --all` still lists it")


def print_baselines(home: Home, *, everything: bool, as_json: bool) -> None:
    """Print the baselines, newest first; accuracy and performance keys of one baseline share a row."""
    with Reader(home) as reader:
        found = reader.baselines(active=not everything)
        models = {run_id: reader.run(run_id).model for one in found for run_id in one.run_ids[-1:]}
    if as_json:
        output.result(output.dumped([_document(one) for one in found]))
    elif not found:
        output.result("no baselines: pin one with `vp-tui baseline set RUN --reason TEXT`")
    else:
        titles = ("name", "runs", "model", "pinned", "by", "retired", "reason")
        rows = [_row(one, models) for one in found]
        output.table([titles, *dict.fromkeys(rows)])


def _document(one: Baseline) -> dict[str, Any]:
    names = ("id", "name", "key_kind", "key", "reason", "created_at_us", "created_by", "retired_at_us")
    values = {name: getattr(one, name) for name in (*names, "retired_reason")}
    return {**values, "active": one.is_active, "run_ids": list(one.run_ids), "run_uuids": list(one.run_uuids)}


def _row(one: Baseline, models: dict[int, str]) -> tuple[str, ...]:
    runs = ", ".join(f"#{run_id}" for run_id in one.run_ids) or "deleted"
    model = models[one.run_ids[-1]] if one.run_ids else ""
    retired = fmt.date_time(one.retired_at_us)
    why = one.reason if one.is_active else f"{one.reason} ({one.retired_reason})"
    pinned = fmt.date_time(one.created_at_us)
    short = fmt.clip(safe(model).rstrip("/").rpartition("/")[2], 24)
    return (safe(one.name), runs, short, pinned, safe(one.created_by), retired, safe(why))
