"""Screen 4: before a search, while it runs, and its result; marks for the next one, and the plan that is accepted."""

import os
import sys
import threading
from dataclasses import replace

import fakes
import pytest
import searched
import snapshots
import stored_runs

from vp_tui.core.runs.search import launch, records
from vp_tui.core.store import liveness
from vp_tui.core.store.reader import Reader
from vp_tui.tui.backend import Backend
from vp_tui.tui.panels import precision_map, search_choices, search_words, unit_words
from vp_tui.tui.panels.precision_map import PrecisionMap, grid
from vp_tui.tui.panels.search_hints import hints
from vp_tui.tui.panels.welcome import QUESTION

SIZES = [(60, 16), (120, 40)]


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr("vp_tui.tui.screens.looking_screen.LOOK_S", 0.05)


PASSED_WITH_A_PLAN = searched.run(
    run=replace(snapshots.passed().run, precision="plan:run-42"),
    config={"precision": "fp16", "plan": searched.PLAN.model_dump()},
)


async def opened(driven, state=None):
    driven.backend.searched = state or fakes.NOT_SEARCHED
    await driven.press("4")
    await driven.until(lambda: driven.app.current_mode == "search")
    shown = driven.app.main_screen
    await driven.until(lambda: shown._state == driven.backend.searched)
    await driven.pilot.pause()
    return shown


def written(driven):
    """What the screen has started."""
    return [call for call in driven.backend.calls if call[0] in {"start_search", "accept_plan"}]


def plain(rows):
    return "\n".join(row.plain for row in rows)


# -- hints of a run without a search


def with_details(snapshot, **details):
    return replace(snapshot, measures={"details": details})


def test_a_birthplace_of_nan_stands_before_the_modules_that_round_badly():
    details = {
        "nonfinite": [{"module": "layers.3.softmax", "count": 12}, {"module": "layers.4", "count": 99}],
        "rounding": [{"module": "layers.0.wo", "ratio": 1.9}, {"module": "layers.1.wo", "ratio": 1.6}],
        "headroom": [{"module": "layers.2", "bits": 0.5, "max_abs": 5e4}],
    }
    rows = plain(hints(with_details(snapshots.failed_gate(), **details))).splitlines()
    assert any(row.startswith("! ") and "layers.3.softmax (12 values)" in row for row in rows)
    marked = {row.split()[1]: row.split()[0] for row in rows if row.startswith("  ") and "layers" in row}
    assert marked == {"layers.0.wo": "~", "layers.1.wo": "~", "layers.2": "!"}


def test_without_numbers_of_modules_the_reason_is_said():
    assert "after the last sequence" in plain(hints(snapshots.running()))
    assert "ended early" in plain(hints(snapshots.ended()))


# -- before


@pytest.mark.parametrize(
    ("run", "is_possible", "faster"),
    [
        (searched.run(), True, False),
        (searched.run(run=snapshots.passed().run), False, True),
        (searched.run(run=snapshots.passed().run, config={"precision": "fp32"}), True, True),
        (searched.run(run=snapshots.running().run), False, False),
        (searched.run(run=snapshots.ended().run), False, False),
        (searched.run(run=replace(snapshots.failed_gate().run, verdict="INVALID")), False, False),
        (searched.run(model={"kind": "hf", "layers": 4}), False, False),
        (searched.run(config={"precision": "fp16", "plan": searched.PLAN.model_dump()}), False, False),
        (PASSED_WITH_A_PLAN, False, False),
    ],
    ids=[
        "failed",
        "passed",
        "passed in fp32",
        "running",
        "no verdict",
        "no reference",
        "other model",
        "with a plan",
        "passed with a plan",
    ],
)
def test_a_run_can_be_searched_when_it_failed_or_has_a_faster_format_left(run, is_possible, faster):
    answer = search_words.eligible(run, "s")
    assert (answer.is_possible, answer.faster) == (is_possible, faster)
    assert ("nothing" in answer.words) == (run.run.verdict == "PASS")


