"""Every error a user can meet, as one tree.

    VpTuiError
      UsageError          an option or a combination of options is wrong        exit 2
      InputError          the sequence file cannot be used                      exit 2
      ModelError          the checkpoint cannot be used                         exit 2
      ResourceError       the machine has too little of something               exit 7
      RunFailedError      a run ended without a result                          exit 7
      RunNotFoundError    no run answers to that id, name or prefix             exit 2
      StoreError          the store cannot be opened, read or written           exit 8

A message says what is wrong, the value got, and what to do next. Numbers that are merely bad
(a NaN, a low similarity) are results and never raise.
"""

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell; documented in README.md and never re-used for another meaning."""

    GOOD = 0
    INTERNAL = 1
    USAGE = 2
    REGRESSED = 3
    VALIDATION_FAILED = 4
    NOT_COMPARABLE = 5
    INCONCLUSIVE = 6
    RUN_FAILED = 7
    STORE_UNAVAILABLE = 8
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Returned in the place of a result that this machine, model or run cannot give; `reason` is for the reader."""

    reason: str


class VpTuiError(Exception):
    """Base of all errors meant for the reader; `exit_code` is what the process ends with."""

    exit_code: ExitCode = ExitCode.INTERNAL


class UsageError(VpTuiError):
    """An option or a combination of options is wrong."""

    exit_code = ExitCode.USAGE


class InputError(VpTuiError):
    """The sequence file cannot be used."""

    exit_code = ExitCode.USAGE


class ModelError(VpTuiError):
    """The checkpoint cannot be used."""

    exit_code = ExitCode.USAGE


class ResourceError(VpTuiError):
    """The machine has too little of something (memory, a device)."""

    exit_code = ExitCode.RUN_FAILED


class RunFailedError(VpTuiError):
    """A run ended without a result."""

    exit_code = ExitCode.RUN_FAILED


class RunNotFoundError(VpTuiError):
    """No run answers to that id, name or prefix."""

    exit_code = ExitCode.USAGE


class StoreError(VpTuiError):
    """The store cannot be opened, read or written."""

    exit_code = ExitCode.STORE_UNAVAILABLE


class StoreBusyError(StoreError):
    """Another process has held the write lock of the store for longer than one waits; reading needs none."""


class DamagedRowError(StoreError):
    """A row of the store is not what vp-tui wrote; the others are."""


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its class if it has no text."""
    return next(iter(str(error).splitlines()), type(error).__name__)
