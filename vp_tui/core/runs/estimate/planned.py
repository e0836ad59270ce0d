"""The devices a run would use, as far as they are known before it starts. No torch."""

from dataclasses import dataclass

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.runs import devices


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDevices:
    """The devices of a run that has not begun."""

    names: tuple[str, ...]
    """Those of this machine that the run holds: cpu, or cuda:N each."""
    count: int | None = 1
    """Devices that encode; None: as many GPUs as there are, which is not known yet."""
    is_cluster: bool = False

    @property
    def first(self) -> str:
        """Return cpu or cuda:N."""
        return self.names[0]

    @property
    def is_cpu(self) -> bool:
        """Return whether the devices are processes on processors."""
        return self.first == "cpu"

    @property
    def speed(self) -> int:
        """Return by how much they shorten the encoding of one device; processes on a CPU share its cores."""
        return 1 if self.is_cpu or self.count is None else self.count

    @property
    def copies(self) -> int:
        """Return how many copies of the weights lie in one memory; each GPU has its own."""
        return self.count or 1 if self.is_cpu and not self.is_cluster else 1


def planned(config: RunConfig, gpu: GpuSample | Unavailable, num_gpus: int) -> PlannedDevices:
    """Return the devices of a run of `config`; from NVML, not torch: `gpu` is a reading of the first of `num_gpus`.

    Raises:
        UsageError: the run would be refused.
    """
    if not config.devices and not config.ray:
        return PlannedDevices(names=(_likely(config.device, gpu),))
    devices.require(config)
    asked, is_cluster = devices.parse(config.devices or "all"), bool(config.ray)
    if asked.kind == "cpu":
        return PlannedDevices(names=("cpu",), count=asked.count, is_cluster=is_cluster)
    indices = range(num_gpus) if asked.indices is None else asked.indices
    names = tuple(f"cuda:{index}" for index in indices) or ("cuda:0",)
    return PlannedDevices(names=names, count=None if is_cluster else len(indices) or None, is_cluster=is_cluster)


def _likely(asked: str, gpu: GpuSample | Unavailable) -> str:
    """Return cpu or cuda:N, the likely meaning of --device."""
    if asked == "auto":
        return "cpu" if isinstance(gpu, Unavailable) else "cuda:0"
    return "cuda:0" if asked == "cuda" else asked