@pytest.mark.parametrize("size", SIZES)
async def test_before_a_search_the_screen_says_what_it_does_and_s_starts_it(drive, size):
    async with drive(searched.run(), size=size) as driven:
        await opened(driven)
        assert "A search looks" in driven.text.replace("\n", " ")
        assert "not implemented" not in driven.text
        assert driven.app.screen.max_scroll_x == 0
        await driven.press("s")
        await driven.until(lambda: written(driven))
        asked = {"budget": records.DEFAULT_BUDGET, "faster": False, "pin": [], "forbid": []}
        assert written(driven) == [("start_search", 42, asked)]
        await driven.press("m")
        await driven.until_text("#42 nightly, esm2")


async def test_a_run_that_passed_is_told_that_there_is_nothing_to_keep(drive):
    async with drive(searched.run(run=snapshots.passed().run)) as driven:
        await opened(driven)
        assert "nothing to keep" in driven.text.replace("\n", " ")
        await driven.press("s", "p", "enter", "a")
        assert written(driven) == []


async def test_without_a_run_there_are_words(drive):
    async with drive() as driven:
        await driven.press("4")
        await driven.until_text(QUESTION[:40])


async def test_a_search_that_stopped_or_cannot_be_read_says_why(drive):
    stopped = replace(searched.under_way(3), is_running=False, last_line="error: the checkpoint has changed")
    async with drive(searched.run()) as driven:
        await opened(driven, stopped)
        assert "after 3 trials" in driven.text
        assert "the checkpoint has changed" in driven.text
        driven.backend.searched = "search.json cannot be read"
        await driven.until_text("! search.json cannot be read")


# -- while it runs


def test_the_time_left_is_that_of_the_trials_left():
    assert search_words.done_of(searched.trials(4)) == 4
    assert "02:06" in search_words.remaining(searched.under_way(3))
    # a continued search runs the first trial again
    assert search_words.done_of((*searched.trials(4), searched.trials(1)[0])) == 4


async def test_a_search_is_followed_in_a_thread_while_in_front_until_its_result(drive, monkeypatch):
    threads = []
    async with drive(searched.run()) as driven:
        look = driven.backend.search_state

        def watched(folder):
            threads.append(threading.current_thread().name)
            return look(folder)

        monkeypatch.setattr(driven.backend, "search_state", watched)
        await opened(driven, searched.under_way(3))
        assert "Trial 4 of at most 24" in driven.text
        assert "dropping what is not needed" in driven.text
        assert "trial 3, prune" in driven.text
        await driven.press("s")
        assert written(driven) == []
        driven.backend.searched = searched.after()
        await driven.until_text("block 34")
        assert driven.app.focused.id == "map"
        assert "MainThread" not in threads
        await driven.press("1")
        await driven.until(lambda: driven.app.current_mode == "live")
        # one look may still be under way
        await driven.pilot.pause(0.1)
        seen = len(threads)
        await driven.pilot.pause(0.2)
        assert len(threads) == seen


# -- the map


def test_a_cell_says_in_characters_what_is_known_of_its_unit():
    wishes = {"layers.34.fc1": "forbidden", "layers.0.qkv": "pinned"}
    cells = grid("esm2", searched.BLOCKS, searched.result(), wishes).cells
    assert len(cells) == len(searched.UNITS) == 326
    assert [cells[unit].text for unit in (*searched.BEYOND, searched.COARSE)] == ["!32x", "!32", "!32", "~32"]
    assert (cells["layers.0.qkv"].text, cells["layers.0.out"].text) == ("+", ".")
    # not kept: the colour warns too
    without = grid("esm2", searched.BLOCKS, searched.result(plan=None), {}).cells
    assert [(without[unit].text, without[unit].level) for unit in (searched.BEYOND[0], searched.COARSE)] == [
        ("!", "fail"),
        ("~", "warn"),
    ]


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_row_of_the_map_is_wider_than_the_screen_and_titles_never_touch(kind, width):
    found = grid(kind, 33, searched.result(evidence=()), {})
    label, each = precision_map.widths(found.operations, found.rows, width)
    title = precision_map.titles(found, label, each).plain
    assert len(title) <= width
    assert len(title.split()) == len(found.operations)
    assert all(precision_map.row_of(found, row, label, each).cell_length <= width for row in range(len(found.rows)))


