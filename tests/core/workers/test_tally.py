from dataclasses import dataclass, field

import numpy as np
import pytest

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.probe.diagnose import Diagnosis
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.validate.prepare import Block, Prepared
from vp_tui.core.workers.validate.tally import ALERTS_PER_KIND, Tally

NAN = np.nan
NO_RATES = {"reference": {}, "candidate": {}}


@dataclass
class FakeArm:
    """What Tally asks of an ArmRunner: embeddings and counters."""

    embeddings_SD: np.ndarray
    plan: PrecisionPlan = field(default_factory=lambda: plain_plan("fp16"))

    def __post_init__(self):
        num = len(self.embeddings_SD)
        self.nan_S, self.inf_S = np.zeros(num, np.int64), np.zeros(num, np.int64)
        self.pack_S = np.arange(num)

    def diagnose(self, sequence):
        return Diagnosis(transient=False, module="layers.1.fc1", between=False, largest_input=20_000.0)


def data_of(*strata):
    """Prepared data with one short protein per entry, which says its stratum."""
    residues = tuple(b"MKVLA" for _ in strata)
    return Prepared(
        sequences=SequenceSet(ids=tuple(f"p{i}" for i in range(len(strata))), residues=residues),
        stratum_S=np.array(strata),
        tokens=tokenize(residues, max_residues=1022),
        blocks=(),
        facts={},
        notes=(),
        warnings=(),
        budget=4096,
        budget_reason="asked for",
        seconds=0.0,
    )


def block(*rows, index=0, stratum=0):
    return Block(index=index, stratum=stratum, indices_S=np.array(rows))


def by_scope(tally, candidate, rates=NO_RATES):
    return {stats.scope: stats for stats in tally.strata(candidate, rates)}


@pytest.fixture
def same():
    """Five sequences (short, short, medium, medium, medium) whose candidate equals the reference."""
    x_SD = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    return Tally(data_of(0, 0, 1, 1, 1), Thresholds()), x_SD, FakeArm(x_SD.copy())


def test_before_the_first_block_everything_is_planned_and_nothing_done(same):
    tally, _, candidate = same
    found = by_scope(tally, candidate)
    assert tally.done == 0
    assert [(name, found[name].planned, found[name].n) for name in ("short", "medium", "long", "all")] == [
        ("short", 2, 0),
        ("medium", 3, 0),
        ("long", 0, 0),
        ("all", 5, 0),
    ]
    assert found["all"].cosine_min is None
    assert found["all"].below == 0


def test_only_the_compared_sequences_count(same):
    tally, x_SD, candidate = same
    tally.compare(block(2, 4, stratum=1), x_SD, candidate)
    found = by_scope(tally, candidate)
    assert (tally.done, found["medium"].n, found["short"].n, found["all"].n) == (2, 2, 0, 2)
    assert (found["medium"].cosine_min, found["medium"].relative_l2_p99, found["medium"].norm_ratio_worst) == (1, 0, 1)
    assert found["medium"].tokens == 2 * 7


def test_a_sequence_keeps_its_place_whatever_the_order_in_its_block(same):
    tally, x_SD, candidate = same
    candidate.embeddings_SD[3] = -x_SD[3]
    tally.compare(block(4, 3, 2, stratum=1), x_SD, candidate)
    assert tally.cosine_S[3] == -1.0
    assert tally.cosine_S[[2, 4]].tolist() == [1.0, 1.0]


def test_a_sequence_without_a_finite_embedding_has_no_cosine_and_is_below(same):
    tally, x_SD, candidate = same
    candidate.embeddings_SD[1, 0] = NAN
    candidate.nan_S[1] = 7
    tally.compare(block(0, 1), x_SD, candidate)
    event = tally.compared(block(0, 1), candidate, tally.strata(candidate, NO_RATES))
    short = by_scope(tally, candidate)["short"]
    assert (short.n, short.nan, short.inf, short.below, short.cosine_min) == (2, 1, 0, 1, 1.0)
    assert [(result.cosine, result.nan_count) for result in event.results] == [(1.0, 0), (None, 7)]
    assert (event.results[1].relative_l2, event.results[1].norm_ratio) == (None, None)


