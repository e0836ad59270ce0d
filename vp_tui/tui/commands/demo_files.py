"""The demo's files: tiny checkpoints and synthetic sequences, made on first use."""

import subprocess
from pathlib import Path

from vp_tui.core.errors import ExitCode, ResourceError
from vp_tui.core.runs.worker import worker_command
from vp_tui.core.store.home import Home

CHECKPOINT = "checkpoint"
SEQUENCES = "sequences.fasta"


def demo_places(home: Home, fault: str | None = None) -> dict[str, Path]:
    """Return the name of each demo run and the folder of its CHECKPOINT and SEQUENCES, made or not."""
    folder = home.cache / ("demo" if fault is None else f"demo-{fault}")
    return {folder.name: folder} | ({f"{folder.name}-dnabert": folder / "dnabert"} if fault is None else {})


def are_made(places: dict[str, Path]) -> bool:
    """Return True when all files exist; the sequences are written last."""
    return all((place / SEQUENCES).exists() for place in places.values())


def make_demo_files(home: Home, fault: str | None = None) -> dict[str, Path]:
    """Return the demo's places; files that are missing are made by a worker within seconds.

    Nothing of the worker's output reaches the terminal.

    Raises:
        ResourceError: they could not be made; with the last line of the worker's stderr.
    """
    places = demo_places(home, fault)
    if are_made(places):
        return places
    folder = next(iter(places.values()))
    done = subprocess.run(
        worker_command("demo-files", "--folder", str(folder), *(["--fault", fault] if fault else [])),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != ExitCode.GOOD:
        words = done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"]
        raise ResourceError(f"cannot make the demo's files in {folder}: {words[-1].removeprefix('error: ')}")
    return places
