"""What each panel says, in words: what the number means, what is good, what to do when it is not.

A widget names its text by its `topic`; the help begins with the one that has the focus. Keys are left to the key
table, limits to the configuration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vp_tui.core import text as fmt
from vp_tui.core.gates.embeddings import M1, M1_P01
from vp_tui.core.gates.goals import P1, P1_GPU
from vp_tui.core.gates.sets import S5_STD, S6
from vp_tui.core.thresholds import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One panel in three sentences or a few more."""

    title: str
    meaning: str
    good: str
    todo: str


def explanation(topic: str, limits: Thresholds) -> Explanation:
    """The text of a topic, with the limits in force."""
    return TOPICS[topic](limits)


def _header(limits: Thresholds) -> Explanation:
    return Explanation(
        title="The run and its verdict so far",
        meaning="Which model runs in which precision, how far it is, and what its numbers come to. While it runs the "
        "verdict is `so far`: a later sequence can still fail it.",
        good=f"PASS: every sequence is above {fmt.limit(limits.fail(M1))} and finite, and no gate saw damage. WARN: "
        "usable, but read what it warns of. FAIL: do not use this precision for these data. INVALID: the measurement "
        "itself cannot be trusted.",
        todo="With anything but PASS, read the alerts and findings below, then the Measures.",
    )


def _strata(limits: Thresholds) -> Explanation:
    return Explanation(
        title="The table of strata",
        meaning="One row per length of sequence, because long sequences overflow and short ones round differently; a "
        "mean over all would hide both. Worst, 1st percentile and mean are cosine similarities to the reference.",
        good=f"Worst above {fmt.limit(limits.fail(M1))}, 1st percentile above "
        f"{fmt.limit(limits.fail(M1_P01))}, no NaN and no Inf in any row.",
        todo="A ! names the stratum to look at: open the worst sequences, and see whether one sequence or all are hit.",
    )


def _similarity(limits: Thresholds) -> Explanation:
    return Explanation(
        title="1 - cosine over time",
        meaning="The distance of each block's worst sequence from the reference; each step of the axis is ten times. "
        "The line is the limit, ! marks a block with NaN or Inf.",
        good=f"All points far below the line at {fmt.error(1 - limits.fail(M1))}, and no trend: FP16 alone stays "
        "below 1e-4.",
        todo="Single points near the line are single sequences; a whole stratum that climbs is a kernel or a module.",
    )


def _histogram(limits: Thresholds) -> Explanation:
    return Explanation(
        title="The histogram of 1 - cosine",
        meaning="How many sequences lie at which distance from the reference, per stratum; each step of the axis is "
        "ten times. The line is the limit.",
        good=f"One hump, well left of {fmt.error(1 - limits.fail(M1))}.",
        todo="A second hump is a group of sequences that something else happens to: look at what they share (length, "
        "pack, unusual letters). Single bars on the right are single sequences: open the worst ones.",
    )


def _throughput(limits: Thresholds) -> Explanation:
    return Explanation(
        title="Tokens per second of each block",
        meaning="How fast both precisions went, block by block, device work only. Both arms take turns, so a disturbed "
        "machine shows in both.",
        good=f"Two flat lines, the candidate at least {fmt.limit(limits.fail(P1))} times as high.",
        todo="Lines that fall together: the machine is shared or the card slows down, see the GPU panel. Only one that "
        "falls: look at its attention kernel and at the lengths of that block.",
    )


def _gpu_chart(limits: Thresholds) -> Explanation:
    return Explanation(
        title="The GPU over time",
        meaning="Utilization, memory, power and clock of the card during the run. Utilization says that something ran, "
        "not that it was much: power tells real work, and on Hopper and newer the share of the SMs that had work, the "
        "time in tensor cores and the memory bandwidth in use.",
        good=f"Utilization at {fmt.limit(limits.fail(P1_GPU))}% or more in the mean, power near its limit, a "
        "steady clock.",
        todo="Gaps mean that the card waits for data. A falling clock at full power is the power cap or heat.",
    )


def _gpu(limits: Thresholds) -> Explanation:
    return Explanation(
        title="The GPU now",
        meaning="The newest reading of the card: share of time it ran anything, memory in use, power, clock, "
        "temperature, whether something slows it down and whether others compute on it. Below, on Hopper and newer: "
        "how many SMs had work, time in tensor cores, memory bandwidth. Outside of a run it is what the card does now.",
        good=f"A mean utilization of {fmt.limit(limits.fail(P1_GPU))}% or more, no `slowed by`, no `shared with`.",
        todo="Slowed by heat or a power cap: numbers stay right, clocks do not count. Memory in use before a run: "
        "somebody else works on the card.",
    )


