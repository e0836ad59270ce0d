"""The weights of a fair-esm .pt file under Hugging Face's names, for the loader that all files share."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.fair_esm import ALLOWED_CLASSES, hugging_face_name
from vp_tui.core.models.checkpoint import Checkpoint, Dialect, Stored, first_line


@contextmanager
def open_fair_esm(path: Path, dialect: Dialect) -> Iterator[Checkpoint]:
    """The checkpoint in the file `path`, its tensors mapped and not read yet.

    Raises ModelError for a file that is no checkpoint, or whose pickle asks for more than ALLOWED_CLASSES.
    """
    try:
        with torch.serialization.safe_globals(list(ALLOWED_CLASSES)):
            content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        state = content["model"]
        stored = {
            hugging_face_name(name): Stored(tuple(value.shape), partial(_given, value))
            for name, value in state.items()
            if isinstance(value, Tensor)
        }
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:  # fmt: skip
        raise ModelError(
            f"{path} is no readable fair-esm checkpoint ({first_line(error)}); fetch it again from "
            "dl.fbaipublicfiles.com/fair-esm"
        ) from error
    yield Checkpoint(path, stored, dialect)


def _given(tensor: Tensor) -> Tensor:
    return tensor
