"""BPE in several processes, for inputs of any size: turning its results into arrays holds the interpreter's lock.

`tokenizers` uses every core of its own, but each of its ids becomes a Python number first. Of 40,000 reads of 475 bases
that takes 1.0 s of one core (2.2 s of two for the BPE itself), in the process that also serves the devices.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs.batch_tokenizer import BATCH
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.tokens import TokenSet, joined, require_nonempty

MOST: Final = 16
"""Processes, of 50 MB each: one turns 10,000 reads of 475 bases into tokens in a second, one H200 encodes 19,000."""


class TokenProcesses:
    """Processes with the tokenizer of one DNABERT-S checkpoint, one per core; they start when there is work."""

    def __init__(self, folder: Path, vocab_size: int) -> None:
        """Raises ModelError: as BpeTokenizer."""
        self._here = BpeTokenizer(folder, vocab_size)
        self._encode = partial(_encode, folder, vocab_size)
        number = min(MOST, len(os.sched_getaffinity(0)))
        # no fork: this process has threads, and may have a GPU
        self._executor = ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), _begin)

    def tokenize(self, residues: Sequence[bytes]) -> TokenSet:
        """Return the same as BpeTokenizer.encode.

        Raises InputError: an empty sequence. Raises ResourceError: a process was ended by something else.
        """
        require_nonempty(residues)
        parts = [residues[start : start + BATCH] for start in range(0, len(residues), BATCH)]
        if len(parts) < 2:
            return self._here.encode(residues)
        try:
            return joined(list(self._executor.map(self._encode, parts)))
        except BrokenProcessPool as error:
            raise ResourceError(
                "a process that turns sequences into tokens was ended by something else, as when memory is short: free "
                "memory, and start again with --resume"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(cancel_futures=True)


def _begin() -> None:
    """Make ready a process that ends when the one that started it has ended, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # the cores are shared by the processes
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "it was started by multiprocessing"
    wait([parent.sentinel])
    os._exit(1)


_tokenizer = cache(BpeTokenizer)
"""That of a process of TokenProcesses."""


def _encode(folder: Path, vocab_size: int, residues: Sequence[bytes]) -> TokenSet:
    return _tokenizer(folder, vocab_size).encode(residues)
