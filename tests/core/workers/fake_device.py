"""A fake of a GPU: kernels run one after the other on a thread, and a full launch queue makes the host wait.

No machine of these tests has a GPU. What the fake shares with one is what the clocks of a run depend on; how long a
kernel takes is given, and is measured on the thread (it may be late on a busy machine).
"""

import queue
import threading
import time
from concurrent.futures import Future

import numpy as np
import torch

from vp_tui.core.engine.encode import Running

LAUNCHES = 2
"""Kernels that fit the launch queue; about a thousand on a real GPU, where a block has thousands."""


class FakeStream:
    """Runs kernels in the order of their launch."""

    def __init__(self):
        self._queue = queue.Queue(LAUNCHES)
        threading.Thread(target=self._work, daemon=True).start()

    def launch(self, seconds):
        """Queue a kernel; wait while the queue is full. Returns the future of its seconds."""
        kernel = Future()
        self._queue.put((kernel, seconds))
        return kernel

    def drain(self):
        self._queue.join()

    def _work(self):
        while True:
            kernel, seconds = self._queue.get()
            began_s = time.perf_counter()
            time.sleep(seconds)
            kernel.set_result(time.perf_counter() - began_s)
            self._queue.task_done()


class FakeEncoder:
    """An encoder whose packed batches are one kernel each, of `seconds`; embeddings are the sequence's number."""

    ahead = 1

    def __init__(self, stream, seconds):
        self._stream, self._seconds = stream, seconds

    def drain(self):
        self._stream.drain()

    def start(self, tokens, packs):
        began_s = time.perf_counter()
        kernels = [self._stream.launch(self._seconds) for _ in packs]
        members_S = np.concatenate(packs)
        none_S = torch.zeros(len(members_S), dtype=torch.int64)
        return Running(
            packs=packs,
            tokens=int(tokens.lengths_S[members_S].sum()),
            embeddings_SD=torch.from_numpy(np.repeat(members_S[:, None], 4, axis=1).astype(np.float32)),
            nan_S=none_S,
            bad_S=none_S,
            clock=FakeClock(kernels),
            began_s=began_s,
        )


class FakeClock:
    """The seconds of some kernels."""

    def __init__(self, kernels):
        self._kernels = kernels

    def seconds(self):
        return sum(kernel.result() for kernel in self._kernels)
