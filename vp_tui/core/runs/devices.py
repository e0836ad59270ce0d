"""Which devices a run uses, read from --devices: all, 0,1 or cpu:2; loads no torch and no Ray."""

import importlib.util
import re
from dataclasses import dataclass
from typing import Final, Literal

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import UsageError

INSTALL: Final = 'pip install "vp-tui[ray]"'
MOST_CPU: Final = 1024
_FORM: Final = "use all, GPU numbers as in 0,1, or cpu:N"


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices that were asked for."""

    kind: Literal["cuda", "cpu"]
    indices: tuple[int, ...] | None
    """Numbers of the GPUs as torch counts them, in rising order; None: all of them, or CPU processes."""
    count: int | None
    """How many; None: as many GPUs as there are."""


def parse(text: str) -> Devices:
    """Return the devices that `text` names.

    Raises:
        UsageError: another form, a device twice, or CPU and GPUs together.
    """
    parts = [part.strip() for part in text.split(",")]
    if parts == ["all"]:
        return Devices("cuda", None, None)
    if "all" in parts:
        raise UsageError(f"--devices {text!r}: all names every device already; {_FORM}")
    is_cpu = [part == "cpu" or part.startswith("cpu:") for part in parts]
    if any(is_cpu) and not all(is_cpu):
        raise UsageError(f"--devices {text!r}: CPU and GPUs differ in speed and rounding, use one kind; {_FORM}")
    if all(is_cpu):
        return _cpu(text, parts)
    numbers = [re.fullmatch(r"(?:cuda:)?(\d{1,4})", part) for part in parts]
    found = [int(number[1]) for number in numbers if number is not None]
    if len(found) < len(parts):
        raise UsageError(f"--devices {text!r}: {_FORM}")
    double = sorted({number for number in found if found.count(number) > 1})
    if double:
        raise UsageError(f"--devices {text!r}: device {double[0]} is named twice; name each device once")
    return Devices("cuda", tuple(sorted(found)), len(found))


def _cpu(text: str, parts: list[str]) -> Devices:
    number = re.fullmatch(r"cpu(?::(\d{1,4}))?", parts[0])
    if len(parts) > 1:
        raise UsageError(f"--devices {text!r}: the CPU is named twice; use cpu:N for N processes")
    if number is None or not 1 <= int(number[1] or 1) <= MOST_CPU:
        raise UsageError(f"--devices {text!r}: {_FORM}, with N from 1 to {MOST_CPU}")
    return Devices("cpu", None, int(number[1] or 1))


def require(config: RunConfig) -> None:
    """Refuse devices that cannot be used together, before a run exists.

    Raises:
        UsageError: as parse; another --device beside --devices; Ray is needed and not installed.
    """
    if not config.devices and not config.ray:
        return
    asked = parse(config.devices or "all")
    if config.device != "auto":
        raise UsageError(f"--device {config.device} and --devices or --ray name devices twice: omit --device")
    if config.ray and asked.indices is not None:
        raise UsageError(f"--devices {config.devices} with --ray: Ray chooses the GPUs; use all or cpu:N")
    if config.ray or (asked.count is not None and asked.count > 1):
        require_ray()


def require_ray() -> None:
    """Raise UsageError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError(f"several devices need Ray, which is not installed: {INSTALL}")