@pytest.mark.parametrize("size", SIZES)
async def test_the_result_shows_sentence_map_and_the_cursor_on_the_first_suspect(drive, size):
    async with drive(searched.run(), size=size) as driven:
        shown = await opened(driven, searched.after())
        assert "Plan run-42 keeps 4 of 326 units" in driven.text
        assert "!32" in driven.text
        assert shown.query_one(PrecisionMap).unit == "layers.34.fc1"
        assert ("plan:run-42" in driven.text) == (size[1] >= 20)
        assert ("upper left" in driven.text) == (size >= (120, 40))


async def test_arrows_move_the_cursor_over_units_and_enter_opens_the_evidence(drive):
    async with drive(searched.run()) as driven:
        shown = await opened(driven, searched.after())
        units = []
        for key in ("right", "down", "left", "home", "right", "down", "end"):
            await driven.press(key)
            units.append(shown.query_one(PrecisionMap).unit)
        assert units == [
            "layers.34.gelu", "layers.35.gelu", "layers.35.fc1", "embedding", "embedding", "layers.0.attention_norm",
            "final_norm",
        ]  # fmt: skip
        await driven.press("up", "right", "right", "right", "right", "enter")
        await driven.until_text("4 of 326")
        assert "2.1 bits" in driven.text
        assert "0.090" in driven.text
        await driven.press("escape")
        assert driven.app.screen is shown


def test_the_evidence_names_fate_numbers_and_cost():
    kept = plain(unit_words.full("layers.34.fc1", searched.result(), "forbidden"))
    assert all(
        words in kept for words in ("Block 34", "kept in fp32", "forbidden", "1 of 326", "-1.6 bits", "+0.31 ms")
    )
    fine = plain(unit_words.full("final_norm", searched.result(), None))
    assert "stays in fp16: not needed" in fine
    assert "326 of 326" in fine
    assert "Not looked at" in plain(unit_words.full("final_norm", searched.result(evidence=()), None))


# -- marks


async def test_marked_units_are_shown_and_the_next_search_takes_them(drive):
    async with drive(searched.run()) as driven:
        shown = await opened(driven, searched.after())
        await driven.press("f", "right", "p", "right", "p", "p")
        assert "!32x" in driven.text
        assert "!32+" in driven.text
        assert "searches again" in driven.text
        await driven.press("s")
        await driven.until(lambda: written(driven))
        ((_, _, asked),) = written(driven)
        assert (asked["pin"], asked["forbid"]) == (["layers.34.gelu"], ["layers.34.fc1"])
        # started: from now on the marks are those of the search
        await driven.until(lambda: shown._marks == {})


# -- other ends


async def test_an_end_without_a_confirmed_plan_has_words_and_a_way_on_and_is_not_accepted(drive):
    question = searched.QUESTION.model_copy(update={"forbidden": (searched.BEYOND[0],)})
    async with drive(searched.run()) as driven:
        shown = await opened(driven, searched.nothing("not-precision", "not a precision fault: it fails in fp32 too"))
        assert "Not a precision fault: it fails in fp32 too" in driven.text
        assert not shown.query_one(PrecisionMap).display
        await driven.press("a", "p", "enter")
        assert written(driven) == []
        # spent: goes on with more trials
        driven.backend.searched = searched.after(status="budget", sentence="24 trials are spent", trials=24)
        await driven.until_text("24 trials are spent")
        await driven.press("a", "s")
        await driven.until(lambda: written(driven))
        assert [call[2]["budget"] for call in written(driven)] == [24 + records.DEFAULT_BUDGET]
        # no plan without the forbidden unit: it can be allowed again
        driven.backend.searched = searched.nothing("none", "no plan passes", question=question)
        await driven.until_text("No plan passes")
        shown.query_one(PrecisionMap).move_to(searched.BEYOND[0])
        await driven.press("f", "s")
        await driven.until(lambda: len(written(driven)) == 2)
        assert written(driven)[1][2]["forbid"] == []


