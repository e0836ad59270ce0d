"""Meaning of an alert or a finding and what to do about it, by kind."""

from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.gates.table import BY_ID

MEANINGS: dict[str, tuple[str, str]] = {
    "nan": (
        "The candidate run produced NaN: a value left the range of its number format, and all later values are "
        "meaningless. One such sequence fails the run (V1).",
        "Find the first layer with NaN: a layer that overflows must stay in FP32, or use bf16. Press s for the "
        "sequence, m for the layers closest to overflow.",
    ),
    "inf": (
        "The candidate run produced Inf: a value exceeded the largest number of its format. One such sequence fails "
        "the run (V1).",
        "As for NaN: find the layer and keep it in FP32, or use bf16, which has the range of FP32.",
    ),
    "cosine": (
        "The cosine similarity between the candidate and the reference embedding is at or below the limit. One such "
        "sequence fails the run (M1).",
        "Press s for the sequence, enter on the Live screen for the worst ones. Do they share a length or a "
        "composition? F repeats the run with a recomputed reference.",
    ),
    "reference": (
        "About the FP32 reference of this run: cached from an earlier run, or recomputed.",
        "If you doubt the cached reference, press F: the same run with a recomputed reference.",
    ),
    "input": (
        "Some sequences of the file were changed or skipped: ids, residues or lengths.",
        "Check that this is what you want to validate; else correct the file and press r.",
    ),
    "memory": (
        "The device ran out of memory, so the packed batches were made smaller. Accuracy is not affected; throughput "
        "may be lower.",
        "For comparable throughput, stop other processes on the device or press r and reduce the token budget.",
    ),
    "gpu": (
        "GPU telemetry was not available: utilization, memory, power and clock are missing and not checked.",
        "Run `vp-tui doctor` to see why. The accuracy verdict is not affected.",
    ),
    "model": (
        "About the checkpoint or the code that runs it: what was found or replaced, or a corruption injected on "
        "purpose.",
        "Check that this is what you want to validate.",
    ),
    "precision": (
        "About the number format: rounding of the weights, or why another precision than requested is used.",
        "If the rollback variable is the reason, unset it and press r.",
    ),
    "store": (
        "Not all rows could be written to the store in time; the run continues.",
        "Check whether the disk is full or slow: `vp-tui doctor`.",
    ),
}
UNKNOWN = ("", "See the log (5).")


def meaning(entry: AlertRaised | Finding) -> tuple[str, str]:
    """Return the meaning and what to do next; a finding has the text of its gate."""
    if isinstance(entry, AlertRaised):
        return MEANINGS.get(entry.kind, UNKNOWN)
    gate = BY_ID.get(entry.gate)
    if gate is None:
        return UNKNOWN
    return gate.meaning, f"{gate.advice} m shows all gates. {entry.gate} does not detect {gate.blind_to}."
