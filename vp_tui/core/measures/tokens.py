"""T1: token outputs compared one by one; a mean over a sequence can hide a wrong first or last token."""

import numpy as np

from vp_tui.core.measures import summary
from vp_tui.core.measures.pairs import row_cosine
from vp_tui.core.measures.selection import finite_rows, on_all_cores, portions
from vp_tui.core.measures.statistics import reference_statistics


def token_numbers(
    x_ND: np.ndarray, y_ND: np.ndarray, *, first_N: np.ndarray, last_N: np.ndarray
) -> dict[str, float | None]:
    """Compare token outputs [N, D]; the bool masks mark the first and last token of every sequence.

    Returns min, p001 (0.1th percentile), first_min, last_min; the same with the prefix centred_, of cosines about the
    mean over the reference's tokens. Tokens that are not finite on both sides are left out; a number over no tokens is
    None, and so are centred ones of a reference whose tokens are all equal.
    """
    usable_N = finite_rows(x_ND, y_ND)
    statistics = reference_statistics(x_ND if usable_N.all() else x_ND[usable_N])
    plain_N, centred_N = np.full(len(x_ND), np.nan), np.full(len(x_ND), np.nan)

    def compare(part: slice) -> None:
        keep_C = usable_N[part]
        x_CD, y_CD = x_ND[part][keep_C].astype(np.float64), y_ND[part][keep_C].astype(np.float64)
        plain_N[part][keep_C] = row_cosine(x_CD, y_CD)
        if statistics.spread:
            centred_N[part][keep_C] = row_cosine(x_CD - statistics.mean_D, y_CD - statistics.mean_D)

    on_all_cores(compare, portions(*x_ND.shape))
    return _numbers("", plain_N, first_N, last_N) | _numbers("centred_", centred_N, first_N, last_N)


def _numbers(prefix: str, cosine_N: np.ndarray, first_N: np.ndarray, last_N: np.ndarray) -> dict[str, float | None]:
    return {
        f"{prefix}min": summary.lowest(cosine_N),
        f"{prefix}p001": summary.percentile(cosine_N, 0.1),
        f"{prefix}first_min": summary.lowest(cosine_N[first_N]),
        f"{prefix}last_min": summary.lowest(cosine_N[last_N]),
    }
