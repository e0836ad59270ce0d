"""Passes over the rows of both arms, in chunks: only a few rows of either are held in float64 at a time.

The sets may be memory-mapped files of any length; `rows_S` are the selected rows, finite on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

from vp_tui.core.measures.dimensions import outlier_share
from vp_tui.core.measures.elements import ElementMeasures, element_measures, ulps
from vp_tui.core.measures.pairs import SetMeasures, set_measures
from vp_tui.core.measures.selection import evenly, on_all_cores, portions
from vp_tui.core.measures.statistics import ReferenceStatistics, Sums, added, sums_of_portion

ULP_ROWS: Final = 2048
"""Rows used for the percentiles of M6's ULPs: five million numbers of ESM-2 3B."""

_Columns = TypeVar("_Columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMeasures:
    """Measures of every row: M1 to M6, and S6's share of outliers in both arms."""

    pairs: SetMeasures
    elements: ElementMeasures
    outliers_x_S: np.ndarray
    outliers_y_S: np.ndarray

    def of(self, rows: slice) -> "RowMeasures":
        """Return the measures of a slice of rows."""
        return RowMeasures(
            pairs=_cut(self.pairs, rows),
            elements=_cut(self.elements, rows),
            outliers_x_S=self.outliers_x_S[rows],
            outliers_y_S=self.outliers_y_S[rows],
        )


def row_measures(
    x_SD: np.ndarray, y_SD: np.ndarray, rows_S: np.ndarray, statistics: ReferenceStatistics
) -> RowMeasures:
    """Return all measures of single rows, in the order of `rows_S`."""

    def measured(rows_C: np.ndarray) -> RowMeasures:
        x_CD, y_CD = x_SD[rows_C], y_SD[rows_C]
        elements = element_measures(x_CD, y_CD)
        x_CD, y_CD = x_CD.astype(np.float64), y_CD.astype(np.float64)
        return RowMeasures(
            pairs=set_measures(x_CD, y_CD, statistics),
            elements=elements,
            outliers_x_S=outlier_share(x_CD, statistics),
            outliers_y_S=outlier_share(y_CD, statistics),
        )

    parts = on_all_cores(measured, _portions(rows_S, x_SD.shape[1]))
    return RowMeasures(
        pairs=_joined(SetMeasures, [part.pairs for part in parts]),
        elements=_joined(ElementMeasures, [part.elements for part in parts]),
        outliers_x_S=np.concatenate([part.outliers_x_S for part in parts]),
        outliers_y_S=np.concatenate([part.outliers_y_S for part in parts]),
    )


def sums_of_rows(x_SD: np.ndarray, rows_S: np.ndarray) -> Sums:
    """Return the sums over these rows."""

    def portion(rows_C: np.ndarray) -> Sums:
        return sums_of_portion(x_SD[rows_C].astype(np.float64))

    width = x_SD.shape[1]
    return added(on_all_cores(portion, _portions(rows_S, width)) if rows_S.size else [], width)


def some_ulps(x_SD: np.ndarray, y_SD: np.ndarray, rows_S: np.ndarray) -> np.ndarray:
    """Return |y - x| in FP16 ULPs, float32 [N], of every element of all rows, or of ULP_ROWS evenly spread ones."""
    few_R = rows_S[evenly(len(rows_S), ULP_ROWS)]
    return np.concatenate(
        on_all_cores(lambda rows_C: ulps(x_SD[rows_C], y_SD[rows_C]).ravel(), _portions(few_R, x_SD.shape[1]))
    )


def gathered(x_SD: np.ndarray, rows_S: np.ndarray, most: int) -> np.ndarray:
    """Return these rows, or `most` evenly spread ones, in memory."""
    few_R = rows_S[evenly(len(rows_S), most)]
    found_RD = np.empty((len(few_R), x_SD.shape[1]), x_SD.dtype)

    def fill(part: slice) -> None:
        found_RD[part] = x_SD[few_R[part]]

    on_all_cores(fill, portions(*found_RD.shape))
    return found_RD


def _portions(rows_S: np.ndarray, width: int) -> list[np.ndarray]:
    """Chunks of `rows_S`; at least one, which may be empty."""
    return [rows_S[part] for part in portions(len(rows_S), width)] or [rows_S]


def _cut(found: _Columns, rows: slice) -> _Columns:
    columns: Any = found
    return type(found)(**{name: getattr(columns, name)[rows] for name in columns.__dataclass_fields__})


def _joined(kind: type[_Columns], parts: Sequence[_Columns]) -> _Columns:
    columns: Any = kind
    return kind(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns.__dataclass_fields__}
    )
