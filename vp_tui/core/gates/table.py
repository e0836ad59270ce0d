"""All gates in the order they are reported in; ids and formulas are those of docs/measures.md."""

from typing import Final

from vp_tui.core.gates import consequences as c
from vp_tui.core.gates import embeddings as m
from vp_tui.core.gates import engine as r
from vp_tui.core.gates import goals as g
from vp_tui.core.gates import model as v
from vp_tui.core.gates import sets as s
from vp_tui.core.gates.gate import Gate

GATES: Final[tuple[Gate, ...]] = (
    *(v.I1, v.I2, v.F1, v.V1, v.V2, v.V3, v.V4_ERROR, v.V4, v.V4_FLUSHED),
    *(m.M1, m.M1_P01, m.M2, m.M2_P01, m.M3, m.M3_P01),
    *(m.M4, m.M4C, m.M4_WORST, m.M5, m.M5_SCALE, m.M6),
    *(v.T1, v.T1_MIN),
    *(s.S1, s.S1_NEAREST, s.S2, s.S2_DEBIASED, s.S2_RDM, s.S5, s.S5_STD, s.S5_KS, s.S6, s.S6_ROGUE),
    *(c.S7, c.S8, c.S9, c.S10),
    *(r.R1, r.R2, r.R3, r.R3_CANDIDATE, r.R4, r.R4_BIAS, r.R5, r.R6, r.R7, v.C1),
)
"""The gates of a run."""
WITH_LIMITS: Final[tuple[Gate, ...]] = (
    *GATES,
    *(m.M4_FLOOR, c.S9_FLOOR, r.R1_BITS),
    *(g.D1, g.D2, g.D2_MAX, g.D2_FLIP, g.D3, g.P1, g.P1_GPU),
)
"""All whose limits a thresholds file may set: also conditions of other gates, labels and speed."""
LABELS: Final = (g.D1, g.D2, g.D2_MAX, g.D2_FLIP, g.D3)
"""The gates of predictions."""
BY_ID: Final = {gate.id: gate for gate in (*GATES, *LABELS)}
EMBEDDING_GATES: Final = tuple(gate for gate in GATES if gate.is_on_embeddings)