def test_the_event_of_a_block_names_its_sequences_and_their_summary(same):
    tally, x_SD, candidate = same
    candidate.embeddings_SD[3] = -x_SD[3]
    found_block = block(2, 3, 4, index=6, stratum=1)
    tally.compare(found_block, x_SD, candidate)
    event = tally.compared(found_block, candidate, ())
    assert (event.block, event.stratum, event.sequences) == (6, "medium", 3)
    assert event.cosine_min == -1.0
    assert [(result.seq_idx, result.sequence_id, result.num_tokens) for result in event.results] == [
        (2, "p2", 7),
        (3, "p3", 7),
        (4, "p4", 7),
    ]


def test_rates_come_through_with_their_ratio(same):
    tally, _, candidate = same
    rates = {"reference": {"short": 100.0, "all": None}, "candidate": {"short": 250.0, "all": 5.0}}
    found = by_scope(tally, candidate, rates)
    assert (found["short"].reference_tokens_per_s, found["short"].candidate_tokens_per_s) == (100.0, 250.0)
    assert found["short"].speedup == 2.5
    assert found["all"].speedup is None
    assert found["long"].candidate_tokens_per_s is None


@pytest.mark.parametrize(
    ("nan", "inf", "kind", "words"),
    [(3, 0, "nan", "has 3 NaN and 0 Inf values"), (0, 2, "inf", "has 0 NaN and 2 Inf values"), (1, 1, "nan", "1 Inf")],
)
def test_a_sequence_that_is_not_finite_is_alerted_with_stratum_name_and_pack(same, nan, inf, kind, words):
    tally, x_SD, candidate = same
    candidate.nan_S[3], candidate.inf_S[3] = nan, inf
    found_block = block(2, 3, index=9, stratum=1)
    tally.compare(found_block, x_SD, candidate)
    (alert,) = tally.alerts(found_block, candidate)
    assert (alert.kind, alert.severity, alert.stratum) == (kind, "fail", "medium")
    assert (alert.seq_idx, alert.sequence_id, alert.block, alert.pack) == (3, "p3", 9, 3)
    assert words in alert.message
    assert alert.message.startswith("medium: p3 ")


def test_a_low_cosine_and_a_missing_one_are_alerted_in_words(same):
    tally, x_SD, candidate = same
    candidate.embeddings_SD[0] = -x_SD[0]
    candidate.embeddings_SD[1] = np.inf
    tally.compare(block(0, 1), x_SD, candidate)
    first, second = tally.alerts(block(0, 1), candidate)
    assert (first.kind, second.kind) == ("cosine", "cosine")
    assert "has similarity -1.000000, not above 0.99 in fp16" in first.message
    assert "has no similarity, not above 0.99" in second.message


def test_alerts_of_one_kind_and_stratum_are_named_up_to_ten_and_the_rest_is_counted():
    num = ALERTS_PER_KIND + 7
    x_SD = np.ones((num, 4), np.float32)
    tally, candidate = Tally(data_of(*[0] * num), Thresholds()), FakeArm(-x_SD)
    for first in range(0, num, 5):
        part = block(*range(first, min(first + 5, num)))
        tally.compare(part, x_SD, candidate)
        named = list(tally.alerts(part, candidate))
        assert len(named) == max(0, min(5, ALERTS_PER_KIND - first))
    (rest,) = tally.unnamed()
    assert (rest.kind, rest.stratum, rest.sequence_id) == ("cosine", "short", None)
    assert rest.message.startswith("short: 7 more sequences with the same problem (cosine)")


def test_healthy_sequences_raise_no_alert(same):
    tally, x_SD, candidate = same
    tally.compare(block(0, 1), x_SD, candidate)
    assert list(tally.alerts(block(0, 1), candidate)) == []
    assert list(tally.unnamed()) == []


@pytest.mark.parametrize("how", ["cosine", "nan", "inf"])
def test_a_block_of_which_one_sequence_is_broken_has_no_lowest_cosine(same, how):
    tally, x_SD, candidate = same
    if how == "cosine":
        candidate.embeddings_SD[0] = NAN
    else:
        getattr(candidate, f"{how}_S")[0] = 3
    for one, is_finite in ((block(0, 1), False), (block(2, 3, 4, index=1, stratum=1), True)):
        tally.compare(one, x_SD, candidate)
        found = tally.compared(one, candidate, ()).cosine_min
        assert (found is not None) is is_finite
