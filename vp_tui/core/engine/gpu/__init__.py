"""GPU telemetry through NVML, or a reason why there is none; what a GPU could do at most (peaks).

Utilization says that some kernel ran in the sample period, no more: > 80 % is necessary, not sufficient. How much of
the chip was at work is what GPM says, on GPUs that have it.
"""

from vp_tui.core.engine.gpu.nvml import MIB, facts, num_visible, read_once
from vp_tui.core.engine.gpu.sampler import PERIOD_SECONDS, Sampler

__all__ = ["MIB", "PERIOD_SECONDS", "Sampler", "facts", "num_visible", "read_once"]
