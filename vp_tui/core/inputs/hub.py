"""Checkpoints of the hub, through huggingface_hub's own client: its cache, its locks, its resuming, its offline mode.

A connection that breaks in a file is taken up again where it broke (five times, then ModelError); files that came
whole are kept, so the next call fetches the rest. The commit hash that was used goes into the run, and everything
after the first fetch reads that folder: a branch that moves between two arms cannot change the weights.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.source import ModelSource

_WORDS: Final = ("*.json", "*.txt", "*.model")
"""config.json, shard indices, and whatever a tokenizer is written in; a few MB at most."""
_CODE: Final = ("*.py",)
_WEIGHTS: Final = (("model*.safetensors",), ("pytorch_model*.bin",))
"""Best first: a repository's other formats are left there."""
_BELOW: Final = ("*/*",)
"""Folders of a repository hold other models, or the same in other frameworks."""

# huggingface_hub 1 stands on httpx, 2 on httpx2; this is HTTPError of either, the base of every broken connection
_TransportError: Any = HfHubHTTPError.__mro__[1]


def fetch(source: ModelSource) -> ModelSource:
    """`source` with its files on this machine; hub ids are downloaded once into the Hugging Face cache.

    A source of the hub comes back with its folder and the commit hash. HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE are
    honoured. With trust_remote_code the repository's Python files come too.

    Raises ModelError when the hub does not give the files.
    """
    if source.is_here:
        return source
    if not sys.stderr.isatty():
        disable_progress_bars()
    words = (*_WORDS, *_CODE) if source.trust_remote_code else _WORDS
    for weights in _WEIGHTS:
        folder = _snapshot(source, [*words, *weights])
        if any(folder.glob(weights[0])):
            break
    return replace(source, folder=folder, revision=folder.name)


def _snapshot(source: ModelSource, patterns: list[str]) -> Path:
    assert source.hub_id is not None, "what is not here is on the hub"
    try:
        return Path(
            snapshot_download(
                source.hub_id, revision=source.revision, allow_patterns=patterns, ignore_patterns=list(_BELOW)
            )
        )
    except (_TransportError, HFValidationError, OSError) as error:
        raise ModelError(
            f"{source.given} could not be fetched from {constants.ENDPOINT}: {_reason(error, source)}"
        ) from error


def _reason(error: Exception, source: ModelSource) -> str:
    """What went wrong and what to do, by the client's own classes of errors."""
    elsewhere = "or copy the checkpoint here and give its folder"
    match error:
        case RepositoryNotFoundError():
            return f"there is no repository {source.hub_id}, or it is private; check the name, {elsewhere}"
        case RevisionNotFoundError():
            return f"{source.hub_id} has no revision {source.revision!r}; give a branch, a tag or a commit hash"
        case LocalEntryNotFoundError() if constants.is_offline_mode():
            return (
                "HF_HUB_OFFLINE is set, and the Hugging Face cache does not hold all of it; "
                f"fetch it once without HF_HUB_OFFLINE, {elsewhere}"
            )
        case LocalEntryNotFoundError():
            return f"{_first_line(error)}; it is not in the cache either; check the network, {elsewhere}"
        case EntryNotFoundError():
            return f"its list of files names one that is not there ({_url(error)}); try again later, {elsewhere}"
        case _:
            return (
                f"{type(error).__name__}: {_first_line(error)}; files that came whole are kept: try again, {elsewhere}"
            )


def _url(error: Any) -> str:
    return str(error.response.url)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
