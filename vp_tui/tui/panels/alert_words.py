"""What an alert or a finding means, and what to do next: a sentence or two each, by kind."""

from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.gates.table import BY_ID

MEANINGS: dict[str, tuple[str, str]] = {
    "nan": (
        "The candidate put out NaN: a number left the range of its format, and whatever followed is meaningless. "
        "One such sequence fails the run (V1).",
        "See which layer it began in: a layer that overflows must stay in FP32, or take bf16. s shows the sequence; "
        "m the doublings left in the tightest layers.",
    ),
    "inf": (
        "The candidate put out an infinity: a value was larger than the format's largest number. One such sequence "
        "fails the run (V1).",
        "As for NaN: see the layer, keep it in FP32, or take bf16, whose range is that of FP32.",
    ),
    "cosine": (
        "The embedding points another way than its reference does, by more than the limit allows. One such sequence "
        "fails the run (M1).",
        "s shows the sequence; enter on the Live screen shows the worst ones. Are they alike in length or letters? "
        "A run with F says whether the reference itself repeats.",
    ),
    "reference": (
        "About the reference this run is held against: stored by an earlier run, or encoded anew.",
        "F starts the same run with its reference encoded anew, where the stored one is in doubt.",
    ),
    "input": (
        "The sequence file is not used quite as it lies there: ids, letters or lengths were changed or left out.",
        "Compare it with what you meant to validate; correct the file and press r, or leave it.",
    ),
    "memory": (
        "The device had too little memory for the packs; they were made smaller. The numbers stay as good, the "
        "clocks may be slower.",
        "Stop what else uses the device, or start with a smaller token budget (r), to have comparable clocks.",
    ),
    "gpu": (
        "The GPU could not be watched: utilization, memory, power and clock are missing, and so is their judgement.",
        "`vp-tui doctor` says what is missing. The verdict on the numbers is not touched.",
    ),
    "model": (
        "About the checkpoint or the code that runs it: what was found, replaced or planted.",
        "Read it once; nothing needs to be done when it is what you meant to validate.",
    ),
    "precision": (
        "About the number format: what the weights lose in it, or why another one is used than was asked for.",
        "If the rollback switch is the reason, take it away and press r.",
    ),
    "store": (
        "The store could not take all rows in time; the run itself goes on.",
        "See whether the disk is full or slow: `vp-tui doctor`.",
    ),
}
UNKNOWN = ("", "The log (5) may say more.")


def meaning(entry: AlertRaised | Finding) -> tuple[str, str]:
    """What it means, and what to do next; a finding has the words of its gate."""
    if isinstance(entry, AlertRaised):
        return MEANINGS.get(entry.kind, UNKNOWN)
    gate = BY_ID.get(entry.gate)
    if gate is None:
        return UNKNOWN
    return gate.meaning, f"{gate.advice} m shows all gates. {entry.gate} does not detect {gate.blind_to}."
