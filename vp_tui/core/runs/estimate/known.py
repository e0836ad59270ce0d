"""What is known before a run: its sequence file, its checkpoint, earlier runs like it, free memory. No torch.

Shape suffix: S sequences.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from huggingface_hub import try_to_load_from_cache

from vp_tui.core.errors import InputError, Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.source import SHORT_NAMES, resolve
from vp_tui.core.inputs.spec import Alphabet, ModelSpec, read_spec
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow

_TRIED: Final = 64
"""Sequences a tokenizer is tried on, where counting all of them would take too long."""
_KEPT: Final = 4
"""Sequence files whose facts are kept."""
_LOOKED_AT: Final = 5
"""Earlier runs, newest first: enough to find one with the same settings."""
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFacts:
    """A sequence file as far as an estimate needs it."""

    lengths_S: np.ndarray
    """Residues or bases, int64."""
    alphabet: Alphabet
    tried: tuple[bytes, ...]
    """Some sequences, spread evenly over the file."""
    changed_us: int
    """When the file was last written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a checkpoint on this machine is."""

    spec: ModelSpec
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A completed run of the same model on the same kind of device."""

    run_id: int
    created_at_us: int
    seconds: float | None
    """From start to end, with everything around the encoding."""
    config: Mapping[str, Any]
    arms: Mapping[str, Mapping[str, Any]]
    """Each an ArmSummary in JSON types."""


class InputCache:
    """Facts of sequence files, each read once as long as it does not change; may be asked from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, int], InputFacts] = {}

    def read(self, path: Path) -> InputFacts:
        """The facts of the file.

        Raises:
            InputError: as core.sequences.read.
        """
        try:
            stat = path.stat()
        except OSError as error:
            raise InputError(f"no sequence file at {path} ({error.strerror}); give the path of one") from error
        key = (str(path), stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if key not in self._known:
                kept = list(self._known.items())[1 - _KEPT :]
                self._known = {**dict(kept), key: _facts(path, stat.st_mtime_ns // 1000)}
            return self._known[key]


def _facts(path: Path, changed_us: int) -> InputFacts:
    data = sequences.read(path)
    step = max(1, len(data) // _TRIED)
    return InputFacts(
        lengths_S=data.lengths_S,
        alphabet=sequences.alphabet_of(data),
        tried=tuple(islice(data.residues[::step], _TRIED)),
        changed_us=changed_us,
    )


def checkpoint_of(model: str) -> Checkpoint | str:
    """What `model` is, or the hub id under which it must be fetched first.

    Raises:
        ModelError: no such name, or a checkpoint that cannot be used.
    """
    source = resolve(model)
    if source.is_here:
        return Checkpoint(spec=read_spec(source.path), path=source.path)
    assert source.hub_id is not None, "what is not here is on the hub"
    config = try_to_load_from_cache(source.hub_id, "config.json", revision=source.revision)
    folder = Path(config).parent if isinstance(config, str) else None
    # a fetch that broke may have left the words without the weights
    if folder is None or (not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin"))):
        return source.hub_id
    return Checkpoint(spec=read_spec(folder, source.hub_id), path=folder)


def device_of(asked: str, gpu: GpuSample | Unavailable) -> str:
    """cpu or cuda:N: what `asked` will most likely become; NVML is asked, not torch."""
    if asked == "auto":
        return "cpu" if isinstance(gpu, Unavailable) else "cuda:0"
    return "cuda:0" if asked == "cuda" else asked


def free_bytes(device: str, gpu: GpuSample | Unavailable) -> int | None:
    """Memory that is free on the device now; None where that cannot be read (`gpu` is the first one, cuda:0)."""
    if device == "cpu":
        return _free_on_cpu()
    if (
        device != "cuda:0"
        or isinstance(gpu, Unavailable)
        or gpu.memory_total_mib is None
        or gpu.memory_used_mib is None
    ):
        return None
    return int((gpu.memory_total_mib - gpu.memory_used_mib) * _MIB)


def _free_on_cpu(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def earlier_runs(reader: Reader, model: str, device: str) -> tuple[Earlier, ...]:
    """The newest completed runs of `model` on the same kind of device, newest first."""
    wanted = _identity(model)
    kind = device.partition(":")[0]
    like = (
        run
        for run in reader.runs()
        if run.status == "completed"
        and (run.device or "").partition(":")[0] == kind
        and (run.model == model or _identity(run.model) == wanted)
    )
    return tuple(_earlier(reader, run) for run in islice(like, _LOOKED_AT))


def _earlier(reader: Reader, run: RunRow) -> Earlier:
    snapshot = reader.snapshot(run.id)
    start, end = run.started_at_us, run.ended_at_us
    return Earlier(
        run_id=run.id,
        created_at_us=run.created_at_us,
        seconds=(end - start) / 1e6 if start is not None and end is not None else None,
        config=snapshot.config,
        arms=snapshot.arms,
    )


def _identity(model: str) -> str:
    """One word per checkpoint, however it was named."""
    # unlike Path.expanduser, a user who does not exist is no error here
    path = Path(os.path.expanduser(model))
    return str(path.resolve()) if path.exists() else SHORT_NAMES.get(model.lower(), model)
