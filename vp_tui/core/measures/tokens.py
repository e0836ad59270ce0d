"""T1: token outputs compared one by one; an average over a sequence can hide a broken first or last token."""

from dataclasses import dataclass

import numpy as np

from vp_tui.core.measures import summary
from vp_tui.core.measures.pairs import row_cosine
from vp_tui.core.measures.selection import chunks, finite_rows
from vp_tui.core.measures.statistics import reference_statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMeasures:
    """`numbers` of T1, how many tokens they are over, and where the lowest token cosine is.

    min, p001 (0.1th percentile), first_min, last_min; the same with centred_ in front, of cosines about the mean token.
    """

    numbers: dict[str, float | None]
    num_tokens: int
    worst_token: int | None
    worst_sequence: int | None


def token_measures(
    x_ND: np.ndarray, y_ND: np.ndarray, *, sequence_N: np.ndarray, first_N: np.ndarray, last_N: np.ndarray
) -> TokenMeasures:
    """Compare token outputs [N, D]; `sequence_N` says whose a token is, bool masks which ones begin and end a sequence.

    The centre is the mean over the reference's tokens. Tokens that are not finite on both sides take part in nothing;
    a number over no tokens, or centred ones of a reference whose tokens are all equal, are None.
    """
    usable_N = finite_rows(x_ND, y_ND)
    statistics = reference_statistics(x_ND if usable_N.all() else x_ND[usable_N])
    plain_N, centred_N = np.full(len(x_ND), np.nan), np.full(len(x_ND), np.nan)
    for part in chunks(len(x_ND)):
        keep_C = usable_N[part]
        x_CD, y_CD = x_ND[part][keep_C].astype(np.float64), y_ND[part][keep_C].astype(np.float64)
        plain_N[part][keep_C] = row_cosine(x_CD, y_CD)
        if statistics.spread:
            centred_N[part][keep_C] = row_cosine(x_CD - statistics.mean_D, y_CD - statistics.mean_D)
    numbers = _numbers("", plain_N, first_N, last_N) | _numbers("centred_", centred_N, first_N, last_N)
    worst = int(np.nanargmin(plain_N)) if usable_N.any() else None
    return TokenMeasures(
        numbers=numbers,
        num_tokens=int(np.count_nonzero(usable_N)),
        worst_token=worst,
        worst_sequence=None if worst is None else int(sequence_N[worst]),
    )


def _numbers(prefix: str, cosine_N: np.ndarray, first_N: np.ndarray, last_N: np.ndarray) -> dict[str, float | None]:
    return {
        f"{prefix}min": summary.lowest(cosine_N),
        f"{prefix}p001": summary.percentile(cosine_N, 0.1),
        f"{prefix}first_min": summary.lowest(cosine_N[first_N]),
        f"{prefix}last_min": summary.lowest(cosine_N[last_N]),
    }
