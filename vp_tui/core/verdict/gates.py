"""All gates in the order they are reported in; ids and formulas are those of docs/measures.md."""

from typing import Final

from vp_tui.core.verdict.embedding_gates import COSINE_GATES, ERROR_GATES, NEIGHBOUR_GATES, STRUCTURE_GATES
from vp_tui.core.verdict.gate import Gate
from vp_tui.core.verdict.model_gates import CONTROL_GATES, FINITE_GATES, REFERENCE_GATES, TOKEN_GATES
from vp_tui.core.verdict.spread_gates import SPREAD_GATES

GATES: Final[tuple[Gate, ...]] = (
    *FINITE_GATES,
    *COSINE_GATES,
    *ERROR_GATES,
    *TOKEN_GATES,
    *NEIGHBOUR_GATES,
    *STRUCTURE_GATES,
    *SPREAD_GATES,
    *REFERENCE_GATES,
    *CONTROL_GATES,
)

BY_ID: Final = {gate.id: gate for gate in GATES}
EMBEDDING_GATES: Final = tuple(gate for gate in GATES if gate.controlled)
"""Those that read nothing but two sets of embeddings; the negative controls ask them."""
