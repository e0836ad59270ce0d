"""Read everything an estimate needs; blocks while the sequence file is read."""

import os
from pathlib import Path

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.runs.estimate import figures, known
from vp_tui.core.runs.estimate.figures import Estimate
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader


class Estimator:
    """Estimates runs for the store at `home` and caches what it has read; thread-safe."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._inputs = known.InputCache()

    def estimate(self, config: RunConfig, gpu: GpuSample | Unavailable) -> Estimate:
        """Estimate a run of `config`; `gpu` is a reading of the first GPU, or the reason why there is none.

        Raises:
            InputError, ModelError: the run would be refused.
            StoreError: the store cannot be read.
        """
        checkpoint = known.checkpoint_of(config.model)
        data = self._inputs.read(Path(config.input))
        device = known.device_of(config.device, gpu)
        with Reader(self._home) as reader:
            earlier = known.earlier_runs(reader, config.model, device)
        return figures.estimated(
            config,
            data,
            checkpoint,
            earlier=earlier,
            device=device,
            free_bytes=known.free_bytes(device, gpu),
            environment=os.environ,
        )
