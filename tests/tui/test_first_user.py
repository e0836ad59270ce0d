"""A first user's walk at 80x24 on a pty: an empty store, the demo, an own model, a NaN run, a comparison, a report.

What the screen says is held against the store: ids, numbers and where they stand; the wording is free.
"""

import re

import pytest
from played import dashboard

from vp_tui.core import text as fmt
from vp_tui.core.runs import launch
from vp_tui.core.store.reader import Reader

DOWN, BACK, ENTER = "\x1b[B", "\x1b", "\r"
START, EMPTY = "\x13", "\x15"
"""ctrl+s and, in a field, ctrl+u."""
PATIENCE = 170
"""Seconds before a screen counts as missing: a guard for cores that other tests use too, no measure of anything."""
STRATA = ("short", "medium", "long", "all")


def see(terminal, *words):
    """Wait until all the words are on the screen."""
    terminal.wait_for(lambda text: all(word in text for word in words), seconds=PATIENCE)


def runs_of(home):
    with Reader(home) as reader:
        return {run.id: run for run in reader.runs()}


def stored(home, run_id):
    with Reader(home) as reader:
        return reader.snapshot(run_id)


def row(text, first):
    """The cells of the line of a table that begins with this word, without the mark of a failure."""
    found = re.search(rf"^\W*{first} +(\d.*|[-(].*)$", text, flags=re.MULTILINE)
    assert found, f"no row {first}:\n{text}"
    return [cell.lstrip("!") for cell in found[1].split()]


def has_charts(text):
    """The charts of Live are numbered."""
    return re.search(r"^ 1/\d ", text, flags=re.MULTILINE) is not None


def is_ended(run_id, verdict):
    """The three lines of a run that has ended: which, how safe, how fast; then its table and nothing under way."""

    def condition(text):
        lines = text.splitlines()
        return lines[0].startswith(f" #{run_id} ") and lines[1].startswith(f" {verdict}") and "100%" not in text

    return condition


def see_the_end(terminal, home, run_id, verdict):
    """Wait for the verdict of a run; its table is that of the store."""
    terminal.wait_for(is_ended(run_id, verdict), seconds=PATIENCE)
    shown = stored(home, run_id)
    assert (shown.run.status, shown.run.verdict) == ("completed", verdict)
    terminal.wait_for(
        lambda text: all(one.scope in text and f"{one.n}/{one.planned}" in text for one in shown.strata),
        seconds=PATIENCE,
    )
    for stats in shown.strata:
        cells = row(terminal.text, stats.scope)
        assert cells[:4] == [f"{stats.n}/{stats.planned}", str(stats.nan), str(stats.inf), str(stats.low)]
        lowest = fmt.similarity(stats.cosine_min, nonfinite=stats.nonfinite)
        assert cells[4] == lowest.split()[0].lstrip("!")
    assert {stats.scope for stats in shown.strata} == set(STRATA)


def from_nothing_to_the_demo(terminal, home):
    see(terminal, "1 Live", "n New", "enter Demo")
    assert runs_of(home) == {}
    terminal.press("n")
    see(terminal, "demo  ", "demo-dnabert  ")
    terminal.press(DOWN)
    terminal.press(ENTER)
    see(terminal, "all 40 sequences")
    terminal.press(ENTER)
    see_the_end(terminal, home, 1, "PASS")


def see_the_worst_sequence(terminal, home):
    """Enter leads to the sequences, the lowest similarity first, and to one of them; escape leads back."""
    lowest = next(one.cosine_min for one in stored(home, 1).strata if one.scope == "all")
    terminal.press(ENTER)
    see(terminal, "Worst sequences of #1", fmt.similarity(lowest))
    first = next(line for line in terminal.text.splitlines() if fmt.similarity(lowest) in line)
    name = first.split()[1]
    terminal.press(ENTER)
    see(terminal, f"{name}  ", " residues", "#1, fp16 vs fp32")
    terminal.press(BACK)
    terminal.wait_for(lambda text: " residues" not in text, seconds=PATIENCE)
    terminal.press(BACK)
    terminal.wait_for(is_ended(1, "PASS"), seconds=PATIENCE)


