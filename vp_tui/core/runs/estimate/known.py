"""Facts known before a run: its sequence file, its checkpoint, earlier runs like it, free memory. No torch.

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
import psutil
from huggingface_hub import try_to_load_from_cache

from vp_tui.core.errors import InputError, Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.source import SHORT_NAMES, resolve
from vp_tui.core.inputs.spec import Alphabet, ModelSpec, read_spec
from vp_tui.core.runs.estimate.planned import PlannedDevices
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow

_TRIED: Final = 64
"""Sequences given to a tokenizer where counting all of them would take too long."""
_KEPT: Final = 4
"""Sequence files whose facts are kept."""
_LOOKED_AT: Final = 5
"""EarlierRun runs, newest first: enough to find one with the same settings."""
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFacts:
    """The facts of a sequence file that an estimate needs."""

    lengths_S: np.ndarray
    """Residues or bases, int64."""
    alphabet: Alphabet
    tried: tuple[bytes, ...]
    """Some sequences, spread evenly over the file."""
    changed_us: int
    """Time of the last change of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCheckpoint:
    spec: ModelSpec
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """A completed run of the same model on the same kind of device."""

    run_id: int
    created_at_us: int
    seconds: float | None
    """From start to end, including everything except waiting."""
    config: Mapping[str, Any]
    arms: Mapping[str, Mapping[str, Any]]
    """Each an ArmSummary in JSON types."""
    devices: int = 1


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


def checkpoint_of(model: str) -> LocalCheckpoint | str:
    """Return the checkpoint, or the hub id of one that must be fetched first.

    Raises:
        ModelError: no such name, or a checkpoint that cannot be used.
    """
    source = resolve(model)
    if source.is_here:
        return LocalCheckpoint(spec=read_spec(source.path), path=source.path)
    assert source.hub_id is not None, "what is not here is on the hub"
    config = try_to_load_from_cache(source.hub_id, "config.json", revision=source.revision)
    folder = Path(config).parent if isinstance(config, str) else None
    # an interrupted fetch may have left the configuration without weights
    if folder is None or (not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin"))):
        return source.hub_id
    return LocalCheckpoint(spec=read_spec(folder, source.hub_id), path=folder)


def free_bytes(planned: PlannedDevices, gpu: GpuSample | Unavailable) -> int | None:
    """Return the free bytes on the first device; None where they cannot be read (`gpu` is the first one, cuda:0)."""
    if planned.is_cpu:
        return None if planned.is_cluster else int(psutil.virtual_memory().available)
    if (
        planned.first != "cuda:0"
        or isinstance(gpu, Unavailable)
        or gpu.memory_total_mib is None
        or gpu.memory_used_mib is None
    ):
        return None
    return int((gpu.memory_total_mib - gpu.memory_used_mib) * _MIB)


def earlier_runs(reader: Reader, model: str, device: str) -> tuple[EarlierRun, ...]:
    """Return the newest completed runs of `model` on the same kind of device, newest first."""
    wanted = _identity(model)
    kind = device.partition(":")[0]
    like = (
        run
        for run in reader.runs()
        if run.status == "completed"
        and (run.device or "").partition(":")[0] == kind
        and (run.model == model or _identity(run.model) == wanted)
    )
    earlier = (_earlier(reader, run) for run in like)
    # a judged run encodes at most one side
    return tuple(islice((one for one in earlier if one.config.get("judged") is None), _LOOKED_AT))


def _earlier(reader: Reader, run: RunRow) -> EarlierRun:
    snapshot = reader.snapshot(run.id)
    start, end = run.started_at_us, run.ended_at_us
    return EarlierRun(
        run_id=run.id,
        created_at_us=run.created_at_us,
        seconds=(end - start) / 1e6 if start is not None and end is not None else None,
        config=snapshot.config,
        arms=snapshot.arms,
        devices=len(snapshot.environment.get("devices") or ("one",)),
    )


def _identity(model: str) -> str:
    """Return one name per checkpoint, however it was written."""
    # unlike Path.expanduser, an unknown user is not an error here
    path = Path(os.path.expanduser(model))
    return str(path.resolve()) if path.exists() else SHORT_NAMES.get(model.lower(), model)
