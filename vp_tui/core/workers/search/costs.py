"""What keeping a unit costs, measured: the model with one operation kept in every block, against the base plan."""

from vp_tui.core.inputs.units import BLOCKS, IN_BLOCK
from vp_tui.core.workers.search.attempts import Attempts


def costs_of(attempts: Attempts) -> dict[str, float]:
    """Return operation -> milliseconds per 1,000 tokens that keeping it in one block adds; 0 where it is not slower."""
    blocks = attempts.data.spec.num_layers
    base_ms = attempts.ms_per_thousand(attempts.encoder(attempts.plan(())))
    found = {}
    for operation in IN_BLOCK[attempts.data.spec.kind]:
        kept = [f"{BLOCKS}.{block}.{operation}" for block in range(blocks)]
        all_ms = attempts.ms_per_thousand(attempts.encoder(attempts.plan(kept)))
        found[operation] = max(0.0, (all_ms - base_ms) / blocks)
    return found
