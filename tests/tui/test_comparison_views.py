"""What the views of a comparison are made of, without a screen: tables, picture, head, over a real store."""

import re
from dataclasses import replace
from functools import cache

import pytest
from compared_runs import SLOW

from vp_tui.core import text as fmt
from vp_tui.core.measures.scale import FLOOR
from vp_tui.core.report.evidence import BIN
from vp_tui.tui.backend import Backend
from vp_tui.tui.panels import comparison
from vp_tui.tui.panels.distributions import BASE, BOTH, CAND, LIMIT, distributions
from vp_tui.tui.panels.rows import cells, fitted

pytestmark = pytest.mark.xdist_group("compared")


@pytest.fixture(scope="module")
def report(runs):
    """report(base, candidate) -> ComparisonReport, by the names of `runs`."""
    backend = Backend(runs["home"])
    return cache(lambda *sides: backend.compare(*(str(runs.get(side, side)) for side in sides)))


def test_the_gravest_judgement_stands_first(report):
    rows = comparison.differences(report("same", "broken"), only_worse=False).rows
    outcomes = [row.cells[0] for row in rows]
    assert outcomes == sorted(outcomes, key=["FAIL", "REGRESSED", "SUSPECT", "INCONCLUSIVE"].index)
    assert comparison.level("INCONCLUSIVE") == "warn"
    assert {row.level for row in rows if row.cells[0] in {"FAIL", "REGRESSED"}} == {"fail"}


def test_without_a_difference_all_is_shown(report):
    grid = comparison.differences(report("baseline:default", 12), only_worse=False)
    assert grid.title == "no difference in 8 metrics"
    assert len(grid.rows) == 8


def test_what_is_not_judged_is_not_said_to_be_no_worse(report):
    neither = comparison.differences(report("same", "unlike"), only_worse=True)
    assert not neither.rows
    assert "worse" not in neither.title + neither.without
    accuracy_alone = report("baseline:default", "elsewhere")
    grid = comparison.differences(accuracy_alone, only_worse=True)
    assert not grid.rows
    assert {str(len(accuracy_alone.items)), str(len(accuracy_alone.beside))} <= set(re.findall(r"\d+", grid.title))


def test_columns_go_before_words_are_cut_and_the_change_stays(report):
    grid = comparison.differences(report("same", "hostile"), only_worse=False)
    titles = {width: [grid.columns[place].title for place in fitted(grid, width)] for width in (58, 78, 200)}
    assert titles[200][-3:] == ["limit", "p", "n"]
    assert titles[78][-1] == "95% interval"
    assert titles[58][:3] == ["verdict", "metric", "scope"]
    assert "change" in titles[58]
    for width in range(52, 200):
        widths = fitted(grid, width)
        assert sum(len(cell) for cell in cells(grid.rows[0], grid, widths)) <= width


def test_the_worst_sequences_are_marked_where_they_fail_the_limit(report):
    rows = comparison.worst(report("same", "broken")).rows
    assert [(row.cells[4], row.cells[5], row.level) for row in rows[:2]] == [("-", "all", "fail")] * 2
    assert rows[0].detail.endswith("NaN or Inf in B")
    assert rows[2].cells[3:5] == ("0.9999871", "0.2100000")
    assert rows[2].detail.endswith("at or below the limit 0.99")
    passing = comparison.worst(report("same", "hostile")).rows
    assert {row.level for row in passing} == {"plain"}
    assert passing[0].detail.endswith("above the limit 0.99")


def picture_rows(found, width, height):
    return distributions(found.distributions, found.limits["cosine"], width, height).plain.splitlines()


def test_the_chart_tells_the_sides_apart_without_colour_and_marks_the_limit(report):
    rows = picture_rows(report("same", "broken"), 76, 15)
    assert rows[0] == f"all     {BASE} A 30  {CAND} B 30, 2 without a similarity  {BOTH} both"
    limit = rows[1].index(LIMIT)
    assert {row.index(LIMIT) for row in rows[1:-1]} == {limit}
    # all of the baseline passes, and nothing of the candidate
    assert BASE in rows[-2][:limit]
    assert CAND in rows[-2][limit:]
    assert not any(CAND in row[:limit] or BASE in row[limit:] for row in rows[1:])
    assert rows[-1][limit + 1 :].split()[0] == "0.99"


def test_a_single_sequence_among_many_is_seen_and_what_is_equal_lies_on_each_other(report):
    found = report("same", "same")
    rows = picture_rows(found, 76, 15)
    assert BOTH in rows[-2]
    assert not any(shade in row for row in rows[1:] for shade in (BASE, CAND))
    empty = (0,) * len(found.distributions[0].counts)
    lone = replace(found.distributions[0], n=10_000, counts=(*empty[:-5], 1, *empty[-4:]))
    assert (
        BASE in distributions([lone, *found.distributions[2:]], 0.99, 76, 8).plain.splitlines()[-2].partition(LIMIT)[2]
    )


