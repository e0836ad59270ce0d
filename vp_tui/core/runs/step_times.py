"""How long each step of an earlier run took, to expect as much of a new one."""

from collections.abc import Mapping
from dataclasses import dataclass

from vp_tui.core.config import RunConfig
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierSteps:
    """Steps of the newest completed run like the one that begins."""

    seconds: Mapping[str, float]
    tokens: int
    """Of its sequences; 0 where it is not known."""


def earlier_steps(home: Home, config: RunConfig, device: str) -> EarlierSteps | None:
    """Return the steps of the newest completed run of this model and these precisions on this kind of device.

    Raises:
        StoreError: the store cannot be read.
    """
    with Reader(home) as reader:
        alike = (run for run in reader.runs() if _is_alike(run, config, device))
        newest = next((found for run in alike if (found := reader.step_seconds(run.id))), None)
        if newest is None:
            return None
        run_id, seconds = newest
        return EarlierSteps(seconds=seconds, tokens=int(reader.snapshot(run_id).dataset.get("tokens") or 0))


def _is_alike(run: RunRow, config: RunConfig, device: str) -> bool:
    kind = device.partition(":")[0]
    return (
        run.status == "completed"
        and (run.device or "").partition(":")[0] == kind
        and (run.model, run.precision, run.reference) == (config.model, config.candidate_plan.name, config.reference)
    )
