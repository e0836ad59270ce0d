import math
from dataclasses import replace

import numpy as np
import pytest
from report_runs import FACTS, Runs, cosines

from vp_tui.core.errors import RunNotFoundError, UsageError
from vp_tui.core.regression.rules import Rule
from vp_tui.core.report import comparison, evidence, inputs
from vp_tui.core.store import lifecycle
from vp_tui.core.store.groups import create_group
from vp_tui.core.store.reader import Reader


def test_a_slower_and_less_similar_configuration_is_regressed_with_its_facts(regressed, ids):
    assert regressed.comparison.verdicts == {"accuracy": "REGRESSED", "performance": "REGRESSED"}
    assert regressed.exit_code() == 3
    assert regressed.base_ids == tuple(ids["good"])
    assert regressed.cand[0].label == f"run {ids['bad'][0]} (degraded)"
    assert (regressed.paired, regressed.only_base, regressed.only_cand) == (30, 0, 0)
    assert [fact.name for fact in regressed.config if fact.differs] == ["token_budget"]
    assert regressed.comparison.accuracy.differing == regressed.comparison.performance.differing == {}
    speed = next(item for item in regressed.items if item.name == "tokens_per_s" and item.scope == "all")
    assert (speed.n_base, speed.n_cand, speed.base) == (5, 5, pytest.approx(2000.0))
    assert speed.change == pytest.approx(-0.15)


def test_every_metric_of_the_rule_is_read_from_the_candidate_arm(regressed):
    performance = {(item.name, item.scope): item for item in regressed.comparison.performance.items}
    assert performance["peak_memory_mib", "all"].base == pytest.approx(512.0)
    assert performance["end_to_end_seconds", "all"].base == pytest.approx(2.0)
    assert performance["tokens_per_s", "short"].cand == pytest.approx(1700.0)
    # utilization is that between the first and the last timed block: 90, 90, 91, 91, .. 93
    assert performance["gpu_utilization", "all"].cand == pytest.approx(91.5)
    assert set(inputs.METRIC_OF) == {name if scope == "all" else f"{name}.{scope}" for name, scope in performance}, (
        "a metric of the rule is not stored, or is stored under another name"
    )


def test_a_run_against_itself_is_identical(build):
    report = build("cpu", "cpu")
    assert report.comparison.accuracy.outcome == "IDENTICAL"
    assert report.worst == ()
    assert all(not fact.differs for fact in (*report.config, *report.environment))


def test_other_data_is_not_comparable_and_the_report_still_has_both_sides(build):
    report = build("good", "cpu")
    assert (report.comparison.is_comparable, report.exit_code()) == (False, 5)
    assert report.comparison.accuracy.differing == {"dataset_sha256": ("da" * 32, "00" * 32)}
    assert {one.side for one in report.distributions} == {"baseline", "candidate"}
    assert {line.side for line in report.utilization} == {"baseline"}


def test_distributions_count_every_sequence_once_and_those_without_a_cosine_apart(build):
    report = build("good", "broken")
    for one in report.distributions:
        assert sum(one.counts) + one.missing == one.n == 10
    assert sum(one.missing for one in report.distributions if one.side == "candidate") == 2
    assert len(evidence.EDGES) == len(report.distributions[0].counts) + 1


@pytest.mark.parametrize(
    ("cosine", "low"), [(1.0, -8.0), (1 - 1e-12, -8.0), (0.99, -2.0), (0.9, -1.0), (-1.0, 0.3), (1.0000001, -8.0)]
)
def test_a_sequence_falls_into_the_bin_of_its_distance(cosine, low):
    nothing = ((), np.array([]))
    one = evidence.distributions({"baseline": (("short",), np.array([cosine])), "candidate": nothing})[0]
    assert evidence.EDGES[one.counts.index(1)] == low


def test_the_sequences_that_lost_most_come_first_and_those_without_a_cosine_before_all(hostile, build):
    report = build("good", "broken")
    assert [pair.sequence_id for pair in report.worst] == ["protein27", "protein28", "protein29"]
    assert report.worst[0].cand_cosine is None
    assert report.worst[2].loss == pytest.approx(report.worst[2].base_cosine - 0.5)
    first, *losses = [pair.loss for pair in hostile.worst]
    assert first is None
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == evidence.WORST - 1