def test_an_error_of_exactly_the_limit_stands_on_the_failing_side(report):
    one = report("same", "broken").distributions[0]
    at_limit = round((-2 - FLOOR) / BIN)
    for place, side in ((at_limit, 2), (at_limit - 1, 0)):
        counts = tuple(int(other == place) for other in range(len(one.counts)))
        for width in (20, 40, 76, 190):
            row = distributions([replace(one, n=1, counts=counts)], 0.99, width, 5).plain.splitlines()[-2]
            assert BASE in row.partition(LIMIT)[side]


@pytest.mark.parametrize("width", [12, 20, 40, 76, 118, 198])
@pytest.mark.parametrize("height", [3, 6, 15, 40])
def test_the_chart_keeps_to_its_room(report, width, height):
    for sides in (("same", "broken"), ("baseline:default", SLOW)):
        rows = picture_rows(report(*sides), width, height)
        assert len(rows) <= height
        assert max(map(len, rows)) <= max(width, 20)


def test_strata_stand_below_each_other_where_there_is_room(report):
    rows = picture_rows(report("same", "broken"), 76, 18)
    assert [row[:6].strip() for row in rows if f"{BASE} A" in row] == ["short", "medium", "long"]
    assert len(rows) == 18
    assert "median " in rows[0]


def test_nan_everywhere_and_no_pair_at_all_are_told_in_words(report):
    found = report("nan", "also nan")
    assert picture_rows(found, 76, 15) == ["no data: no sequence has a similarity"]
    assert comparison.worst(found).without == "none of the 30 sequences on both sides lost similarity"
    told = [cell for row in comparison.differences(found, only_worse=False).rows for cell in row.cells]
    assert "nan" not in told
    apart = report("same", "other")
    assert comparison.worst(apart).without == "no sequence is on both sides"
    assert comparison.banner(apart, 76, 3).plain == (
        "~ no sequence is on both sides: numbers side by side, no verdict on accuracy"
    )


@pytest.mark.parametrize("most", [1, 3, 8, 20])
def test_many_differing_facts_leave_room_for_the_verdict(report, most):
    rows = comparison.banner(report("baseline:default", "unlike"), 76, most).plain.splitlines()
    assert rows[0].startswith("~ different model, data, device, versions and schedule: numbers side by si")
    assert len(rows) == 1 + min(most, 13)
    assert rows[-1].strip().startswith("and " if most < 13 else "transformers: none -> 5")


def test_numbers_stand_side_by_side_where_no_verdict_is_possible_and_none_is_given(report):
    found = report("same", "unlike")
    rows = comparison.differences(found, only_worse=False).rows
    assert {(row.cells[0], row.level) for row in rows} == {("not judged", "dim")}
    numbers = {row.cells[1:3]: (row.cells[3], row.cells[4], row.cells[5:9]) for row in rows}
    lowest = found.beside[0]
    assert (lowest.name, lowest.scope, lowest.n_base, lowest.n_cand) == ("cosine_min", "all", 30, 30)
    assert numbers["lowest", "all"][:2] == (fmt.similarity(lowest.base), fmt.similarity(lowest.cand))
    assert numbers["tok/s", "all"][0] != "-"
    assert {cells for _, _, cells in numbers.values()} == {("-", "-", "-", "-")}
    assert found.exit_code() == 5
    # what is judged stays judged: only the speed of another machine is not
    parts = {item.part for item in report("baseline:default", "elsewhere").beside}
    assert parts == {"performance"}
    assert report("same", "broken").beside == ()


def test_the_head_keeps_to_its_room_whatever_the_names_are(report):
    for sides in (("broken", "hostile"), ("baseline:default", "unlike"), ("same", "broken")):
        found = report(*sides)
        for width in range(58, 200, 7):
            for most in (1, 3, 8):
                rows = comparison.compared(found, width, most).plain.splitlines()
                assert len(rows) <= 2 + 2 * most
                rows += comparison.banner(found, width, most).plain.splitlines() if sides[1] == "unlike" else []
                assert max(map(len, rows)) <= width
                assert all(row.isprintable() for row in rows)


@pytest.mark.parametrize("sides", [("hostile", "broken"), ("broken", "hostile"), ("same", "hostile")])
def test_nothing_stored_reaches_a_table_as_it_is(report, sides):
    found = report(*sides)
    grids = (comparison.worst(found), comparison.unlike(found))
    told = [words for grid in grids for row in grid.rows for words in (*row.cells, row.detail)]
    assert told
    assert [words for words in (*told, *comparison.notes(found)) if not words.isprintable()] == []


def test_a_cut_sentence_says_that_it_is_cut(report):
    found = report("same", "broken")
    assert ".." in comparison.compared(found, 58, 2).plain
    told = " ".join(comparison.compared(found, 58, 99).plain.split())
    assert found.comparison.accuracy.sentence.partition(": ")[2] in told
    assert found.comparison.accuracy.sentence in list(comparison.notes(found))
