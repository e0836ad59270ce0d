"""The screen of an empty store: what vp-tui answers, three steps, and what was found on this machine."""

import os
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Final

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.store.home import Home
from vp_tui.tui.marks import line, lines, styled

QUESTION = "Can this protein or DNA language model run in FP16, with the results of FP32?"
STEPS = (
    ("enter", "try it: makes a tiny model and validates it, in half a minute"),
    ("n", "validate your own: a checkpoint and a FASTA file"),
    ("?", "all keys, and what every number means"),
)

_MOVED: Final[Mapping[str, Mapping[str, str]]] = {"search": {"enter": "1 enter"}, "logs": {"n": "ctrl+n"}}
"""Screen -> key -> what does the same there."""


def machine(home: Home, gpu: GpuSample | Unavailable | None) -> tuple[tuple[str, str], ...]:
    """Return name and words of device, GPU, torch and store; reads the versions of packages."""
    try:
        torch = f"torch {metadata.version('torch')}"
    except metadata.PackageNotFoundError:
        torch = "torch is not installed: pip install torch"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(gpu, GpuSample):
        memory = f", {fmt.gib(gpu.memory_total_mib)} GiB" if gpu.memory_total_mib is not None else ""
        found = f"NVIDIA GPU{memory}; runs use it unless torch cannot (`vp-tui doctor` shows more)"
    else:
        found = "no NVIDIA GPU found, so runs use the CPU (`vp-tui doctor` shows more)"
    return ("GPU", found), ("CPU", fmt.plural(cores, "core")), ("torch", torch), ("store", str(home.root))


def welcome(found: Sequence[tuple[str, str]], height: int, screen: str) -> Content:
    """Return the text in at most `height` lines; what was found goes first when space is short.

    Its keys are those of `screen`.
    """
    moved = _MOVED.get(screen, {})
    rows = [styled("vp-tui", "title"), Content(QUESTION), Content("")]
    for number, (key, words) in enumerate(STEPS, start=1):
        rows.append(line(f"{number}  ", (f"{moved.get(key, key):<8}", "info"), words))
    rows += [Content(""), styled("Found on this machine", "dim")]
    rows += [line((f"   {name:<6}", "dim"), fmt.safe(words)) for name, words in found]
    return lines(rows[: max(6, height)])
