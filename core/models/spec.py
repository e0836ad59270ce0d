"""What a checkpoint is, read from its config.json; nothing here needs torch, so the screen may ask.

The kind comes from the file, never from the path. EsmConfig's own defaults are wrong for ESM-2
(eps 1e-12, absolute positions, no token dropout), so every value must stand in the file.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from vp_tui.core.errors import ModelError

SHORT_NAMES: Final[Mapping[str, str]] = {
    "esm2-8m": "facebook/esm2_t6_8M_UR50D",
    "esm2-35m": "facebook/esm2_t12_35M_UR50D",
    "esm2-150m": "facebook/esm2_t30_150M_UR50D",
    "esm2-650m": "facebook/esm2_t33_650M_UR50D",
    "esm2-3b": "facebook/esm2_t36_3B_UR50D",
    "esm2-15b": "facebook/esm2_t48_15B_UR50D",
    "dnabert-s": "zhihan1996/DNABERT-S",
}
"""Short name -> hub id."""

NOT_YET: Final = frozenset({"zhihan1996/DNABERT-S"})
MAX_RESIDUES: Final = 1022
"""Training crop of ESM-2: 1,024 tokens with BOS and EOS."""

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_PATH_START: Final = ("/", "./", "../", "~")
_WEIGHT_SUFFIXES: Final = (".pt", ".pth", ".bin", ".safetensors", ".ckpt")
_VOCAB_SIZE: Final = 33
_MASK_TOKEN_ID: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Shape and semantics of a checkpoint."""

    kind: Literal["esm2"]
    name: str
    """Hub id, or the name of the folder."""
    num_layers: int
    hidden: int
    """Width of the residual stream and of the embedding."""
    num_heads: int
    ffn: int
    layer_norm_eps: float
    vocab_size: int
    token_dropout: bool
    """True: embeddings are scaled by 0.88 at inference, as in training."""
    num_parameters: int
    """Encoder and token embedding, without heads."""
    max_residues: int = MAX_RESIDUES
    alphabet: Literal["protein"] = "protein"

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.num_heads


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Where a checkpoint comes from: a local folder or the hub, exactly one of them."""

    given: str
    """What the user wrote."""
    folder: Path | None = None
    hub_id: str | None = None

    @property
    def name(self) -> str:
        """Hub id, or the name of the folder."""
        return self.hub_id if self.folder is None and self.hub_id else Path(str(self.folder)).resolve().name


def resolve(model: str) -> ModelSource:
    """Source named by `model`: an existing folder, a short name (esm2-8m) or a hub id (owner/name).

    Raises ModelError for a file, a path that does not exist, an unknown name and DNABERT-S.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return ModelSource(given=model, folder=path.resolve())
    if path.exists():
        raise ModelError(
            f"{model!r} is a file; give the folder that holds config.json and the weights, as save_pretrained writes it"
        )
    hub_id = SHORT_NAMES.get(model.lower(), model)
    if hub_id in NOT_YET:
        raise ModelError(f"{model!r} is not supported yet in this version; use an ESM-2 checkpoint such as esm2-8m")
    if _looks_like_path(model):
        raise ModelError(f"no folder {model!r}; check the path, or give a hub id such as {SHORT_NAMES['esm2-8m']}")
    if not _HUB_ID.fullmatch(hub_id):
        known = ", ".join(name for name, known_id in SHORT_NAMES.items() if known_id not in NOT_YET)
        raise ModelError(
            f"{model!r} is neither a folder nor a hub id (owner/name) nor a short name; short names: {known}"
        )
    return ModelSource(given=model, hub_id=hub_id)


def _looks_like_path(model: str) -> bool:
    return model.startswith(_PATH_START) or model.endswith(("/", *_WEIGHT_SUFFIXES)) or model.count("/") > 1


def read_spec(folder: Path, name: str | None = None) -> ModelSpec:
    """Spec of the checkpoint in `folder`, from its config.json; `name` is shown instead of the folder's.

    Raises ModelError naming the value: no or broken config.json, another architecture, a missing field.
    """
    path = folder / "config.json"
    config = _read_json(path)
    _require_esm2(config, path)
    layers, hidden = _positive(config, "num_hidden_layers", path), _positive(config, "hidden_size", path)
    heads, ffn = _positive(config, "num_attention_heads", path), _positive(config, "intermediate_size", path)
    if hidden % heads or hidden // heads % 2:
        raise ModelError(f"{path}: hidden_size {hidden} does not split into {heads} heads of even width")
    return ModelSpec(
        kind="esm2",
        name=name or folder.resolve().name,
        num_layers=layers,
        hidden=hidden,
        num_heads=heads,
        ffn=ffn,
        layer_norm_eps=float(_field(config, "layer_norm_eps", path)),
        vocab_size=_VOCAB_SIZE,
        token_dropout=bool(_field(config, "token_dropout", path)),
        num_parameters=_count_parameters(layers, hidden, ffn),
    )


def _count_parameters(layers: int, hidden: int, ffn: int) -> int:
    attention = 4 * hidden * hidden + 4 * hidden
    feed_forward = 2 * hidden * ffn + ffn + hidden
    two_norms = 4 * hidden
    return layers * (attention + feed_forward + two_norms) + _VOCAB_SIZE * hidden + 2 * hidden


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{path.parent} has no config.json; give a folder as save_pretrained writes it, or a hub id"
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} is no readable JSON ({error}); fetch the checkpoint again") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} holds a {type(config).__name__}, not an object; fetch the checkpoint again")
    return config


def _require_esm2(config: Mapping[str, Any], path: Path) -> None:
    """Refuse every checkpoint whose forward would not be ESM-2's."""
    wanted: tuple[tuple[str, Any, Any], ...] = (
        ("model_type", "esm", None),
        ("position_embedding_type", "rotary", "absolute"),
        ("emb_layer_norm_before", False, False),
        ("is_folding_model", False, False),
        ("vocab_size", _VOCAB_SIZE, None),
        ("mask_token_id", _MASK_TOKEN_ID, None),
    )
    for key, value, default in wanted:
        got = config.get(key, default)
        # older files write null for false
        got = False if got is None and value is False else got
        if got != value:
            raise ModelError(
                f"{path}: {key} is {got!r}, ESM-2 needs {value!r}; this is another architecture, "
                f"use an ESM-2 checkpoint such as {SHORT_NAMES['esm2-8m']}"
            )


def _field(config: Mapping[str, Any], key: str, path: Path) -> Any:
    if config.get(key) is None:
        raise ModelError(f"{path} has no {key}; it is needed to read the weights rightly")
    return config[key]


def _positive(config: Mapping[str, Any], key: str, path: Path) -> int:
    value = _field(config, key, path)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ModelError(f"{path}: {key} is {value!r}, a whole number above 0 is needed")
    return value