def test_lines_over_time_keep_to_their_run_and_to_the_points_of_a_page(regressed):
    by_line = {(line.side, line.name): line.points for line in regressed.throughput}
    assert set(by_line) == {(side, arm) for side in ("baseline", "candidate") for arm in ("reference", "candidate")}
    assert by_line["baseline", "candidate"][0] == (0.5, pytest.approx(2000.0))
    assert by_line["candidate", "candidate"][0] == (0.5, pytest.approx(1700.0))
    points = evidence.thinned([(float(i), float(i % 2)) for i in range(10_000)])
    assert len(points) <= evidence.MAX_POINTS
    assert points[0][1] == pytest.approx(0.5)
    assert evidence.thinned([(2.0, 1.0), (1.0, 3.0)]) == ((1.0, 3.0), (2.0, 1.0))


def test_the_history_has_the_comparable_runs_in_their_order_with_the_baseline_marked(regressed, ids, build):
    shown = {run.id: run for run in regressed.history}
    assert list(shown) == sorted(shown)
    assert ids["cpu"] not in shown, "other data are no history"
    assert {run.id for run in regressed.history if run.baselines == ("main",)} == set(ids["good"])
    assert {run.id for run in regressed.history if run.role == "candidate"} == set(ids["bad"])
    assert shown[ids["good"][0]].tokens_per_s == pytest.approx(2000.0)
    other = {run.id: run for run in build("good", "cpu").history}
    assert other[ids["cpu"]].same_clock
    assert not other[ids["good"][0]].same_clock


@pytest.fixture
def fresh(home):
    return Runs(home)


def test_the_newest_calibration_of_the_machine_makes_a_suspicion_a_verdict(fresh):
    base = [fresh.add(speed=2000.0 + i) for i in range(5)]
    cand = [fresh.add(speed=1780.0 + i) for i in range(5)]
    with Reader(fresh.home) as reader:
        assert comparison.build(reader, base, cand).comparison.performance.outcome == "SUSPECT"
    group = create_group(fresh.home, "aa_calibration", 5)
    for i, run_id in enumerate(base):
        fresh.sql("UPDATE run SET group_id = ?, repeat_idx = ? WHERE id = ?", group, i, run_id)
    # a repeat that failed is no noise
    fresh.sql("UPDATE run SET group_id = ?, status = 'failed' WHERE id = ?", group, fresh.add(speed=10.0))
    with Reader(fresh.home) as reader:
        report = comparison.build(reader, base, cand)
    assert report.comparison.performance.outcome == "REGRESSED"
    assert any(f"calibration group {group}, 5 runs of " in note for note in report.notes)


def test_a_run_judged_by_another_limit_is_counted_at_the_limit_of_the_rule(fresh):
    base = fresh.add(values=[0.9999] * 6)
    loose = fresh.add(values=[*[0.9999] * 5, 0.98], asked={"thresholds": {"M1.fail": 0.95}})
    strict = fresh.add(values=[0.9999] * 6, asked={"thresholds": {"M1.fail": 0.99999}})
    fresh.sql("UPDATE stratum SET below = 0 WHERE run_id = ?", loose)
    fresh.sql("UPDATE stratum SET below = n WHERE run_id = ?", strict)
    with Reader(fresh.home) as reader:
        outcomes = [
            comparison.build(reader, [base], [cand]).comparison.verdicts["accuracy"] for cand in (loose, strict)
        ]
        rule = replace(Rule(), cosine_limit=0.95)
        loosely = comparison.build(reader, [base], [loose], rule=rule).comparison.verdicts["accuracy"]
    assert outcomes[0] == "FAIL"
    assert "FAIL" not in {outcomes[1], loosely}


def test_sequences_of_an_archived_run_are_not_taken_for_none_in_common(fresh):
    base, cand = fresh.add(), fresh.add()
    fresh.sql("DELETE FROM sequence_result")
    with Reader(fresh.home) as reader:
        report = comparison.build(reader, [base], [cand])
    assert report.comparison.accuracy.sentence == "accuracy is not comparable: no sequences are stored"
    assert report.distributions == ()


