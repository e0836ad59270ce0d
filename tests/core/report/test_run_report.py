"""The page of one run: its order, its charts, its measures in words, and what a colleague sees without JavaScript."""

import re
from dataclasses import replace

import pytest
from independent import Page, markdown_tables, unescaped
from records import finding

from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.model import F1
from vp_tui.core.report import run_charts
from vp_tui.core.report.answers import answers, next_step
from vp_tui.core.report.gate_tables import measures_table
from vp_tui.core.report.headline import headline
from vp_tui.core.report.html import runs_html
from vp_tui.core.report.run_page import run_page
from vp_tui.core.report.runs_export import exported
from vp_tui.core.verdict.results import GateResult

CONTROLS = {
    "caught": {"lost-scale": ["M5"], "permuted-pairs": []},
    "impossible": ["half-signal"],
    "blind": ["M1"],
    "texts": {"lost-scale": "All values are 12 % too small."},
}


@pytest.fixture
def controlled(loaded):
    """A run that passed, whose negative controls were run: one of them was not detected."""
    snapshot, results = loaded("good")
    details = {**snapshot.measures["details"], "controls": CONTROLS, "not_measured": {"R2": "the kernel is padded"}}
    return replace(snapshot, measures={**snapshot.measures, "details": details}), results


def row_of(page, title, first):
    table = next(table for table in page.tables if table.title.startswith(title))
    return next(row for row in table.rows if row[0] == first)


def test_the_page_goes_from_the_answer_to_the_facts(loaded):
    snapshot, results = loaded("broken")
    for text in (runs_html([(snapshot, results)]), exported([(snapshot, results)], "md")):
        words = Page(text).words if text.startswith("<!") else text
        order = ("FAIL", "Same results?", "Findings", "By length", "Measures", "Negative controls", "Configuration")
        places = [words.index(word) for word in order]
        assert places == sorted(places)


def test_the_charts_stand_between_the_strata_and_the_measures(loaded):
    page = Page(runs_html([loaded("good")]))
    assert page.tags.count("svg") == 3
    words = page.words
    assert words.index("By length") < words.index("limit 0.99") < words.index("Measures")
    assert "script" not in page.tags
    for words in ("short: 10 sequences", "length in tokens", "FP32 (reference)", "2.00x"):
        assert words in page.words


def test_the_charts_of_several_runs_in_one_file_have_ids_of_their_own(loaded):
    # the reader refuses an id that is there twice
    assert Page(runs_html([loaded("good"), loaded("broken")])).tags.count("svg") == 6


def test_a_run_without_sequences_has_words_in_the_place_of_charts(loaded):
    snapshot, _ = loaded("good")
    page = Page(runs_html([(replace(snapshot, strata=()), ())]))
    assert "svg" not in page.tags
    assert "No speed was measured." in page.words


def test_sequences_without_a_cosine_have_a_row_of_their_own_and_a_count(loaded):
    snapshot, results = loaded("broken")
    chart = run_charts.by_length(snapshot, results, "x")
    crosses = re.findall(r'<use href="#x-[^"]+" x="[\d.]+" y="([\d.]+)" style="[^"]*stroke: var\(--limit\)', chart)
    rows = {y for y in crosses if crosses.count(y) == 2}
    assert len(rows) == 1, "two of the 30 sequences have NaN"
    assert "NaN, Inf" in chart
    assert "10 sequences, 1 of them NaN or Inf" in run_charts.distribution(snapshot, results, "x")


def test_of_many_sequences_the_worst_are_drawn_and_an_even_choice_of_the_others(loaded):
    _, results = loaded("broken")
    many = [
        replace(results[0], seq_idx=place, num_tokens=place, cosine=None if place == 7 else 1 - place * 1e-9)
        for place in range(5000)
    ]
    shown = run_charts.thinned(many)
    assert len(shown) == run_charts.MAX_POINTS
    drawn = {one.seq_idx for one in shown}
    assert drawn >= {7, *range(4001, 5000)}
    assert {0, 4000} <= drawn
    assert run_charts.thinned(results) == list(results)


def test_measures_come_by_severity_each_with_its_meaning(controlled):
    states = ("pass", "blind", "not judged", "fail", "note", "warn", "not measured")
    values = dict.fromkeys(("short", "medium", "long", "all"), 1.0)
    rows = [GateResult(id="M1", title="t", values=values, style="ratio", limit="<=1", state=state) for state in states]
    table = measures_table(rows, ())
    assert [row[0] for row in table.rows] == ["fail", "warn", "note", "blind", "pass", "not judged"]
    assert table.tones[:3] == ("bad", "open", "")
    assert all(M1.blind_to in words and M1.meaning in words for words in table.row_notes)
    html = runs_html([controlled])
    assert re.search(r"<td>M1 [^<]*<small>[^<]*dimensions that hold most of the norm", html)


