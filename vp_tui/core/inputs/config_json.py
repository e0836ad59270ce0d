"""A checkpoint's config.json as checked values: what is missing, broken or of another model is named."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vp_tui.core.errors import ModelError


class ConfigJson:
    """The config.json of a checkpoint folder."""

    def __init__(self, folder: Path) -> None:
        """Read it; raises ModelError when there is none, or no object in it."""
        self.path = folder / "config.json"
        try:
            values = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(
                f"{folder} has no config.json; give a folder as save_pretrained writes it, or a hub id"
            ) from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ModelError(f"{self.path} is no readable JSON ({error}); fetch the checkpoint again") from error
        if not isinstance(values, dict):
            raise ModelError(f"{self.path} holds a {type(values).__name__}, not an object; fetch the checkpoint again")
        self.values = values

    def get(self, key: str) -> Any:
        """The value of `key`, None when there is none."""
        return self.values.get(key)

    def field(self, key: str) -> Any:
        """The value of `key`; raises ModelError when there is none."""
        if self.values.get(key) is None:
            raise ModelError(f"{self.path} has no {key}; it is needed to read the weights rightly")
        return self.values[key]

    def positive(self, key: str) -> int:
        """A whole number above 0; raises ModelError for anything else."""
        value = self.field(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ModelError(f"{self.path}: {key} is {value!r}, a whole number above 0 is needed")
        return value

    def epsilon(self, key: str) -> float:
        """A number above 0; raises ModelError for anything else."""
        value = self.field(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1:
            raise ModelError(f"{self.path}: {key} is {value!r}, a number between 0 and 1 is needed")
        return float(value)

    def require(self, wanted: Sequence[tuple[str, Any, Any]], *, model: str, instead: str) -> None:
        """Refuse a checkpoint whose forward would not be that of `model`.

        `wanted` holds key, value and the value that a missing key stands for; `instead` is a checkpoint that works.
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
