"""Help text of each panel: meaning, good values, what to do otherwise.

A widget names its text by its `topic`; the help begins with the focused one. Keys come from the key table, limits from
the configuration.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.gates.embeddings import M1, M1_P01
from vp_tui.core.gates.goals import P1, P1_GPU
from vp_tui.core.gates.sets import S5_STD, S6
from vp_tui.core.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Explanation:
    """Help text of one panel."""

    title: str
    meaning: str
    good: str
    todo: str


def explanation(topic: str, limits: Thresholds) -> Explanation:
    """Return the text of a topic, with the limits in force."""
    numbers = {
        "cosine": fmt.limit(limits.fail(M1)),
        "p01": fmt.limit(limits.fail(M1_P01)),
        "speed": fmt.limit(limits.fail(P1)),
        "gpu": fmt.limit(limits.fail(P1_GPU)),
        "std": fmt.percent(limits.warn(S5_STD)),
        "outliers": fmt.percent(limits.fail(S6)),
    }
    return Explanation(*(text.format_map(numbers) for text in astuple(TOPICS[topic])))


TOPICS: Final[Mapping[str, Explanation]] = {
    "header": Explanation(
        "Who, safe, fast",
        "First line: run, model, precisions, device and data. Second: is it safe, with the numbers that prove it. "
        "Third: is it fast. While the run is active the answer is `so far`: a later sequence can still fail it. The "
        "bar counts the time of all steps; encoding is only one of them.",
        "PASS: every sequence is above {cosine} and finite, and no gate failed. WARN: usable, but read the "
        "warnings. FAIL: do not use this precision for this data. INVALID: the measurement itself cannot be trusted.",
        "If it is not PASS, read the problems below, then the Measures.",
    ),
    "strata": Explanation(
        "Strata",
        "One row per length stratum: long sequences overflow and short ones round differently, and a mean over all "
        "would hide both. Similarity is the cosine similarity to the reference; the margin says how many times nearer "
        "to 1 than the limit the lowest one is.",
        "Lowest above {cosine}, 1st percentile above {p01}, no NaN and no Inf in any row.",
        "For a row marked with ! open the worst sequences: is one sequence affected, or all of them?",
    ),
    "similarity": Explanation(
        "Similarity of each block or sequence",
        "Cosine similarity to the reference on a log scale of its distance from 1: better is up, equal to the "
        "reference is at the top. A mark is the lowest of a block, and after the end of a run of few sequences one "
        "sequence. The line is the limit {cosine}; what is below it or has NaN or Inf, in the row at the foot, is red.",
        "All marks far above the line, and no trend: FP16 alone stays above 0.9999. Nothing in the row of NaN.",
        "Single marks near the line are single sequences: point at them, or open the worst ones. A stratum that falls "
        "points to a kernel or a module.",
    ),
    "histogram": Explanation(
        "Histogram of similarity",
        "Number of sequences by their similarity to the reference, per stratum, on a log scale of its distance from "
        "1: `equal` is at the left end, worse is right. The line is the limit; `bad` counts what is at or below it "
        "and NaN and Inf.",
        "One peak, far to the left of {cosine}.",
        "A second peak is a group of sequences with a common cause: look at what they share (length, batch, unusual "
        "residues). Single bars on the right are single sequences: open the worst ones.",
    ),
    "throughput": Explanation(
        "Throughput of each block",
        "Tokens per second of the reference (-) and the candidate (x), block by block, device time only. Their blocks "
        "alternate, so a disturbance of the machine shows in both.",
        "Two flat rows, the candidate at least {speed} times as high.",
        "Both fall: the machine is shared or the GPU slows down, see the GPU panel. Only one falls: check its "
        "attention kernel and the sequence lengths of that block.",
    ),
    "gpu chart": Explanation(
        "GPU over time",
        "Utilization, memory, power and clock of the GPU during the run. Utilization is the share of time in which "
        "any kernel ran; power shows how much work was done. On Hopper and newer also: SM activity, tensor core "
        "activity and memory bandwidth.",
        "Mean utilization at least {gpu}%, power near its limit, a steady clock.",
        "Gaps: the GPU waits for data. A falling clock at full power: power cap or temperature.",
    ),
    "gpu": Explanation(
        "GPU now",
        "Newest reading: utilization, memory, power, clock, temperature, throttling, other processes on the GPU. "
        "Below, on Hopper and newer: SM activity, tensor core activity, memory bandwidth. Without an active run: "
        "the current state of the GPU.",
        "Mean utilization while encoding of {gpu}% or more, no `slowed by`, no `shared with`.",
        "Slowed by temperature or a power cap: accuracy is not affected, throughput is not comparable. Memory in "
        "use before a run: another process uses the GPU.",
    ),
    "speed": Explanation(
        "Speed",
        "Tokens per second of reference and candidate, and the speed-up with its 95% interval; end to end includes "
        "reading, packing and copies.",
        "Both ratios at {speed}x or more. On a CPU the speed is not checked.",
        "Fast on the device but slow end to end: the GPU waits for the input. Slow on both: check the attention "
        "kernel, and that the reference really ran in FP32.",
    ),
    "alerts": Explanation(
        "Problems and notes",
        "One line per cause, the most severe first: a FAIL decides the verdict, a WARN should be read, a NOTE changes "
        "nothing, an INFO is about the run. Each says where, whether it had an effect, and what to do.",
        "No FAIL and no WARN.",
        "Open the first: it names sequence, layer and batch, and lists everything of the same cause.",
    ),
    "embeddings": Explanation(
        "Embedding statistics",
        "Mean, standard deviation and share of outliers (beyond 3 standard deviations) of all values, reference and "
        "candidate.",
        "Equal to three digits: standard deviations within {std}, shares of outliers within {outliers}.",
        "Different standard deviations with good similarities: the scale is wrong, which similarity cannot detect but "
        "M5 and S5 can; see the Measures.",
    ),
    "runs": Explanation(
        "Run history",
        "All runs of this store, newest first, with status, verdict, lowest similarity and speed-up; the lines below "
        "describe the run under the cursor. `vs base` names the run of the baseline with the same model, data and "
        "machine: `#23 =` no judged change, `#23 -40%` slower beyond noise, `#23 worse!` lower similarity. v: a tree.",
        "PASS in the result column, and `=` in the column `vs base`.",
        "Select two runs and compare them; set a good one as a baseline, and later runs are compared with it.",
    ),
    "comparison": Explanation(
        "Comparison of two runs",
        "Run A is the baseline or the older run, run B the other. The first lines say whether the two are comparable: "
        "same sequences, same weights, same machine; without that their numbers stand side by side, not judged. Then "
        "all metrics of both, their difference, the tolerance and the result.",
        "No REGRESSED. A difference within its interval or tolerance is not significant.",
        "Read the differences in configuration first: they explain most differences in the metrics. A single slow "
        "run is not a regression: repeat it.",
    ),
    "logs": Explanation(
        "Log and events of the run",
        "run.log is the output of the run's process; events are its status changes, by whom and why; alerts are "
        "listed between them. Only the end of a long log is read.",
        "Phases one after the other, and a line with the verdict at the end.",
        "Failed run: read the last lines. Stalled run: compare the time of the last line with the clock. Search for "
        "`Traceback`, `NaN`, `WARNING`.",
    ),
    "search": Explanation(
        "Search for the operations to keep in FP32",
        "For a run that failed: the smallest set of operations that must be kept in FP32 so that the run passes; the "
        "others stay in FP16. Every trial encodes a part of the run's sequences with another set.",
        "`plan found and confirmed`: the plan passes on sequences that the search has not seen. A run that passed has "
        "nothing to keep.",
        "`not a precision fault`: FP32 does not cure it either, so suspect weights, pooling or code. All trials spent: "
        "continue the search.",
    ),
    "precision map": Explanation(
        "Precision map",
        "One row per block of the model, one column per operation in the order of execution; above and below, the "
        "operations outside the blocks. Each cell is a unit of the plan: one operation of one block. A number is the "
        "format in which the plan keeps it. ! its values leave the range of the format, ~ its rounding stands out, . "
        "neither, ? not looked at; + you pinned it, x you forbade it.",
        "Few cells with a number, next to each other: one cause. All others a dot.",
        "Open a cell for its evidence. Pin what you want in FP32 in any case, forbid what must not be slower, and "
        "search again.",
    ),
    "module map": Explanation(
        "Map of the model",
        "One row per module of a block in the order of execution, one column per block. Three maps: the error of the "
        "module's values in multiples of plain rounding, the doublings left before the format overflows, the share of "
        "values so small that digits are lost. Darker is nearer to the limit, ~ is beyond that of a warning, ! has "
        "NaN or Inf or fails. `.in` is what enters a linear layer.",
        "An even, light map.",
        "One dark row: an operation. One dark column: a block. Dark from one column on: the fault begins there. The "
        "search for operations to keep in FP32 begins with what is marked here.",
    ),
    "choices": Explanation(
        "Plans to choose from",
        "The plan that was found between its two extremes, nothing kept and everything kept: kept operations, lowest "
        "similarity of the searched sequences, tokens per second and memory of the weights on this device.",
        "The plan passes, and is nearly as fast as the one that keeps nothing.",
        "Is everything kept as fast as the plan? Then the plan saves memory only: use the wider format.",
    ),
}
OF_SCREEN = {"live": "header", "runs": "runs", "compare": "comparison", "search": "search", "logs": "logs"}
"""Topic of each screen while nothing has the focus."""
