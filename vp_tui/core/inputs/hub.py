"""Download of checkpoints from the hub by huggingface_hub's client, with its cache, locks, resuming and offline mode.

A broken download resumes where it stopped (five times, then ModelError); complete files are kept, so the next call
downloads the rest. The commit hash goes into the run, and both arms read the folder of that commit: a branch that moves
between them cannot change the weights.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # __all__ is made at import
from huggingface_hub.utils.tqdm import disable_progress_bars

from vp_tui.core.errors import ModelError, first_line
from vp_tui.core.inputs import adapter
from vp_tui.core.inputs.source import ModelSource

_TEXTS: Final = ("*.json", "*.txt", "*.model", "adapter_model*")
"""config.json, shard indices, tokenizer files and LoRA adapters; a few MB at most."""
_CODE: Final = ("*.py",)
_WEIGHTS: Final = (("model*.safetensors",), ("pytorch_model*.bin",))
"""By preference; only the first format found is downloaded."""
_BELOW: Final = ("*/*",)
"""Folders of a repository hold other models, or other frameworks' weights."""


def download(source: ModelSource) -> ModelSource:
    """Return the hub id `source` with its folder and commit hash; it is downloaded once into the Hugging Face cache.

    HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE are honoured. With
    trust_remote_code the repository's Python files are downloaded too.

    Raises ModelError if the files cannot be downloaded, or are an adapter that cannot be merged.
    """
    if not sys.stderr.isatty():
        disable_progress_bars()
    texts = (*_TEXTS, *_CODE) if source.trust_remote_code else _TEXTS
    for weights in _WEIGHTS:
        folder = _snapshot(source, [*texts, *weights])
        if any(folder.glob(weights[0])):
            break
    revision = folder.name
    if adapter.is_adapter(folder):
        folder = adapter.merged(folder)
    return replace(source, folder=folder, revision=revision)


def _snapshot(source: ModelSource, patterns: list[str]) -> Path:
    assert source.hub_id is not None, "a source without a path is a hub id"
    try:
        return Path(
            snapshot_download(
                source.hub_id, revision=source.revision, allow_patterns=patterns, ignore_patterns=list(_BELOW)
            )
        )
    # the client's own export: httpx in huggingface_hub 1, httpx2 in 2
    except (httpx.HTTPError, HFValidationError, OSError) as error:
        raise ModelError(
            f"{source.given} cannot be downloaded from {constants.ENDPOINT}: {_reason(error, source)}"
        ) from error


def _reason(error: Exception, source: ModelSource) -> str:
    """Return the cause and what to do, by the client's class of error."""
    elsewhere = "or give the folder of a local copy"
    match error:
        case RepositoryNotFoundError():
            return f"no repository {source.hub_id}, or it is private; check the name, {elsewhere}"
        case RevisionNotFoundError():
            return f"{source.hub_id} has no revision {source.revision!r}; give a branch, a tag or a commit hash"
        case LocalEntryNotFoundError() if constants.is_offline_mode():
            return (
                "HF_HUB_OFFLINE is set, and the Hugging Face cache is incomplete; "
                f"download it once without HF_HUB_OFFLINE, {elsewhere}"
            )
        case LocalEntryNotFoundError():
            return f"{first_line(error)}; not in the cache either; check the network, {elsewhere}"
        case EntryNotFoundError():
            return f"the repository lists a file that does not exist ({_url(error)}); try again later, {elsewhere}"
        case _:
            return f"{type(error).__name__}: {first_line(error)}; complete files are kept: try again, {elsewhere}"


def _url(error: Any) -> str:
    return str(error.response.url)
