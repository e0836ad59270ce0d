"""Checked access to a checkpoint's config.json; errors name the missing or wrong key."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import ModelError
from vp_tui.core.files import read_json

_MOST: Final[Mapping[str, int]] = {
    "num_hidden_layers": 1_000,
    "num_attention_heads": 1_000,
    "hidden_size": 1 << 17,
    "intermediate_size": 1 << 20,
}
"""Some ten times what the largest models have; more would take memory or time without end."""
_MOST_OTHER: Final = 1 << 24


class ConfigJson:
    """The config.json of a checkpoint folder."""

    def __init__(self, folder: Path) -> None:
        """Read the file; raise ModelError if it is missing or not a JSON object."""
        self.path = folder / "config.json"
        try:
            values = read_json(self.path)
        except FileNotFoundError:
            raise ModelError(f"{folder} has no config.json; {_instead_of(folder)}") from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{self.path} is not readable JSON ({error}); fetch the checkpoint again") from error
        if not isinstance(values, dict):
            raise ModelError(
                f"{self.path} holds a {type(values).__name__}, not a JSON object; fetch the checkpoint again"
            )
        self.values = values

    def get(self, key: str) -> Any:
        """Return the value of `key`, None if missing."""
        return self.values.get(key)

    def field(self, key: str) -> Any:
        """Return the value of `key`; raise ModelError if missing."""
        if self.values.get(key) is None:
            raise ModelError(f"{self.path} has no {key}, which is required to load the weights")
        return self.values[key]

    def positive(self, key: str) -> int:
        """Return a positive integer; raise ModelError for any other value, or one that no model has."""
        value, most = self.field(key), _MOST.get(key, _MOST_OTHER)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise ModelError(f"{self.path}: {key} is {value!r}, expected an integer from 1 to {most}")
        return value

    def epsilon(self, key: str) -> float:
        """Return a number between 0 and 1; raise ModelError for any other value."""
        value = self.field(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1:
            raise ModelError(f"{self.path}: {key} is {value!r}, expected a number between 0 and 1")
        return float(value)

    def require(self, wanted: Sequence[tuple[str, Any, Any]], *, model: str, instead: str) -> None:
        """Raise ModelError for a checkpoint whose forward pass differs from that of `model`.

        `wanted` holds keys, their values and the values that missing keys imply; `instead` is a checkpoint that works.
        """
        for key, value, default in wanted:
            got = self.values.get(key, default)
            # older files write null for false
            got = False if got is None and value is False else got
            if got != value:
                raise ModelError(
                    f"{self.path}: {key} is {got!r}, {model} needs {value!r}; this is another architecture, "
                    f"use {instead}"
                )


def _instead_of(folder: Path) -> str:
    """Return what to give instead of a folder without config.json."""
    snapshots = sorted(folder.glob("snapshots/*/config.json"))
    if snapshots:
        return f"it is the top folder of a Hugging Face cache: give {snapshots[-1].parent}"
    files = [path.name for path in sorted(folder.iterdir()) if path.suffix in {".pt", ".pth", ".ckpt", ".bin"}]
    if files:
        return f"give the file {folder / files[0]} if it holds an ESM-2, or add the config.json of its base model"
    return "give a folder written by save_pretrained, or a hub id"
