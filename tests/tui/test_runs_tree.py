"""The history as a tree, its columns, and selected runs in one chart."""

from dataclasses import replace

import snapshots
from made_history import DONE, showing, table

from vp_tui.tui.deltas import Delta
from vp_tui.tui.panels.overlay import LETTERS, by_stratum, drawn, legend, similarity_chart
from vp_tui.tui.panels.runs_columns import Order, RunLine, fitting
from vp_tui.tui.panels.runs_tree import LEVELS, Group, tree


def rows_of(*runs):
    return tuple(RunLine(run=run, delta=Delta(), is_selected=False) for run in runs)


def test_every_run_is_under_its_model_data_precision_and_device_and_groups_count_runs_and_failures():
    other = replace(DONE, id=41, precision="bf16", verdict="FAIL")
    found = tree(rows_of(other, DONE, replace(DONE, id=39)), frozenset())
    groups = [one for one in found if isinstance(one, Group)]
    assert [len(one.path) for one in groups] == [1, 2, 3, 4, 3, 4]
    assert [(one.num_runs, one.num_bad) for one in groups] == [(3, 1), (3, 1), (1, 1), (1, 1), (2, 0), (2, 0)]
    assert groups[0].name == DONE.model.rpartition("/")[2]
    assert [one.run.id for one in found if isinstance(one, RunLine)] == [41, DONE.id, 39]
    assert len(LEVELS) == 4


def test_folders_of_one_name_are_models_of_their_own_and_are_named_by_what_tells_them_apart():
    models = ("/data/demo/checkpoint", "/data/demo/other/checkpoint", "/data/demo/other/checkpoint/", "/data/esm2")
    runs = [replace(DONE, id=number, model=model) for number, model in enumerate(models, 1)]
    groups = [one for one in tree(rows_of(*runs), frozenset()) if isinstance(one, Group) and len(one.path) == 1]
    assert [(one.name, one.num_runs) for one in groups] == [
        ("demo/checkpoint", 1),
        ("other/checkpoint", 2),
        ("esm2", 1),
    ]


def test_a_closed_group_hides_all_below_it_and_no_other():
    other = replace(DONE, id=41, precision="bf16")
    closed = tree(rows_of(other, DONE), frozenset())[2].path
    found = tree(rows_of(other, DONE), frozenset({closed}))
    assert [one.run.id for one in found if isinstance(one, RunLine)] == [DONE.id]
    assert [one.is_open for one in found if isinstance(one, Group) and one.path == closed] == [False]


async def test_v_turns_the_list_into_a_tree_and_back_and_the_cursor_stays_on_its_run(drive):
    async with showing(drive) as driven:
        await driven.press("down", "down")
        run_id = table(driven).chosen.id
        await driven.press("v")
        assert table(driven).chosen.id == run_id
        assert "(model, 5 runs" in driven.text
        await driven.press("left")
        assert table(driven).chosen is None
        assert run_id not in {run.id for run in table(driven).runs}
        # the state of the tree outlives another screen
        await driven.press("1", "2")
        assert run_id not in {run.id for run in table(driven).runs}
        await driven.press("right")
        assert run_id in {run.id for run in table(driven).runs}
        await driven.press("v")
        assert len(table(driven).runs) == 5
        assert "(model," not in driven.text


def test_chosen_columns_are_shown_in_the_order_of_the_table_as_far_as_they_fit():
    chosen = ("device", "precision", "tags", "model")
    assert [one.title for one in fitting(200, Order(), chosen)] == [
        "id", "name (model)", "precision", "tags", "device", "model",
    ]  # fmt: skip
    narrow = fitting(60, Order(), chosen)
    assert [one.title for one in narrow] == ["id", "name (model)", "precision", "tags", "device"]
    assert sum(one.width + 2 for one in narrow) <= 60


async def test_columns_are_marked_in_a_form_and_kept_for_the_session(drive):
    async with showing(drive, size=(120, 40)) as driven:
        assert "precision" in driven.rows[0]
        await driven.press("C")
        await driven.until_text("[x] precision")
        await driven.press("space", "ctrl+s")
        await driven.until(lambda: "precision" not in driven.rows[0])
        await driven.press("1", "2")
        assert "precision" not in driven.rows[0]


def test_the_chart_of_several_runs_has_a_letter_for_each_and_a_row_for_what_is_not_finite():
    good = snapshots.passed()
    bad = replace(good, similarity=tuple(replace(one, cosine_min=None) for one in good.similarity))
    chart = similarity_chart([good, bad])
    rows = drawn(chart, 80, 16).plain.splitlines()
    assert len(rows) == 16
    assert max(map(len, rows)) <= 80
    last = rows[-2]
    assert last.strip().startswith("bad")
    assert set(last.partition("|")[2]) <= {" ", LETTERS[1]}
    assert LETTERS[1] in last
    assert not any(LETTERS[1] in row.partition("|")[2] for row in rows[1:-2])
    assert [f"{letter} #{good.run.id}" in legend([good, bad]).plain for letter in LETTERS[:3]] == [True, True, False]


def test_series_are_neither_red_nor_gold():
    styles = {str(span.style) for span in legend([snapshots.passed()] * 4).spans}
    assert len(styles) == 4
    assert not any("error" in style or "warning" in style for style in styles)


def test_per_length_the_runs_stand_below_one_another():
    good = snapshots.passed()
    rows = by_stratum([good, good]).plain.splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [
        [scope, letter] for scope in ("short", "medium", "long", "all") for letter in "ab"
    ]