def test_a_plan_that_is_not_faster_than_everything_kept_is_called_so():
    slow = tuple(
        one.model_copy(update={"tokens_per_s": 50_000.0}) if one.name.startswith("plan") else one
        for one in searched.result().choices
    )
    assert search_choices.slower(searched.result()) == ""
    assert "fp32" in search_choices.slower(searched.result(choices=slow))


# -- accepting


async def test_accepting_starts_a_run_with_the_plan_and_shows_it(drive):
    second = searched.run(run=replace(snapshots.running().run, id=43))
    async with drive(searched.run(), second, run_id=42) as driven:
        await opened(driven, searched.after())
        await driven.press("a")
        await driven.until(lambda: driven.app.current_mode == "live")
        assert written(driven) == [("accept_plan", 42, searched.PLAN)]
        await driven.until(lambda: driven.app.view.snapshot.run.id == 43)


def test_the_accepted_run_has_the_settings_of_the_searched_one(home, monkeypatch):
    started = []
    monkeypatch.setattr("vp_tui.core.runs.launch.create_and_start", lambda _, config: started.append(config) or 7)
    run_id = stored_runs.complete(home, precision="fp32", sample=30, seed=5, name="mine")
    assert Backend(home).accept_plan(run_id, searched.PLAN) == 7
    (config,) = started
    assert (config.plan, config.precision) == (searched.PLAN, "fp16")
    assert (config.sample, config.seed, config.name) == (30, 5, "mine")


# -- a real folder


@pytest.fixture
def folder(home):
    run_id = stored_runs.complete(home)
    with Reader(home) as reader:
        return run_id, reader.snapshot(run_id).folder


def test_a_search_counts_as_running_from_its_start_on(home, folder, monkeypatch):
    run_id, place = folder
    code = "import sys; sys.stdin = open(sys.argv[1]); sys.stdin.read(); print('the end')"
    fifo = home.root / "fifo"
    os.mkfifo(fifo)
    monkeypatch.setattr(launch, "worker_command", lambda *_: [sys.executable, "-c", code, str(fifo)])
    backend = Backend(home)
    backend.start_search(run_id, place, budget=3, faster=False, pin=["a"], forbid=[])
    assert backend.search_state(place).is_running
    # another dashboard sees the lock only
    assert not Backend(home).search_state(place).is_running
    fifo.write_text("go on")
    backend._searches[place].wait(20)
    state = backend.search_state(place)
    assert (state.is_running, state.last_line) == (False, "the end")


def test_the_newest_budget_stands_in_the_lock(tmp_path):
    descriptor = liveness.hold(tmp_path / records.LOCK)
    assert records.read_budget(tmp_path) is None
    for budget in (124, 7):
        records.note_budget(descriptor, budget)
    assert records.read_budget(tmp_path) == 7
    os.close(descriptor)


def test_words_of_an_older_search_are_not_those_of_one_from_a_shell(tmp_path):
    (tmp_path / records.LOG).write_text("trial 1\nthe end\n")
    assert launch.state_of(tmp_path).last_line == "the end"
    (tmp_path / records.LOCK).touch()
    later = (tmp_path / records.LOG).stat().st_mtime_ns + 1_000_000_000
    os.utime(tmp_path / records.LOCK, ns=(later, later))
    assert launch.state_of(tmp_path).last_line == ""
