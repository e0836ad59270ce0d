"""Gates outside a run's list: labels of `vp-tui virnucpro` (D) and speed goals (P1)."""

from functools import partial

from vp_tui.core.gates.gate import SHARE, Gate, Interval, Limit

_labels = partial(
    Gate,
    kind="safety",
    scopes="all",
    meaning="VirNucPro gives other answers in the candidate precision.",
    advice="Look at the frames (`flips` in `vp-tui show RUN --json`), and keep FP32 where they matter.",
    blind_to="labels that both precisions get wrong",
    cause="labels",
    is_of_judged=True,
)
D1 = _labels(
    id="D1",
    measure="D1",
    names=("agreement",),
    sense="below",
    fail=Limit(0.99, "Share of frames with the same label in both runs.", SHARE),
    warn=Limit(0.999, "One frame of a thousand.", SHARE),
    style="share",
    title="frames with the same label",
    what="share of frames with the same label",
)
D2 = _labels(
    id="D2",
    measure="D2",
    names=("shift_mean",),
    sense="above",
    fail=Limit(1e-2, "Mean change of the probability of virus."),
    title="mean change of probability",
    what="mean change of the probability of virus",
)
D2_MAX = _labels(
    id="D2-max",
    measure="D2",
    names=("shift_max",),
    sense="above",
    fail=None,
    warn=Limit(1e-2, "Largest change of the probability of virus."),
    title="largest probability change",
    what="largest change of the probability of virus",
)
D2_FLIP = _labels(
    id="D2-flip",
    measure="D2",
    names=("flip_distance",),
    sense="above",
    fail=Limit(0.05, "A label that flips although a probability is this far from 0.5.", Interval(0, 0.5)),
    title="clear labels that flip",
    what="distance from 0.5 of a label that flips",
)
D3 = _labels(
    id="D3",
    measure="D3",
    names=("agreement",),
    sense="below",
    fail=Limit(0.98, "Share of chunks, and of contigs, with the same consensus in both runs.", SHARE),
    warn=Limit(0.995, "One of two hundred.", SHARE),
    style="share",
    title="same consensus",
    what="share of chunks or contigs with the same consensus",
    advice="Look at the chunks and contigs that changed, and keep FP32 where they matter.",
)

_speed = partial(
    Gate,
    measure="P1",
    sense="below",
    warn=None,
    kind="information",
    scopes="all",
    meaning="The candidate is slower than the goal.",
    advice="See the throughput and GPU panels: packing, other processes and clocks.",
    blind_to="exactness",
    cause="speed",
)
P1 = _speed(
    id="P1",
    names=("tokens_per_s", "end_to_end"),
    fail=Limit(1.8, "Throughput and end-to-end time, candidate relative to reference."),
    style="ratio",
    title="speed-up",
    what="speed-up",
)
P1_GPU = _speed(
    id="P1-gpu",
    names=("utilization",),
    fail=Limit(80.0, "Mean NVML utilization in percent while encoding.", Interval(0, 100, has_low=True)),
    style="ratio",
    title="GPU utilization",
    what="mean GPU utilization in percent",
)
