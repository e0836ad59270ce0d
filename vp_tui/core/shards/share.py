"""The share of one job among several that embed the same input: window w belongs to job w modulo their number.

Windows are dealt out in turn, so that no job needs to know how many there are, and every job gets early and late ones.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vp_tui.core.errors import UsageError

SLURM: Final = "slurm"
"""Value of --shard that reads the array task of SLURM."""
_PREFIX: Final = "SLURM_ARRAY_TASK_"
_WRITTEN: Final = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Share:
    """Job `number` (from 1) of `count`."""

    number: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, window: int) -> bool:
        """Return True if the window (from 0) belongs to this job."""
        return window % self.count == self.number - 1


def parse(text: str, environment: Mapping[str, str]) -> Share:
    """Return the share of --shard: I/N with I from 1 to N, or slurm for the array task of this process.

    Raises UsageError: anything else, no array task, or an array with gaps, whose tasks have no place among N.
    """
    if text == SLURM:
        return _of_slurm(environment)
    found = _WRITTEN.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard {text!r}: write it as I/N with I from 1 to N, as 3/8, or use {SLURM}")
    return Share(int(found[1]), int(found[2]))


def _of_slurm(environment: Mapping[str, str]) -> Share:
    values = {name: environment.get(f"{_PREFIX}{name}", "") for name in ("ID", "COUNT", "MIN", "STEP")}
    values["STEP"] = values["STEP"] or "1"
    for name, value in values.items():
        if not (value.isascii() and value.isdigit()):
            raise UsageError(
                f"--shard {SLURM}: {_PREFIX}{name} is {value!r}, not a number; start the job with sbatch --array=1-N, "
                "or give I/N"
            )
    number = {name: int(value) for name, value in values.items()}
    place, rest = divmod(number["ID"] - number["MIN"], max(number["STEP"], 1))
    if rest or not 0 <= place < number["COUNT"]:
        raise UsageError(
            f"--shard {SLURM}: task {number['ID']} has no place in an array of {number['COUNT']} tasks from "
            f"{number['MIN']} on in steps of {number['STEP']}; use an array without gaps, or give I/N"
        )
    return Share(place + 1, number["COUNT"])
