"""`vp-tui doctor`: check of device, kernels, versions, store and terminal."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vp_tui.core.errors import ExitCode, StoreError
from vp_tui.core.report.page import aligned
from vp_tui.core.store.file_system import is_network, kind_of
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.text import plural
from vp_tui.migrations import upgrade
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import module_output


def examine(home: Home, *, as_json: bool) -> int:
    """Print the findings; return STORE_UNAVAILABLE when the store cannot be used."""
    store = _store(home)
    found: dict[str, Any] = {**module_output(home, "doctor"), "store": store, "terminal": _terminal()}
    output.result(output.dumped(found) if as_json else "\n".join(_lines(found)))
    return ExitCode.GOOD if store["ok"] else ExitCode.STORE_UNAVAILABLE


def _store(home: Home) -> dict[str, Any]:
    try:
        upgrade(home)
        with Reader(home) as reader:
            found = {"runs": reader.count_runs(), "check": reader.quick_check()}
        place = {"file_system": kind_of(home.root), "network": is_network(home.root), "writable": home.is_writable}
        return {"ok": True, "path": str(home.database), **found, **place}
    except StoreError as error:
        return {"ok": False, "path": str(home.database), "problem": str(error)}


def _terminal() -> dict[str, Any]:
    return {
        "is_terminal": sys.stdout.isatty(),
        "TERM": os.environ.get("TERM"),
        "COLORTERM": os.environ.get("COLORTERM"),
        "NO_COLOR": os.environ.get("NO_COLOR") is not None,
        "tmux": "TMUX" in os.environ,
    }


def _lines(found: dict[str, Any]) -> list[str]:
    facts, store, terminal = found["environment"], found["store"], found["terminal"]
    packages = ", ".join(f"{name} {version or 'not installed'}" for name, version in found["packages"].items())
    lines = [
        f"vp-tui {facts['vp_tui']}, Python {facts['python']}, SQLite {facts['sqlite']}",
        f"packages   {packages}",
        f"device     {facts['device']} ({facts['device_name']}): {facts['device_reason']}",
        f"telemetry  {found['gpu_telemetry']}",
    ]
    lines += _on_cpu(found["precisions"]) if facts["device"] == "cpu" else _on_gpu(found["precisions"])
    if store["ok"]:
        lines.append(
            f"store      {store['path']}: {plural(store['runs'], 'run')}, quick check {store['check']}{_place(store)}"
        )
    else:
        lines.append(f"store      {store['problem']}")
    colours = terminal["COLORTERM"] or "no COLORTERM: 256 colours at most"
    lines.append(f"terminal   TERM={terminal['TERM']}, {colours}{', in tmux' if terminal['tmux'] else ''}")
    return lines


def _place(store: Mapping[str, Any]) -> str:
    where = f", on {store['file_system'] or 'an unknown file system'}"
    if store["network"]:
        where += " (a network file system: two machines must not write at the same time)"
    return where if store["writable"] else f"{where}; you can read it, not write it"


def _on_cpu(precisions: Mapping[str, Any]) -> list[str]:
    """Return which precisions and kernels there are: a CPU leaves no choice, and has one reason."""
    arms = [arm for one in precisions.values() if one["available"] for arm in one["models"].values()]
    used = dict.fromkeys(arm["attention"] for arm in arms)
    kernels = [name for name in arms[0]["kernels"] if name not in used]
    here = [name for name, one in precisions.items() if one["available"]]
    gone = [name for name in precisions if name not in here]
    return [
        f"precisions {_needing_cuda(here, gone)}",
        f"attention  {_needing_cuda(used, kernels)}",
    ]


def _needing_cuda(here: Iterable[str], gone: Sequence[str]) -> str:
    verb = "needs" if len(gone) == 1 else "need"
    return f"{', '.join(here)}; {', '.join(gone)} {verb} a CUDA device"


def _on_gpu(precisions: Mapping[str, Any]) -> list[str]:
    """Return a table of kernels per model and precision, and every reason once."""
    return [*_attention_lines(precisions), *_steps_lines(precisions)]


def _attention_lines(precisions: Mapping[str, Any]) -> list[str]:
    """Return a table of kernels per model and precision, and each reason once."""
    rows = [("model", "precision", "attention", "not available")]
    reasons: dict[str, list[str]] = {}
    for name, found in precisions.items():
        for kind, arm in found["models"].items() if found["available"] else ():
            kernels = arm["kernels"]
            refused = [kernel for kernel, state in kernels.items() if not state["available"]]
            rows.append((kind, name, arm["attention"], ", ".join(refused) or "-"))
            for kernel in refused:
                reasons.setdefault(f"not {kernel}: {kernels[kernel]['why_not']}", []).append(f"{kind} {name}")
            reasons.setdefault(f"{arm['attention']}: {arm['reason']}", []).append(f"{kind} {name}")
    lines = ["", *aligned(rows), ""]
    lines += [f"{text} ({', '.join(arms)})" for text, arms in reasons.items()]
    gone = [
        f"{name} is not available: {found['reason']}" for name, found in precisions.items() if not found["available"]
    ]
    return [*lines, *gone, ""]


def _steps_lines(precisions: Mapping[str, Any]) -> list[str]:
    """Return the operations between the matmuls with reasons, each once with its precisions."""
    answers: dict[str, list[str]] = {}
    for name, found in precisions.items():
        if found["available"]:
            answers.setdefault(found["ops"], []).append(name)
    return [*(f"{answer} ({', '.join(names)})" for answer, names in answers.items()), ""]
