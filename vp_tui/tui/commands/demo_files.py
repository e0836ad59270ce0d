"""The demo's files: tiny checkpoints and synthetic sequences, made when one is missing."""

import subprocess
from pathlib import Path

from vp_tui.core.errors import ExitCode, ResourceError
from vp_tui.core.runs.worker import worker_command
from vp_tui.core.store.home import Home

CHECKPOINT = "checkpoint"
SEQUENCES = "sequences.fasta"


def demo_places(home: Home, fault: str | None = None) -> dict[str, Path]:
    """Name of each run of the demo -> folder that holds its CHECKPOINT and SEQUENCES, made or not."""
    folder = home.cache / ("demo" if fault is None else f"demo-{fault}")
    return {folder.name: folder} | ({f"{folder.name}-dnabert": folder / "dnabert"} if fault is None else {})


def are_made(places: dict[str, Path]) -> bool:
    """Whether nothing is missing; the sequences are written last."""
    return all((place / SEQUENCES).exists() for place in places.values())


def make_demo_files(home: Home, fault: str | None = None) -> dict[str, Path]:
    """The demo's places, with their files; where they are missing a child process with torch takes seconds for them.

    Nothing of the child reaches our terminal.

    Raises:
        ResourceError: they could not be made; with the last words of the child.
    """
    places = demo_places(home, fault)
    if are_made(places):
        return places
    folder = next(iter(places.values()))
    command = worker_command("demo-files", "--folder", str(folder))
    done = subprocess.run(
        [*command, *(["--fault", fault] if fault else [])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != ExitCode.GOOD:
        words = done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"]
        raise ResourceError(f"the demo's files could not be made in {folder}: {words[-1]}")
    return places