def validate_an_own_model(terminal, home, model, sequences):
    terminal.press("n")
    see(terminal, "New run")
    terminal.press(f"{EMPTY}{model}")
    see(terminal, model.name)
    terminal.press(ENTER)
    see(terminal, "FASTA")
    terminal.press(f"{EMPTY}{sequences}")
    see(terminal, sequences.name, "all 29 sequences", "short 12, medium 12, long 5")
    terminal.press(START)
    see_the_end(terminal, home, 2, "PASS")


def see_a_model_fail_with_nan(terminal, home, model):
    """Only the model changes: the form kept the sequences. The first line of the problems names gate and place."""
    terminal.press("n")
    see(terminal, "New run", "all 29 sequences")
    terminal.press(f"{EMPTY}{model}")
    see(terminal, model.name, "all 29 sequences")
    terminal.press(START)
    see_the_end(terminal, home, 3, "FAIL")
    shown = stored(home, 3)
    assert int(row(terminal.text, "all")[1]) > 0
    place = next(alert.layer for alert in shown.alerts if alert.layer)
    terminal.press("a")
    terminal.wait_for(lambda text: "FAIL V1" in text and place in text and not has_charts(text), seconds=PATIENCE)
    terminal.press(BACK)
    # waited for: a key right after escape would be alt and that key
    terminal.wait_for(has_charts, seconds=PATIENCE)


def leave_a_run_alive(terminal, home):
    """The sound run once more, by its row of Runs; then the dashboard is left, and the run is not."""
    terminal.press("2")
    see(terminal, "vs base", "demo")
    terminal.press(DOWN)
    terminal.press("r")
    see(terminal, "New run", "all 29 sequences")
    terminal.press(START)
    see(terminal, "#4")
    terminal.press("q")
    see(terminal, "leave it running")
    terminal.press("l")
    assert terminal.wait_end(PATIENCE) == 0


def compare_two_runs(terminal, home):
    """Runs 4 and 2 are the same model, data and precision: nothing differs in accuracy, and the newer one is B."""
    terminal.press("2")
    see(terminal, "vs base", "demo")
    terminal.press(" ")
    see(terminal, "1 selected")
    terminal.press(f"{DOWN}{DOWN} ")
    see(terminal, "2 selected")
    terminal.press("c")
    see(terminal, "A  run 2", "B  run 4", "IDENTICAL")


def export_the_comparison(terminal, path):
    terminal.press("e")
    see(terminal, "html")
    terminal.press(f"{EMPTY}{path}")
    see(terminal, path.name)
    terminal.press(START)
    see(terminal, "exported")


def pin_the_baseline(terminal, home):
    terminal.press("2")
    see(terminal, "vs base", "demo")
    terminal.press("b")
    see(terminal, "Baseline: #")
    run_id = int(re.search(r"Baseline: #(\d+)", terminal.text)[1])
    terminal.press("first sound run")
    see(terminal, "first sound run")
    terminal.press(START)
    see(terminal, "'default'")
    with Reader(home) as reader:
        # one of accuracy and one of speed
        pinned = {(one.name, one.run_ids, one.reason) for one in reader.baselines(active=True)}
    assert pinned == {("default", (run_id,), "first sound run")}


@pytest.mark.timeout(1200)  # four real runs and two dashboards on cores shared with other tests
@pytest.mark.usefixtures("small_demo")
def test_a_first_user_gets_from_nothing_to_a_report_by_what_the_screen_says(
    home, made_checkpoint, short_proteins, tmp_path, poll
):
    page = tmp_path / "comparison.html"
    with dashboard(home) as terminal:
        from_nothing_to_the_demo(terminal, home)
        see_the_worst_sequence(terminal, home)
        validate_an_own_model(terminal, home, made_checkpoint(), short_proteins)
        see_a_model_fail_with_nan(terminal, home, made_checkpoint("overflow"))
        leave_a_run_alive(terminal, home)
    try:
        poll(lambda: not runs_of(home)[4].is_active, what="the end of the run that was left", seconds=PATIENCE)
    finally:
        launch.stop(home, 4)
    with dashboard(home) as terminal:
        see_the_end(terminal, home, 4, "PASS")
        compare_two_runs(terminal, home)
        export_the_comparison(terminal, page)
        pin_the_baseline(terminal, home)
    words = page.read_text()
    assert words.startswith("<!DOCTYPE html>")
    assert {"run 2", "run 4", "IDENTICAL"} <= set(re.findall(r"\brun \d+\b|\b[A-Z]{8,}\b", words))
