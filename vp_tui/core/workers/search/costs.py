"""What keeping a unit costs, measured: the model with one operation kept in every block, against the base plan."""

from typing import Final

from vp_tui.core.inputs.units import BLOCKS, IN_BLOCK
from vp_tui.core.workers.search.attempts import Attempts

_ROUNDS: Final = 2
"""The fastest of so many counts; the first also warms up."""
_SEQUENCES: Final = {"cpu": 8, "cuda": 64}


def costs_of(attempts: Attempts) -> dict[str, float]:
    """Return operation -> milliseconds per 1,000 tokens that keeping it in one block adds; 0 where it is not slower."""
    data = attempts.data
    rows_Q = data.search_Q[: _SEQUENCES[attempts.device.type]]
    thousands = float(data.prepared.tokens.lengths_S[rows_Q].sum()) / 1e3
    base_s = attempts.seconds(attempts.plan(()), rows_Q, _ROUNDS)
    found = {}
    for operation in IN_BLOCK[data.spec.kind]:
        kept = [f"{BLOCKS}.{block}.{operation}" for block in range(data.spec.num_layers)]
        added_s = attempts.seconds(attempts.plan(kept), rows_Q, _ROUNDS) - base_s
        found[operation] = max(0.0, 1e3 * added_s / data.spec.num_layers / thousands)
    return found
