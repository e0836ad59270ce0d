"""PEFT adapters (LoRA): merged once into their base model where peft is installed, else refused with the command.

An adapter's folder has no weights of a model. peft merges in a child process, so that the screens never load torch; the
merged checkpoint is cached by the content of the adapter and the identity of its base.
"""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import platformdirs

from vp_tui.core.errors import ModelError
from vp_tui.core.files import read_json, user_path
from vp_tui.core.inputs.hf_config import safetensors_header

CONFIG: Final = "adapter_config.json"
_RECORD: Final = "merged_adapter.json"
"""Written next to the merged weights: adapter and base."""
_WEIGHTS: Final = ("adapter_model.safetensors", "adapter_model.bin")
_CLASSES: Final[Mapping[str, str]] = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "FEATURE_EXTRACTION": "AutoModel",
}
_LABELS: Final = re.compile(r".*\.(classifier|score)(\.out_proj)?(\.modules_to_save(\.default)?)?\.weight")
_SECONDS: Final = 1800
_SCRIPT: Final = """
import sys, transformers
from peft import PeftModel
from peft.utils import load_peft_weights
kind, base, adapter, target, labels = sys.argv[1:]
more = {"num_labels": int(labels)} if labels != "0" else {}
model = getattr(transformers, kind).from_pretrained(base, dtype="float32", **more)
before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
ups = {name: tensor for name, tensor in load_peft_weights(adapter, "cpu").items() if "lora_B" in name and tensor.any()}
adapted = [name.removeprefix("base_model.model.").partition(".lora_B")[0] + ".weight" for name in ups]
merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
after = merged.state_dict()
unchanged = [name for name in adapted if name not in before or name not in after or after[name].equal(before[name])]
if unchanged:
    sys.exit(f"{len(unchanged)} of {len(adapted)} adapted weights did not change, the first is {unchanged[0]}: "
             f"the adapter does not fit {kind} of {base}")
merged.save_pretrained(target)
"""


def is_adapter(folder: Path) -> bool:
    """Return whether `folder` was written by PeftModel.save_pretrained."""
    return (folder / CONFIG).is_file()


def merged(folder: Path) -> Path:
    """Return the folder of the model that the adapter in `folder` makes of its base.

    Raises ModelError without peft, with the command that merges; or if the adapter does not fit.
    """
    settings = _settings(folder)
    base = _base(folder, settings)
    weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise ModelError(f"{folder} has {CONFIG} without {' or '.join(_WEIGHTS)}; fetch the adapter again")
    shapes = {name: tuple(entry["shape"]) for name, entry in safetensors_header(weights).items()}
    kind, labels = _class_of(settings, shapes), _num_labels(shapes)
    if importlib.util.find_spec("peft") is None:
        raise ModelError(
            f"{folder} is a {settings.get('peft_type', 'PEFT')} adapter of {base}, not a model; merging it on load "
            f"needs peft (`pip install peft`), or merge it once: {_command(kind, base, folder, labels)}"
        )
    return _merge(folder, weights, kind, base, labels)


def notes_of(folder: Path) -> tuple[str, ...]:
    """Return a sentence for the run record if `folder` is a merged adapter."""
    try:
        record = read_json(folder / _RECORD)
    except OSError:
        return ()
    return (f"the adapter {record['adapter']} was merged into its base model {record['base']} by peft",)


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = read_json(folder / CONFIG)
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / CONFIG} is not readable JSON ({error}); fetch the adapter again") from error
    if not isinstance(found, dict) or not found.get("base_model_name_or_path"):
        raise ModelError(f"{folder / CONFIG} names no base_model_name_or_path; add the base model of the adapter")
    return found


def _base(folder: Path, settings: Mapping[str, Any]) -> str:
    """Return the base model: a folder as written or next to the adapter, else a hub id."""
    given = str(settings["base_model_name_or_path"])
    for path in (user_path(given), folder.resolve().parent / given):
        if path.is_dir():
            return str(path.resolve())
    return given


def _class_of(settings: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> str:
    task = str(settings.get("task_type"))
    if task in _CLASSES:
        return _CLASSES[task]
    # the encoder alone has no name between PEFT's own prefix and its first module
    is_bare = any(name.startswith(("base_model.model.encoder.", "base_model.model.embeddings.")) for name in shapes)
    return "AutoModel" if is_bare else "AutoModelForMaskedLM"


def _num_labels(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return the number of labels of the head in the adapter; 0 without one."""
    rows = [shape[0] for name, shape in shapes.items() if _LABELS.fullmatch(name)]
    return rows[0] if rows else 0


def _command(kind: str, base: str, folder: Path, labels: int) -> str:
    more = f", num_labels={labels}" if labels else ""
    return (
        f'python -c "from transformers import {kind} as M; from peft import PeftModel; '
        f"PeftModel.from_pretrained(M.from_pretrained({base!r}{more}), {str(folder)!r}).merge_and_unload()"
        f'.save_pretrained({str(folder) + "-merged"!r})"'
    )


def _merge(folder: Path, weights: Path, kind: str, base: str, labels: int) -> Path:
    target = _place(folder, weights, base)
    if (target / _RECORD).is_file():
        return target
    command = [sys.executable, "-P", "-c", _SCRIPT, kind, base, str(folder), str(target), str(labels)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"{folder}: peft could not merge the adapter ({error})") from error
    if done.returncode:
        reason = next(iter(reversed(done.stderr.strip().splitlines())), f"exit {done.returncode}")
        raise ModelError(f"{folder}: peft could not merge the adapter into {base} ({reason})")
    record = {"adapter": str(folder.resolve()), "base": base}
    (target / _RECORD).write_text(json.dumps(record), encoding="utf-8")
    return target


def _place(folder: Path, weights: Path, base: str) -> Path:
    digest = hashlib.sha256(f"{base}\0".encode())
    for path in (folder / CONFIG, weights):
        digest.update(path.read_bytes())
    if Path(base).is_dir():
        for path in sorted(Path(base).iterdir()):
            digest.update(f"{path.name}\0{path.stat().st_size}\0{path.stat().st_mtime_ns}\0".encode())
    cache = Path(platformdirs.user_cache_dir("vp-tui"))
    return cache / "merged" / digest.hexdigest()[:32] / folder.resolve().name
