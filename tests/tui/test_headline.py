"""The three lines above everything else: who, safe, fast; the same for the screen, the shell and the reports."""

from dataclasses import replace

import parts
import pytest
import snapshots

from vp_tui.core import text as fmt
from vp_tui.core.events import Finding
from vp_tui.core.report.headline import headline, lines_of
from vp_tui.core.report.page import as_markdown
from vp_tui.core.report.run_page import run_page
from vp_tui.core.verdict.margin import margin
from vp_tui.tui.panels.header import header
from vp_tui.tui.text import report, summary


def with_counts(snapshot, **counts):
    rows = tuple(replace(stats, **counts) if stats.scope == "all" else stats for stats in snapshot.strata)
    return replace(snapshot, strata=rows)


@pytest.mark.parametrize(
    ("made", "word", "tone", "numbers"),
    [
        (snapshots.running, "SAFE SO FAR", "good", ["6,298 of 10,000", "0 NaN", "0 below 0.99", "0.9994000"]),
        (lambda: with_counts(snapshots.running(), nan=17, below=20), "NOT SAFE", "fail", ["17 NaN", "3 below 0.99"]),
        (snapshots.passed, "PASS", "good", ["all 10,000", "0.9994000", "margin 17x"]),
        (snapshots.failed_gate, "FAIL", "fail", ["12 of 10,000"]),
        (snapshots.loading, "NO RESULT YET", "dim", []),
        (lambda: snapshots.ended("failed", "out of memory"), "FAILED", "plain", ["out of memory"]),
        (lambda: snapshots.ended("cancelled", "stopped"), "CANCELLED", "plain", ["stopped"]),
    ],
)
def test_the_second_line_says_whether_it_is_safe_with_its_counts(made, word, tone, numbers):
    _, safe, _ = headline(made())
    assert (safe.word, safe.tone) == (word, tone)
    assert [number for number in numbers if number not in safe.text] == []


def test_a_run_that_broke_off_is_neither_safe_nor_judged_and_one_with_nan_is_not_safe():
    broke_off = replace(snapshots.running(), run=replace(snapshots.running().run, status="interrupted"))
    assert headline(broke_off)[1].word == "INTERRUPTED"
    assert "no verdict" in headline(broke_off)[1].text
    assert headline(with_counts(broke_off, nan=1, below=1))[1].word == "NOT SAFE"


@pytest.mark.parametrize("eta_s", [151.0, None])
@pytest.mark.parametrize("started_at_us", [parts.START_US, None])
def test_a_time_that_nobody_knows_is_not_announced(eta_s, started_at_us):
    live = snapshots.running()
    left = header(replace(live, run=replace(live.run, eta_s=eta_s)), 80).plain.splitlines()[0]
    assert ("left" in left) == (eta_s is not None)
    ended = snapshots.ended("cancelled", "stopped")
    took = header(replace(ended, run=replace(ended.run, started_at_us=started_at_us)), 80).plain.splitlines()[0]
    assert ("took" in took) == (started_at_us is not None)


@pytest.mark.parametrize(
    ("changes", "speedup", "word", "tone"),
    [
        ({}, {"verdict": "PASS"}, "FASTER", "good"),
        ({"speedup": 1.2}, {"verdict": "MISS", "reason": "speed: 1.20x; below the goal of 1.8x"}, "FASTER", "warn"),
        ({"speedup": 1.01}, {"verdict": "MISS", "reason": "speed: 1.01x; below the goal of 1.8x"}, "AS FAST", "warn"),
        ({"speedup": 0.4}, {"verdict": "MISS", "reason": "speed: 0.40x; below the goal of 1.8x"}, "SLOWER", "warn"),
        ({"device": "cpu", "speedup": 0.7}, {"verdict": "NOT JUDGED"}, "SPEED NOT JUDGED", "plain"),
    ],
)
def test_the_third_line_says_whether_it_is_fast(changes, speedup, word, tone):
    base = snapshots.passed()
    _, _, fast = headline(replace(base, run=replace(base.run, **changes), speedup=speedup))
    assert (fast.word, fast.tone) == (word, tone)
    assert fmt.ratio(changes.get("speedup", 2.05)) in fast.text
    assert ("1.8x" in fast.text) == (speedup["verdict"] == "MISS")


def test_notes_are_counted_beside_a_pass_and_change_neither_word_nor_colour():
    note = Finding(gate="V4", severity="info", stratum=None, text="9.4% of the values are small")
    _, safe, _ = headline(replace(snapshots.passed(), findings=(note,)))
    assert (safe.word, safe.tone) == ("PASS, 1 note", "good")


@pytest.mark.parametrize("made", [snapshots.passed, snapshots.failed_gate, snapshots.running, snapshots.on_cpu])
def test_screen_shell_and_reports_begin_with_the_same_three_lines(made):
    snapshot = made()
    words = [line.word for line in headline(snapshot)]
    for text in (report(snapshot), summary(snapshot)):
        assert text.splitlines()[: len(lines_of(snapshot, 79))] == lines_of(snapshot, 79)
    top = header(snapshot, 118).plain.splitlines()
    assert [top[place].startswith(word) for place, word in enumerate(words)] == [True] * 3
    page = run_page(snapshot, ())
    assert page.word == words[1]
    # of a run that goes on the page has no answers yet
    assert [answer.partition(":")[0] for question, answer in page.answers if question == "Faster?"] == (
        [words[2]] if snapshot.run.verdict else []
    )
    assert words[1] in as_markdown(page)


@pytest.mark.parametrize("width", [60, 78, 118])
def test_an_active_run_takes_one_line_for_each_on_the_screen(width):
    assert len(header(snapshots.running(), width).plain.splitlines()) == 4
    assert max(map(len, header(snapshots.running(), width).plain.splitlines())) <= width


@pytest.mark.parametrize(
    ("similarity", "limit", "words"),
    [
        (1 - 6e-6, 0.99, "1,700x"),
        (0.9994, 0.99, "17x"),
        (0.992, 0.99, "1.2x"),
        (0.9899999, 0.99, "0.99x"),
        (-1.0, 0.99, "0.00x"),
        (1 - 4e-8, 0.99, ">200,000x"),
        (1.0, 0.999, ">20,000x"),
        (None, 0.99, "-"),
        (float("nan"), 0.99, "-"),
    ],
)
def test_a_margin_has_two_digits_and_never_reads_as_1_below_its_limit(similarity, limit, words):
    assert margin(similarity, limit) == words


def test_a_set_with_nan_has_no_margin():
    assert margin(0.9999, 0.99, nonfinite=1) == "-"


@pytest.mark.parametrize("scope", ["short", "all"])
def test_sequences_below_the_limit_are_counted_apart_from_those_with_nan(scope):
    stats = parts.stats(scope, n=27, planned=27, below=20, nan=16, inf=3)
    assert (stats.bad, stats.nonfinite, stats.low) == (20, 16, 4)