def test_the_lowest_cosine_of_a_set_with_nan_is_nan_among_the_measures_too(loaded):
    page = run_page(*loaded("broken"))
    measures = next(table for table in page.tables if table.title == "Measures")
    (m1,) = [row for row in measures.rows if row[1].startswith("M1 ")]
    assert m1[0] == "fail"
    # two NaN in 30: one of short, one of medium; long has a cosine of 0.5
    assert [cell == "NaN" for cell in m1[2:6]] == [True, True, False, True]


def test_negative_controls_say_which_gate_detected_them(controlled):
    page = run_page(*controlled)
    assert row_of(page, "Negative controls", "lost-scale")[1:] == ("All values are 12 % too small.", "M5")
    assert row_of(page, "Negative controls", "permuted-pairs")[2].startswith("no gate")
    assert row_of(page, "Negative controls", "half-signal")[2] == "not possible here"
    table = next(table for table in page.tables if table.title.startswith("Negative"))
    assert table.tones == ("", "bad", "")
    measures = next(table for table in page.tables if table.title == "Measures")
    assert next(row[0] for row in measures.rows if row[1].startswith("M1 ")) == "blind"
    reasons = dict(next(table for table in page.tables if table.title == "Not measured").rows)
    assert next(reason for gate, reason in reasons.items() if gate.startswith("R2 ")) == "the kernel is padded"


def test_the_next_step_after_a_recognized_fault_is_that_of_the_fault(loaded):
    snapshot, _ = loaded("broken")
    found = (finding(gate="M1", severity="fail"), finding(gate="F1", severity="warn"))
    assert next_step(replace(snapshot, findings=found)) == F1.advice


def test_the_next_command_validates_what_this_run_did_not_something_else(loaded):
    snapshot, _ = loaded("good")
    few = {"M1": {"all": {"failure_bound_file": 0.05}}}
    asked = {**snapshot.config, "input": "a b.faa", "gates": "strict"}
    run = replace(snapshot.run, precision="bf16")
    command = next_step(replace(snapshot, run=run, measures=few, config=asked, findings=()))
    assert command == "vp-tui run -m esm2-8m -i 'a b.faa' --sample 10000 --precision bf16 --gates strict"
    whole = {"M1": {"all": {"failure_bound_file": 0.0}}}
    assert (
        next_step(replace(snapshot, run=run, measures=whole, findings=()))
        == "vp-tui policy -m esm2-8m --precision bf16"
    )
    found = (finding(gate="V1", severity="fail"),)
    assert f"`vp-tui search {run.id}`" in next_step(replace(snapshot, findings=found))


def test_labels_have_no_speed_and_are_not_called_embeddings(loaded):
    snapshot, _ = loaded("good")
    kinds = {
        kind: {"kind": kind, "candidate": "b", "reference": "a", "encoded": None} for kind in ("predictions", "pair")
    }
    said = {kind: headline(replace(snapshot, config={"judged": one}))[2] for kind, one in kinds.items()}
    assert [("embeddings" in said[kind].text, said[kind].word) for kind in kinds] == [
        (False, "NO SPEED"),
        (True, "NO SPEED"),
    ]


def test_of_ids_without_a_partner_no_answer_says_that_the_whole_file_was_compared(loaded):
    snapshot, _ = loaded("good")
    measures = {"M1": {"all": {"failure_bound_file": 0.0}}, "details": {"in_file": {"short": 30}}}
    whole = replace(snapshot, measures=measures)
    part = replace(whole, findings=(finding(gate="I2", severity="warn"),))
    assert [("All " in dict(answers(one))["How sure?"], len(headline(one)[1].parts)) for one in (whole, part)] == [
        (True, 3),
        (False, 2),
    ]


def test_configuration_and_environment_are_folded_away_and_open_in_print(controlled):
    html = runs_html([controlled])
    folded = re.findall(r"<details><summary>([^<]+)", html)
    assert {"Configuration", "Environment"} <= set(folded)
    assert not {"Findings", "By length", "Measures"} & set(folded)
    printed = html[html.index("@media print") :]
    assert "details::details-content { content-visibility: visible" in printed[: printed.index("body {")]


def test_markdown_tells_the_meaning_of_each_measure_below_the_table(controlled):
    text = exported([controlled], "md")
    heads = [table[0] for table in markdown_tables(text)]
    assert ["result", "measure", "short", "medium", "long", "all", "limit"] in heads
    assert any(unescaped(line).startswith("- M1 ") and "cannot detect" in line for line in text.splitlines())
