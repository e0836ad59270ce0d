"""One table of keys: nothing is bound, shown or explained anywhere else."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import snapshots
from textual.widget import Widget

import vp_tui.tui.panels
import vp_tui.tui.screens
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.keymap import KEYS, MAIN_SCREENS, PARTS, QUIET, bindings, keys_of
from vp_tui.tui.panels.key_bar import BarKey, entries, fitted, key_line, room
from vp_tui.tui.panels.runs_table import RunsTable

TUI = Path(vp_tui.tui.panels.__file__).parents[1]
SCREENS = sorted({screen for key in KEYS for screen in key.screens})
WIDTHS = [10, 40, 60, 79, 80, 120, 200]


def owners():
    """Screen name of the table -> the classes that bind its keys."""
    found = {}
    for package in (vp_tui.tui.panels, vp_tui.tui.screens):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for owner in vars(importlib.import_module(module.name)).values():
                if isinstance(owner, type) and issubclass(owner, Widget) and "BINDINGS" in vars(owner):
                    for name in SCREENS:
                        if bindings(name) == owner.BINDINGS:
                            found.setdefault(name, set()).add(owner)
    return found


OWNERS = owners()


def test_every_key_belongs_to_a_screen_that_exists():
    assert set(OWNERS) == set(SCREENS)
    assert set(PARTS) | set(PARTS.values()) | set(MAIN_SCREENS) <= set(SCREENS)


def test_keys_are_bound_through_the_table_only():
    strangers = [
        f"{path.name}: {line.strip()}"
        for path in TUI.rglob("*.py")
        # a field runs its own keys itself, in the order in which they were pressed
        if path.name not in {"keymap.py", "entry.py"}
        for line in path.read_text().splitlines()
        if re.search(r"BINDINGS\b.*=|\bBinding\(|def (on_key|_on_key|key_[a-z]+)\(self", line)
        and not re.search(r"BINDINGS = bindings\(", line)
    ]
    assert strangers == []


@pytest.mark.parametrize("name", SCREENS)
def test_every_key_of_the_table_does_something(name):
    for key in keys_of(name):
        action = key.action.partition("(")[0]
        places = [VpTuiApp] if action.startswith("app.") else OWNERS[name]
        assert all(hasattr(place, f"action_{action.removeprefix('app.')}") for place in places), key


@pytest.mark.parametrize("name", SCREENS)
def test_no_key_has_two_meanings_on_one_screen(name):
    # without any run enter means nothing else, and n is the next match only while text is looked for
    used = [key.key for key in keys_of(name) if key.name not in {"demo", "next-match", "previous-match"}]
    assert len(used) == len(set(used))


def test_keys_survive_tmux_and_ssh():
    words = {"enter", "escape", "space", "tab", "up", "down", "left", "right"}
    # control characters of their own; ctrl+s stops no output, because the driver switches that off
    control = {"ctrl+d", "ctrl+u", "ctrl+n", "ctrl+s"}
    assert all(key.key in words | control or (len(key.shown) == 1 and key.shown.isascii()) for key in KEYS)


# -- the key bar


def table(board, *parts):
    parts = parts or [part for part, screen in PARTS.items() if screen == board]
    # a part takes a key from its screen
    found = {key.key: key for name in (board, *parts) for key in keys_of(name)}.values()
    return tuple(
        BarKey(
            key=key.shown,
            label=key.label,
            rank=key.rank,
            is_screen=key.action.startswith("app.open_screen"),
            is_current=key.action == f"app.open_screen('{board}')",
        )
        for key in found
        if key.rank < QUIET
    )


@pytest.mark.parametrize("board", MAIN_SCREENS)
@pytest.mark.parametrize("width", [60, 79, 80, 120, 200])
def test_the_key_bar_keeps_to_the_width_and_never_gives_up_screens_help_and_leave(board, width):
    shown = fitted(table(board), width)
    text = key_line(shown).plain
    assert len(text.rstrip()) <= width
    assert room(shown) <= width
    assert [entry.key for entry in shown if entry.is_screen] == ["1", "2", "3", "4", "5"]
    assert "? Help" in text
    assert "q Leave" in text


@pytest.mark.parametrize("part", [*MAIN_SCREENS, "runs table", "alerts", "chart"])
def test_two_hundred_columns_show_every_key_that_can_work_at_once(part):
    # the demo is offered without a run only, the matches while text is looked for
    board = PARTS.get(part, part)
    is_matching = {"N"} if board in {"live", "compare"} else set()
    keys = tuple(entry for entry in table(board, part) if entry.label != "Demo" and entry.key not in is_matching)
    shown = {entry.key for entry in fitted(keys, 200)}
    # the key of a chart takes the place of the least important one
    assert [entry.key for entry in keys if entry.key not in shown] == (["z"] if part == "chart" else [])


def test_without_room_the_least_important_keys_go_first_and_nothing_takes_their_place():
    keys = [BarKey(key="b", label="huge words", rank=3), BarKey(key="a", label="important", rank=1)]
    keys += [BarKey(key="c", label="x", rank=4), BarKey(key="q", label="Leave", rank=0)]
    assert [entry.key for entry in fitted(keys, 26)] == ["a", "q"]


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_bar_of_each_screen_shows_where_one_is_on_every_width(drive, width):
    async with drive(snapshots.running(), size=(width, 24)) as driven:
        for digit, board in enumerate(MAIN_SCREENS, 1):
            await driven.press(str(digit))
            await driven.until(lambda name=board: driven.app.current_mode == name)
            await driven.until(lambda number=digit: f"{number}" in driven.rows[-1])
            if width >= 60:
                await driven.until(lambda name=board, number=digit: f"{number} {name.capitalize()}" in driven.rows[-1])
                assert "q Leave" in driven.rows[-1]


async def test_the_bar_follows_the_focus(drive):
    async with drive(snapshots.running(), rows=snapshots.history(), size=(200, 24)) as driven:
        await driven.press("2")
        await driven.until(lambda: "space Pick" in driven.rows[-1])
        await driven.press("1")
        await driven.until(lambda: "space Pick" not in driven.rows[-1])


async def test_a_click_on_a_key_does_what_the_key_does(drive):
    async with drive(snapshots.running()) as driven:
        await driven.until(lambda: "5 Logs" in driven.rows[-1])
        column = driven.rows[-1].index("5 Logs") + 3
        await driven.pilot.click(offset=(column, 23))
        await driven.until(lambda: driven.app.current_mode == "logs")


async def test_the_palette_reaches_every_key_of_the_screen_and_of_the_panel_in_focus(drive):
    async with drive(snapshots.running(), rows=snapshots.history()) as driven:
        await driven.press("2")
        await driven.until(lambda: driven.app.current_mode == "runs")
        titles = [command.title for command in driven.app.get_system_commands(driven.app.screen)]
        for name in ("runs", "runs table"):
            # a digit's screen may be the one in front; its key works all the same
            missing = [key.name for key in keys_of(name) if f"{key.label}: {key.description}" not in titles]
            # what does nothing now is not offered
            assert set(missing) <= {"demo", "clear"}
        assert not any(title.startswith(("Screenshot", "Maximize", "Keys", "Quit")) for title in titles)


async def test_a_command_of_the_palette_does_what_its_key_does(drive):
    async with drive(snapshots.running()) as driven:
        await driven.press("ctrl+p")
        await driven.until_text("Search for commands")
        await driven.press(*"status")
        await driven.until_text("Logs: log and status")
        await driven.press("enter")
        await driven.until(lambda: driven.app.current_mode == "logs")


async def test_lists_and_texts_move_by_the_keys_of_less_and_a_field_takes_them_as_letters(drive):
    async with drive(snapshots.running(), rows=snapshots.history(), size=(80, 24)) as driven:
        await driven.press("2")
        await driven.until(
            lambda: driven.app.current_mode == "runs" and driven.app.screen.query_one(RunsTable).row_count
        )
        table = driven.app.screen.query_one(RunsTable)
        last = table.row_count - 1
        for key, row in (("j", 1), ("k", 0), ("G", last), ("g", 0), ("ctrl+d", last), ("ctrl+u", 0)):
            await driven.press(key)
            await driven.until(lambda row=row: table.cursor_row == row)
        await driven.press("slash", "j", "G")
        await driven.until(lambda: driven.app.screen.query_one("#filter").value == "jG")
        assert table.cursor_row == 0


async def test_ctrl_c_names_the_key_that_leaves(drive):
    async with drive(snapshots.running()) as driven:
        await driven.press("ctrl+c")
        await driven.until_text("q leaves the dashboard")


def test_a_bar_without_keys_is_empty():
    assert entries((), "live") == ()
    assert fitted((), 80) == ()
    assert key_line(()).plain.strip() == ""
