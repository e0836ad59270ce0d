"""The rows of a run's devices while it goes on: one small file in its folder, replaced once a second."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

NAME: Final = "devices.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One device of a run of several."""

    name: str
    model: str
    state: str
    """works, slow, or lost: and why."""
    packs: int
    """Encoded by it, in both arms."""
    tokens: int
    tokens_per_s: float | None
    """Per second of device work, both arms together."""
    utilization: float | None
    """Percent; None on a CPU."""
    arms: Mapping[str, float] = field(default_factory=dict)
    """Arm -> tokens per second of device work."""


def write(folder: Path, rows: Sequence[DeviceRow]) -> None:
    """Replace the rows of the run in `folder`; a disk that is full or gone costs the rows, not the run."""
    temporary = folder / f"{NAME}.new"
    try:
        temporary.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
        temporary.replace(folder / NAME)
    except OSError:
        return


def read(folder: Path) -> tuple[DeviceRow, ...]:
    """Return the rows of the run in `folder`; none where it has one device."""
    try:
        rows: list[dict[str, Any]] = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(DeviceRow(**row) for row in rows)