def _speed(limits: Thresholds) -> Explanation:
    return Explanation(
        title="Speed",
        meaning="Tokens per second of both precisions and their ratio with its 95 % interval; end to end includes "
        "reading, packing and copies.",
        good=f"Both ratios at {fmt.limit(limits.fail(P1))}x or more. On a CPU speed is not judged.",
        todo="Fast on the device but slow end to end: the card waits for the input. Slow on both: see which attention "
        "kernel was taken, and whether the reference really ran in FP32.",
    )


def _alerts(limits: Thresholds) -> Explanation:
    return Explanation(
        title="Alerts and findings",
        meaning="Alerts come while the run goes on, one per thing that happened: a sequence with NaN, a cosine at or "
        f"below {fmt.limit(limits.fail(M1))}, a disturbed clock. Findings are what the gates say at the end.",
        good="None. A warn is worth a look, a fail decides the verdict.",
        todo="Open the first alert, not the last: it names sequence, layer and pack, and later ones often follow "
        "from it.",
    )


def _embeddings(limits: Thresholds) -> Explanation:
    return Explanation(
        title="The embeddings of both arms",
        meaning="Mean, standard deviation and share of outliers (beyond 3 standard deviations) of all numbers in the "
        "embeddings, reference beside candidate.",
        good=f"Equal to three digits: standard deviations within {fmt.percent(limits.warn(S5_STD))}, shares of "
        f"outliers within {fmt.percent(limits.fail(S6))}.",
        todo="Different spreads with good cosines are a lost scale: cosine cannot see it, M5 and S5 can; read the "
        "Measures.",
    )


def _runs(_limits: Thresholds) -> Explanation:
    return Explanation(
        title="The history of runs",
        meaning="Every run of this store, newest first, with its state, verdict, worst cosine and speed; the lines "
        "below say more about the run under the cursor, also against its baseline.",
        good="PASS in the column of the verdict, and no ! beside the difference to the baseline.",
        todo="Mark two runs and compare them; pin a good one as a baseline, and every later run is held against it.",
    )


def _comparison(_limits: Thresholds) -> Explanation:
    return Explanation(
        title="Two runs side by side",
        meaning="The first lines say whether the two can be compared at all: same sequences, same weights, same "
        "machine. Then every measure of both, their difference, the tolerance, and what it comes to.",
        good="No REGRESSED. A difference within its interval or tolerance is no difference.",
        todo="Read the configuration differences before the numbers: they explain most of them. One slow run is no "
        "regression: repeat it.",
    )


def _logs(_limits: Thresholds) -> Explanation:
    return Explanation(
        title="The log and the events of the run",
        meaning="run.log is what the process of the run wrote; events are its moves from queued to its end, who made "
        "them and why; alerts stand between them. Only the end of a long log is read.",
        good="Phases one after the other, and a line with the verdict at the end.",
        todo="A run that failed: the last lines before its end. A run that is silent: the time of the last line "
        "against the clock. Look for `Traceback`, `NaN`, `WARNING`.",
    )


def _search(_limits: Thresholds) -> Explanation:
    return Explanation(
        title="The search for FP32-only operations",
        meaning="It will run the model with groups of operations in FP32 and the rest in FP16, and find the smallest "
        "group that makes all gates pass.",
        good="Nothing to search: with PASS every operation may stay in FP16.",
        todo="Until then the Measures name the module where the first NaN was born, and those that err more than "
        "rounding explains: these are the ones to keep in FP32.",
    )


TOPICS: Mapping[str, Callable[[Thresholds], Explanation]] = {
    "header": _header,
    "strata": _strata,
    "similarity": _similarity,
    "histogram": _histogram,
    "throughput": _throughput,
    "gpu chart": _gpu_chart,
    "gpu": _gpu,
    "speed": _speed,
    "alerts": _alerts,
    "embeddings": _embeddings,
    "runs": _runs,
    "comparison": _comparison,
    "logs": _logs,
    "search": _search,
}
OF_SCREEN = {"live": "header", "runs": "runs", "compare": "comparison", "search": "search", "logs": "logs"}
"""What is explained while nothing has the focus."""
