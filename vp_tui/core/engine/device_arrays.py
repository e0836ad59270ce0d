"""The large arrays of the measures on the run's GPU, in FP64 as on the host."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
import torch

from vp_tui.core.engine.memory import is_out_of_memory
from vp_tui.core.measurements import Measured
from vp_tui.core.measures import run_measures
from vp_tui.core.measures.selection import chunks
from vp_tui.core.measures.statistics import ReferenceStatistics

HELD_BYTES: Final = 1 << 28
"""A larger arm stays on the host and only the rows in use are brought over; 10,000 of ESM-2 3B take 102 MB."""
_STAGED_ROWS: Final = 1024
_Part = TypeVar("_Part")
_Found = TypeVar("_Found")


def measure_on(device: torch.device) -> Callable[..., Measured]:
    """run_measures.after_run where the run is: on its GPU, or by numpy."""
    return run_measures.after_run if device.type == "cpu" else partial(_after_run, device)


def _after_run(
    device: torch.device, x_SD: np.ndarray, y_SD: np.ndarray, stratum_S: np.ndarray, **kwargs: Any
) -> Measured:
    """By numpy where the device has no memory left, with the same numbers but for rounding."""
    try:
        return run_measures.after_run(x_SD, y_SD, stratum_S, arrays=TorchArrays(device), **kwargs)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    return run_measures.after_run(x_SD, y_SD, stratum_S, **kwargs)


class TorchArrays:
    """Tensors of a device; as `Arrays` of core.measures.arrays, for one set of measures.

    They have a stream of their own: what another thread has queued for the device does not wait for these results.
    """

    rows_at_once = 2048
    by_one_thread = True

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def here(self) -> AbstractContextManager[object]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)

    def hold(self, x_SD: np.ndarray) -> torch.Tensor | np.ndarray:
        return self._brought(x_SD, np.arange(len(x_SD))) if x_SD.nbytes <= HELD_BYTES else x_SD

    def standardized(
        self, x_SD: torch.Tensor | np.ndarray, rows_R: np.ndarray, statistics: ReferenceStatistics
    ) -> torch.Tensor:
        x_RD = self._brought(x_SD, rows_R) if isinstance(x_SD, np.ndarray) else x_SD[self.array(rows_R)]
        z_RD = x_RD.double()
        z_RD -= self.array(statistics.mean_D)
        z_RD /= self.array(statistics.scale_D)
        return z_RD

    def array(self, given: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(given).to(self._device)

    def host(self, found: torch.Tensor) -> np.ndarray:
        return found.cpu().numpy()

    def each(self, work: Callable[[_Part], _Found], parts: Iterable[_Part]) -> list[_Found]:
        return [work(part) for part in parts]

    def products(self, a_AD: torch.Tensor, b_BD: torch.Tensor) -> torch.Tensor:
        return a_AD @ b_BD.T

    def squares(self, z_SD: torch.Tensor) -> torch.Tensor:
        square_S: torch.Tensor = torch.linalg.vecdot(z_SD, z_SD)
        return square_S

    def inner(self, a: torch.Tensor, b: torch.Tensor) -> float:
        return float(torch.dot(a.ravel(), b.ravel()))

    def smallest(self, far_CG: torch.Tensor, num: int) -> tuple[np.ndarray, np.ndarray]:
        values_CN, places_CN = far_CG.topk(num + 1, dim=1, largest=False, sorted=True)
        near_CN, first_C = places_CN[:, :num], far_CG.argmin(dim=1)
        # topk takes any of those that are equal at the border
        tied = torch.nonzero(values_CN[:, num] == values_CN[:, num - 1]).ravel()
        if len(tied):
            near_CN[tied] = far_CG[tied].sort(dim=1, stable=True).indices[:, :num]
        return self.host(near_CN.sort(dim=1).values), self.host(first_C)

    def places(self, values_P: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        _, place_P, counts = torch.unique(values_P.float(), return_inverse=True, return_counts=True)
        return place_P, counts.double()

    def _brought(self, x_SD: np.ndarray, rows_R: np.ndarray) -> torch.Tensor:
        """These rows on the device, through one small buffer: pages of the host are taken once, not per row."""
        there_RD = torch.empty((len(rows_R), x_SD.shape[1]), dtype=torch.float32, device=self._device)
        staged_CD = np.empty((min(_STAGED_ROWS, len(rows_R)), x_SD.shape[1]), np.float32)
        for part in chunks(len(rows_R), _STAGED_ROWS):
            few_CD = staged_CD[: part.stop - part.start]
            np.take(x_SD, rows_R[part], axis=0, out=few_CD, mode="clip")
            there_RD[part].copy_(torch.from_numpy(few_CD))
        return there_RD
