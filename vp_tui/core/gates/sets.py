"""Gates on the whole set: neighbours (S1), structure (S2), distribution of every dimension (S5, S6)."""

from functools import partial

from vp_tui.core.gates.gate import NONE_ALLOWED, SHARE, Gate, Limit

S1 = Gate(
    id="S1",
    measure="S1",
    names=("overlap",),
    sense="below",
    fail=Limit(0.95, "Half a neighbour of ten changes.", SHARE),
    warn=Limit(0.98, "A fifth of a neighbour of ten changes.", SHARE),
    scopes="all",
    style="share",
    title="neighbours that stay",
    what="mean share of the ten nearest neighbours that stay",
    meaning="Searches and clusters built on these embeddings will give other hits.",
    advice="Do not mix embeddings of both precisions in one index; rebuild it.",
    blind_to="anything that keeps the order of neighbours, such as a scale",
    cause="neighbours",
)
S1_NEAREST = Gate(
    id="S1-nearest",
    measure="S1",
    names=("nearest",),
    sense="below",
    fail=Limit(0.95, "Sound FP16 measured 0.94 to 1 (near ties); a neighbour that is really lost is S9's.", SHARE),
    kind="information",
    scopes="all",
    style="share",
    title="nearest neighbour stays",
    what="share of sequences whose nearest neighbour stays",
    meaning="The best hit of a similarity search changes for some sequences.",
    advice="Do not mix embeddings of both precisions in one index; rebuild it.",
    blind_to="anything that keeps the order of neighbours, such as a scale",
    cause="single sequences",
)

_structure = partial(
    Gate,
    measure="S2",
    sense="below",
    fail=Limit(0.999, "About three times the noise of repeated runs.", SHARE),
    scopes="all",
    style="cosine",
    meaning="The similarities between sequences have changed as a whole.",
    advice="Check results that use many distances at once (clusters, trees, maps).",
    blind_to="few sequences, scale and rotation",
    cause="spread",
)
S2 = _structure(id="S2", names=("cka",), title="CKA", what="CKA")
S2_DEBIASED = _structure(id="S2-debiased", names=("cka_debiased",), title="debiased CKA", what="debiased CKA")
S2_RDM = _structure(
    id="S2-rdm",
    names=("rdm_spearman",),
    title="distances, rank correlation",
    what="rank correlation of distances",
)

S5 = Gate(
    id="S5",
    measure="S5",
    names=("mean_shift_max",),
    sense="above",
    fail=Limit(0.1, "|mean(y) - mean(x)| of a dimension, in its standard deviations."),
    warn=Limit(0.05, "Half of it."),
    scopes="all",
    style="ratio",
    title="shift of a dimension's mean",
    what="largest shift of a dimension's mean in standard deviations",
    meaning="A classifier trained on reference embeddings receives inputs that are shifted in this dimension.",
    advice="Train and apply the classifier on embeddings of one precision.",
    blind_to="changes that average out over the sequences",
    cause="spread",
)
S5_STD = Gate(
    id="S5-std",
    measure="S5",
    names=("std_ratio_min", "std_ratio_max"),
    sense="away_from_one",
    fail=Limit(0.05, "Distance from 1 of std(y) / std(x) of a dimension."),
    warn=Limit(0.02, "The smallest change that a thousand sequences separate from chance."),
    scopes="all",
    style="ratio",
    title="spread of a dimension, ratio",
    what="standard deviation of a dimension divided by that of the reference",
    meaning="The values of this dimension are closer together or farther from each other than in the reference.",
    advice="Train and apply the classifier on embeddings of one precision.",
    blind_to="shifts, and exchanged sequences",
    cause="spread",
)
S5_KS = Gate(
    id="S5-ks",
    measure="S5",
    names=("ks_max",),
    sense="above",
    fail=Limit(0.05, "Kolmogorov-Smirnov distance as an effect size: paired data have no p-value."),
    scopes="all",
    style="ratio",
    title="distribution of a dimension",
    what="largest Kolmogorov-Smirnov distance of a dimension",
    meaning="The values of this dimension follow another distribution, so learned cut-offs no longer fit.",
    advice="Train and apply the classifier on embeddings of one precision.",
    blind_to="exchanged sequences, and few sequences",
    cause="spread",
)
S6 = Gate(
    id="S6",
    measure="S6",
    names=("outlier_share_change",),
    sense="away_from_zero",
    fail=Limit(1e-3, "Change of the share of elements beyond three standard deviations of the reference."),
    scopes="all",
    title="change of outlier share",
    what="change of the share of values beyond three standard deviations",
    meaning="Extreme values were clipped or created; models that rely on a few large values change most.",
    advice="See V2 and V3: large activations may leave the range of the format.",
    blind_to="everything within three standard deviations",
    cause="spread",
)
S6_ROGUE = Gate(
    id="S6-rogue",
    measure="S6",
    names=("rogue_differences",),
    sense="above",
    fail=NONE_ALLOWED,
    scopes="all",
    style="count",
    title="dominant dimensions differ",
    what="dominant dimensions that only one precision has",
    meaning="Other dimensions dominate the similarity of sequences than in the reference.",
    advice="Compare M2 and M3, which do not depend on the dominant dimensions.",
    blind_to="changes outside the few dominant dimensions",
    cause="spread",
)
