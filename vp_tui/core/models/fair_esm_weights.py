"""The weights of one file (fair-esm, Lightning, training loops) under Hugging Face's names, for the common loader."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.fair_esm import ALLOWED_CLASSES, WHAT_TO_GIVE
from vp_tui.core.models import torch_file
from vp_tui.core.models.checkpoint import Dialect, OpenCheckpoint, stored_tensors


@contextmanager
def open_fair_esm(path: Path, dialect: Dialect) -> Iterator[OpenCheckpoint]:
    """Open the checkpoint in the file `path`; tensors are memory-mapped and not read yet.

    Raises ModelError for a file that is not a checkpoint, or whose pickle asks for more than ALLOWED_CLASSES.
    """
    try:
        stored = stored_tensors(torch_file.read(path, allowed=ALLOWED_CLASSES))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not a readable checkpoint ({error}); {WHAT_TO_GIVE}") from error
    yield OpenCheckpoint(path, stored, dialect)
