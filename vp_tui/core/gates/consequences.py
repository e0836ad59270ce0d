"""Gates on what an error changes for users of the embeddings (S7 to S10): whether a precision is safe."""

from functools import partial

from vp_tui.core.gates.gate import NONE_ALLOWED, NOT_NEGATIVE, SHARE, Gate, Limit

_consequence = partial(Gate, kind="safety", cause="neighbours")

S7 = _consequence(
    id="S7",
    measure="S7",
    names=("identity_misses",),
    sense="above",
    fail=NONE_ALLOWED,
    style="count",
    title="exchanged sequences",
    what="sequences whose embedding is nearer to another sequence's reference than to its own",
    meaning="These sequences are taken for others.",
    advice="Check the order of the sequences; if it is right, do not use this precision.",
    blind_to="errors smaller than the distance between two sequences, and exchanged near duplicates",
    knows_worst=True,
)
S8 = _consequence(
    id="S8",
    measure="S8",
    names=("gap_p99",),
    sense="above",
    fail=Limit(0.5, "Half-way to the nearest of 512 others: beyond it a sequence may be taken for another one."),
    warn=Limit(0.1, "Twice what sound FP16 reached on trained weights (0.05); BF16 measured 0.03 to 0.31."),
    style="ratio",
    title="error over distance to others",
    what="99th percentile of the error divided by the distance to the nearest other sequence",
    what_few="largest error divided by the distance to the nearest other sequence",
    meaning="The error is no longer small compared with the difference between two sequences.",
    advice="Keep FP32 where near relatives must be distinguished, or embed both sides in one precision.",
    blind_to="one wrong sequence in a hundred, and errors that all sequences share",
)
S9_FLOOR = _consequence(
    id="S9-floor",
    measure="S9",
    names=("lost",),
    sense="above",
    fail=Limit(1.0, "A lone loss is chance: sound FP16 on trained weights loses 2 of 10,000.", NOT_NEGATIVE),
    scopes="all",
    style="count",
    title="nearest neighbours lost",
    what="sequences whose new nearest neighbour lies more than 2 % farther",
    meaning="More than one sequence has lost its nearest neighbour.",
    advice="See S9.",
    blind_to="near ties",
)
S9 = _consequence(
    id="S9",
    measure="S9",
    names=("lost_share",),
    sense="above",
    fail=Limit(0.05, "One best hit of twenty.", SHARE),
    warn=Limit(0.01, "One best hit of a hundred; sound FP16 measured 0.0005 at most.", SHARE),
    scopes="all",
    style="share",
    title="nearest neighbours lost",
    what="share of sequences whose new nearest neighbour lies more than 2 % farther",
    meaning="Searches by embedding give worse best hits.",
    advice="Do not mix embeddings of both precisions in one index; rebuild it, or keep FP32.",
    blind_to="near ties, and anything that keeps the order of neighbours, such as a scale",
    only_if=S9_FLOOR,
)
S10 = _consequence(
    id="S10",
    measure="S10",
    names=("far_flip_share",),
    sense="above",
    fail=Limit(0.01, "One label of a hundred.", SHARE),
    warn=Limit(0.001, "One label of a thousand; sound FP16 measured 0.00002 at most.", SHARE),
    scopes="all",
    style="share",
    title="labels of probes that flip",
    what="share of labels of 500 random linear classifiers that flip although they were clear",
    meaning="A linear classifier on these embeddings gives other labels.",
    advice="Train and apply the classifier on embeddings of one precision, or keep FP32.",
    blind_to="classifiers that rely on a single direction; use vp-tui virnucpro with yours",
)
