"""One device in a process of its own, as a Ray actor: an encoder per arm. Importing this loads no torch."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from vp_tui import __version__
from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.engine.host_memory import prepare_process
from vp_tui.core.engine.threads import NUM_THREADS
from vp_tui.core.errors import ResourceError
from vp_tui.core.events import Arm, GpuSample
from vp_tui.core.inputs.source import ModelSource

Work = tuple[Arm, Any, Any]
"""Arm, reference to the shared TokenSet, pack."""
KEPT_TOKENS: Final = 2
"""Token sets that an actor keeps: those of two windows, or of two models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an actor loads for one arm."""

    arm: Arm
    source: ModelSource
    plan: PrecisionPlan
    attention: AttentionName
    spare_fp32: bool
    linear: Literal["native", "fp32-products"]
    """How its linear layers are computed: as on the first device."""
    encoders: Any
    """EncoderFactory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an actor says of itself."""

    name: str
    """As the driver calls the GPU, or the processor."""
    node: str
    pid: int
    versions: Mapping[str, str]
    """Of vp-tui and torch."""


class DeviceActor:
    """Holds one device; its methods are called by the run's process through Ray."""

    def __init__(self, kind: Literal["cuda", "cpu"], threads: int) -> None:
        """`threads` is the share of the cores of a CPU actor; OpenMP reads it when torch is imported."""
        if kind == "cpu":
            os.environ[NUM_THREADS] = str(threads)
        prepare_process(os.environ)
        import torch

        from vp_tui.core.engine import environment
        from vp_tui.core.engine.gpu import Sampler

        self._device = torch.device("cuda", 0) if kind == "cuda" else torch.device("cpu")
        self._encoders: dict[str, Any] = {}
        self._tokens: dict[Any, Any] = {}
        self._turn = threading.Lock()
        self._newest: float | None = None
        self._sampler = Sampler(environment.gpu_uuid(self._device), self._note).__enter__()

    def _note(self, event: Any) -> None:
        if isinstance(event, GpuSample):
            self._newest = event.utilization

    def about(self) -> About:
        """Return what and where this device is."""
        import torch

        from vp_tui.core.engine import environment

        name = environment.device_name(self._device)
        return About(
            name=name, node=os.uname().nodename, pid=os.getpid(),
            versions={"vp-tui": __version__, "torch": str(torch.__version__)},
        )  # fmt: skip

    def load(self, order: Order, weights_sha256: str) -> Any:
        """Load the model of an arm, whose checkpoint has this hash; return its Facts.

        Raises:
            ModelError: the checkpoint of this machine is another one, or as loading.load.
            UsageError, ResourceError: as loading.load.
        """
        from vp_tui.core.models.linear import settle_linear
        from vp_tui.core.models.loading import load
        from vp_tui.core.workers.fleet.facts import facts_of
        from vp_tui.core.workers.fleet.same_weights import refuse_another

        refuse_another(order.source.path, weights_sha256)
        with self._turn:
            settle_linear(order.plan, order.linear)
            loaded = load(order.source, order.plan, self._device, order.attention, spare_fp32=order.spare_fp32)
            self._encoders[order.arm] = order.encoders.make(order.arm, loaded, order.plan, self._device)
        return facts_of(loaded)

    def unload(self, arm: Arm) -> None:
        """Free the memory of an arm's model."""
        import torch

        self._encoders.pop(arm, None)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def encode(self, works: Sequence[Work]) -> tuple[list[Any], float | None]:
        """Return the EncodedBlock of each pack, or why it does not fit, and the GPU's newest utilization in percent.

        On a GPU all packs are queued before the first is read back, and another call queues its own meanwhile.
        """
        with self._turn:
            started = [self._started(*work) for work in works]
        return [one if isinstance(one, ResourceError) else one.finish() for one in started], self._newest

    def _started(self, arm: Arm, shared: Any, pack: Any) -> Any:
        """Queue a pack; return its Running, or the ResourceError that its own caller gets."""
        try:
            return self._encoders[arm].start(self._tokens_of(shared), [pack])
        except ResourceError as error:
            return error

    def _tokens_of(self, shared: Any) -> Any:
        """Return the TokenSet behind a reference, which is fetched once and kept while it is one of the newest."""
        import ray

        if shared not in self._tokens:
            while len(self._tokens) >= KEPT_TOKENS:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[shared] = ray.get(shared)
        return self._tokens[shared]

    def ask(self, arm: Arm, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        """Return function(encoder, *arguments)."""
        with self._turn:
            return function(self._encoders[arm], *arguments)