def test_repeats_that_were_asked_for_differently_are_told(fresh):
    base = fresh.add()
    cand = [fresh.add(), fresh.add(asked={"token_budget": 512})]
    with Reader(fresh.home) as reader:
        report = comparison.build(reader, [base], cand)
    told = "the candidate runs differ in token_budget; values of the first run are shown"
    assert told in report.notes


def test_a_failed_candidate_is_incomplete_and_its_times_count_for_nothing(fresh):
    base = [fresh.add(speed=2000.0 + i) for i in range(5)]
    cand = fresh.add()
    fresh.sql("UPDATE run SET status = 'failed', done = 4 WHERE id = ?", cand)
    with Reader(fresh.home) as reader:
        report = comparison.build(reader, base, [cand])
    assert (report.comparison.verdicts["accuracy"], report.exit_code()) == ("INCOMPLETE", 7)
    assert any("the run is failed" in note for note in report.comparison.notes)


def test_sides_that_are_no_sides_are_refused_in_a_sentence(fresh):
    one = fresh.add()
    other = fresh.add(facts=FACTS | {"dataset_sha256": "00" * 32})
    waiting = lifecycle.create_run(fresh.home, comparison_config())
    stopped = lifecycle.create_run(fresh.home, comparison_config())
    fresh.sql("UPDATE run SET status = 'failed', ended_at_us = 1 WHERE id = ?", stopped)
    with Reader(fresh.home) as reader:
        for base, cand, words in (
            ([], [one], "the baseline needs at least one run"),
            ([one], [one, one], "duplicate run in the candidate"),
            ([one, other], [one], "dataset_sha256 dadadadadada... against 000000000000..."),
            ([one], [waiting], "is queued: wait until it ends"),
            ([stopped], [one], "before planning"),
        ):
            with pytest.raises(UsageError, match=words):
                comparison.build(reader, base, cand)
        with pytest.raises(RunNotFoundError):
            comparison.build(reader, [one], [99])


def comparison_config():
    from records import config

    return config()


def test_no_number_of_a_report_is_nan_or_infinite(build):
    def numbers(value):
        if isinstance(value, float):
            yield value
        elif isinstance(value, list | tuple):
            yield from (number for one in value for number in numbers(one))
        elif hasattr(value, "__dataclass_fields__"):
            yield from (number for name in value.__dataclass_fields__ for number in numbers(getattr(value, name)))

    report = build("broken", "broken")
    found = [numbers(getattr(report, name)) for name in ("distributions", "throughput", "history", "worst")]
    assert all(math.isfinite(number) for one in found for number in one)
    assert np.isfinite(cosines(3)).all()


def test_the_reference_arm_of_a_run_is_its_control_unless_it_came_from_the_cache(fresh):
    base, cand = fresh.add(speed=2000.0), fresh.add(speed=1000.0)
    cached = fresh.add(speed=1000.0)
    text = "UPDATE run SET arms_json = json_set(arms_json, '$.reference.cached', json('true')) WHERE id = ?"
    fresh.sql(text, cached)
    with Reader(fresh.home) as reader:
        sides = {run: inputs.side_of(reader, [reader.snapshot(run)], "side", Rule()).runs[0] for run in (base, cached)}
        items = comparison.build(reader, [base], [cand]).items
    assert sides[base].reference["tokens_per_s"] == pytest.approx(1000.0)
    assert set(sides[base].reference) == set(inputs.CONTROL_OF)
    assert sides[cached].reference == {}
    assert len(sides[base].session) == len("2026-09-21")
    speed = next(item for item in items if (item.name, item.scope) == ("tokens_per_s", "all"))
    assert speed.controlled == pytest.approx(-0.5)


def test_a_candidate_of_half_the_length_is_regressed_from_the_stored_rows(fresh):
    base, cand = fresh.add(), fresh.add()
    fresh.sql("UPDATE sequence_result SET norm_ratio = 0.5, relative_l2 = 0.5 WHERE run_id = ?", cand)
    with Reader(fresh.home) as reader:
        report = comparison.build(reader, [base], [cand])
    assert report.comparison.verdicts["accuracy"] == "REGRESSED"
    assert report.exit_code() == 3
    regressed = {(item.name, item.scope) for item in report.items if item.outcome == "REGRESSED"}
    assert {("relative_l2", "all"), ("scale", "all")} <= regressed
