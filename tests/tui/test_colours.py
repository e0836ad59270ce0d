"""What a reader sees with few colours or none: through a real pty, cell by cell."""

import re
import sys
from pathlib import Path

import pytest
from terminal import Terminal

SHOW = [sys.executable, str(Path(__file__).with_name("show.py"))]
MAIN_SCREENS = {"1": "!NaN", "2": "esm2 after", "3": "3 Compare", "4": "A search looks", "5": "events"}
"""Key of a screen and a word that is on it."""
FEW = [
    {"TERM": "screen"},
    {"TERM": "screen", "TEXTUAL_THEME": "textual-light"},
    {"TERM": "xterm-256color", "TEXTUAL_THEME": "textual-light"},
]


def cells(screen):
    return [(y, screen.buffer[y][x]) for y in range(screen.lines) for x in range(screen.columns)]


def invisible(screen):
    """Lines with letters in the colour of their background; a default colour is the terminal's own choice."""
    same = {y for y, cell in cells(screen) if cell.data.isalnum() and cell.fg == cell.bg != "default"}
    return [screen.display[y] for y in sorted(same)]


def emphasised(screen):
    """The text that stands out without a colour, line by line."""
    rows = {}
    for y, cell in cells(screen):
        rows[y] = rows.get(y, "") + (cell.data if cell.reverse or cell.underscore else " ")
    return [" ".join(text.split()) for text in rows.values() if text.strip()]


def shown(env):
    return Terminal([*SHOW, "failed_gate"], env=env)


@pytest.mark.parametrize("env", FEW, ids=lambda env: "-".join(env.values()))
def test_no_text_has_the_colour_of_its_background(env):
    with shown(env) as terminal:
        terminal.wait_for(lambda text: "FAIL  12 of" in text)
        for key, word in MAIN_SCREENS.items():
            terminal.press(key)
            terminal.wait_for(lambda text, word=word: word in text)
            terminal.pump(0.1)
            assert invisible(terminal.screen) == []
        terminal.press("?")
        terminal.wait_for(lambda text: "On every screen" in text or "to do" in text)
        assert invisible(terminal.screen) == []


def test_sixteen_colours_are_the_sixteen_of_the_terminal():
    with shown({"TERM": "screen"}) as terminal:
        terminal.wait_for(lambda text: "FAIL  12 of" in text)
        assert not re.search(rb"[34]8;[25];", terminal.raw)


def test_no_color_means_no_colour_and_every_mark_is_there():
    with shown({"NO_COLOR": "1", "COLORTERM": "truecolor"}) as terminal:
        terminal.wait_for(lambda text: "!NaN" in text and "FAIL  12 of" in text)
        for key, word in MAIN_SCREENS.items():
            terminal.press(key)
            terminal.wait_for(lambda text, word=word: word in text)
        terminal.press("q")
        terminal.wait_end()
        codes = {code for codes in re.findall(rb"\x1b\[([0-9;]*)m", terminal.raw) for code in codes.split(b";")}
    # 39 and 49 are the terminal's own colours
    assert codes <= {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"9", b"39", b"49"}


def test_without_colours_one_sees_where_one_is():
    with Terminal([*SHOW, "running"], env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        terminal.wait_for(lambda _: "1 Live" in emphasised(terminal.screen))
        terminal.press("2")
        terminal.wait_for(lambda _: "2 Runs" in emphasised(terminal.screen))
        terminal.wait_for(lambda _: any(row.startswith("42 nightly") for row in emphasised(terminal.screen)))
        terminal.press("q")
        terminal.wait_for(lambda _: "l leave it running" in emphasised(terminal.screen))
        terminal.press("s")
        terminal.wait_end()


def test_a_theme_that_does_not_exist_is_said_so_and_the_usual_one_is_taken():
    with shown({"TEXTUAL_THEME": "no-such"}) as terminal:
        terminal.wait_for(lambda text: "TEXTUAL_THEME=no-such" in text)
        terminal.press("q")
        assert terminal.wait_end() == 0


COLOURS = {
    # pyte's names of the terminal's own colours; brown is yellow
    "16": ({"TERM": "screen"}, ("brightred", "brightbrown", "brightgreen")),
    "256": ({"TERM": "xterm-256color"}, ("ff5f5f", "ffd75f", "5fd75f")),
    "all": ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, ("ff5f5f", "ffd75f", "5fd75f")),
}


def colour_of(screen, word):
    """The colour of the first letter of the first such word."""
    row = next(y for y, text in enumerate(screen.display) if word in text)
    return screen.buffer[row][screen.display[row].index(word)].fg


@pytest.mark.parametrize("number", COLOURS)
def test_fail_warn_and_pass_are_red_gold_and_green_with_any_number_of_colours(number):
    env, (red, gold, green) = COLOURS[number]
    with Terminal([*SHOW, "failed_gate"], env=env) as terminal:
        terminal.wait_for(lambda text: "FAIL  do" in text or "FAIL  12 of" in text)
        terminal.wait_for(lambda text: "WARN" in text)
        assert (colour_of(terminal.screen, "FAIL  "), colour_of(terminal.screen, "WARN")) == (red, gold)
    with Terminal([*SHOW, "passed"], env=env) as terminal:
        terminal.wait_for(lambda text: "PASS  all" in text)
        assert colour_of(terminal.screen, "PASS") == green


def test_a_run_that_broke_off_is_neither_red_nor_gold():
    env, (red, gold, _) = COLOURS["256"]
    with Terminal([*SHOW, "ended"], env=env) as terminal:
        terminal.wait_for(lambda text: "FAILED" in text)
        assert colour_of(terminal.screen, "FAILED") not in {red, gold}
        terminal.press("2")
        terminal.wait_for(lambda text: "result" in text)
        assert colour_of(terminal.screen, "failed") not in {red, gold}
