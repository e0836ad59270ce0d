"""The help says what the panel in focus means, has every key, and every number with the limits in force."""

import re
from dataclasses import replace

import pytest
import snapshots
from textual.widget import Widget
from textual.widgets import Static

from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.explain import OF_SCREEN, TOPICS, explanation
from vp_tui.tui.keymap import BY_ID, KEYS, MAIN_SCREENS, keys_of
from vp_tui.tui.screens.help import WIDTH, keys_elsewhere, keys_here, moving_help, number_help, topic_help

SIZES = [(60, 16), (80, 24), (120, 40), (200, 50)]


def flat(content):
    return " ".join(content.plain.split())


@pytest.mark.parametrize("board", MAIN_SCREENS)
def test_every_key_is_in_the_help_of_every_screen(board):
    text = flat(keys_here(board)) + flat(keys_elsewhere(board))
    missing = [key for key in KEYS if f"{key.shown} {key.label} {key.description}" not in text]
    assert missing == []


@pytest.mark.parametrize("board", MAIN_SCREENS)
def test_the_keys_of_the_screen_in_front_come_first(board):
    text = flat(keys_here(board))
    assert all(f"{key.shown} {key.label} {key.description}" in text for key in keys_of(board))


def test_every_name_for_keys_toml_is_in_the_help(tmp_path):
    text = flat(moving_help(tmp_path / "keys.toml"))
    assert str(tmp_path) in text.replace(" ", "")
    assert all(name in text for name in BY_ID)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_says_what_it_means_what_is_good_and_what_to_do(topic):
    text = topic_help(topic, Thresholds())
    assert all(len(row) <= WIDTH for row in text.plain.splitlines())
    assert "  good  " in text.plain
    assert "  to do " in text.plain


def test_limits_are_those_of_the_run():
    limits = Thresholds({"M1.fail": 0.8, "M1-p01.fail": 0.9, "P1.fail": 3.5})
    assert "above 0.8" in flat(topic_help("strata", limits))
    assert "3.5x" in flat(topic_help("speed", limits))
    assert "0.8 or below" in flat(number_help(limits))
    assert explanation("throughput", limits).good.count("3.5") == 1


@pytest.mark.parametrize("made", [snapshots.failed_gate, snapshots.running])
async def test_every_topic_of_a_widget_has_its_text(drive, made):
    async with drive(made(), rows=snapshots.history(), size=(200, 50)) as driven:
        for digit, board in enumerate(MAIN_SCREENS, 1):
            await driven.press(str(digit))
            await driven.until(lambda name=board: driven.app.current_mode == name)
            topics = {getattr(widget, "topic", None) for widget in driven.app.screen.query(Widget)} - {None}
            assert topics <= set(TOPICS)
    assert set(OF_SCREEN) == set(MAIN_SCREENS)
    assert set(OF_SCREEN.values()) <= set(TOPICS)


@pytest.mark.parametrize("board", MAIN_SCREENS)
async def test_the_help_begins_with_the_panel_in_focus_or_the_screen(drive, board):
    async with drive(snapshots.failed_gate(), rows=snapshots.history()) as driven:
        await driven.press(str(MAIN_SCREENS.index(board) + 1))
        await driven.until(lambda: driven.app.current_mode == board)
        focused = driven.app.screen.focused
        nodes = focused.ancestors_with_self if focused is not None else ()
        topic = next((node.topic for node in nodes if getattr(node, "topic", None)), OF_SCREEN[board])
        await driven.press("question_mark")
        await driven.until_text(explanation(topic, Thresholds()).title)
        await driven.press("escape")
        await driven.until(lambda: driven.app.screen.query("#banner"))


@pytest.mark.parametrize("size", SIZES)
async def test_the_help_fits_the_width_and_every_end_closes_it(drive, size):
    async with drive(snapshots.running(), size=size) as driven:
        for key in ("escape", "q", "question_mark"):
            await driven.press("question_mark")
            await driven.until_text("Who, safe, fast")
            assert driven.app.screen.query_one(".help").max_scroll_x == 0
            await driven.press(key)
            await driven.until(lambda: driven.app.screen.query("#banner"))


async def test_the_help_shows_the_limits_of_the_run_in_front(drive):
    run = snapshots.running()
    strict = replace(run, config=run.config | {"thresholds": {"M1.fail": 0.5, "M1-p01.fail": 0.75}})
    async with drive(strict) as driven:
        await driven.press("question_mark")
        await driven.until_text("every sequence is above 0.5 and finite")


@pytest.mark.parametrize("digit", "14")
async def test_the_help_on_the_screen_has_every_key_of_every_place_under_its_title(drive, digit):
    async with drive(snapshots.running()) as driven:
        await driven.press(digit, "question_mark")
        await driven.until(lambda: driven.app.screen.query("#moving"))
        parts = [part.content for part in driven.app.screen.query("#help-text Static").results(Static)]
        text = " ".join(flat(part) for part in parts)
        assert [key for key in KEYS if f"{key.shown} {key.label} {key.description}" not in text] == []
        places = {name for key in KEYS for name in key.screens}
        assert sum(part.plain.count("m      Measures") for part in parts) == 2
        assert len(re.findall(r"(?m)^\S", "\n".join(part.plain for part in parts))) >= len(places) + 3


async def test_the_help_names_the_file_for_other_keys(drive, tmp_path):
    async with drive(home=tmp_path) as driven:
        await driven.press("question_mark")
        shown = driven.app.screen.query_one("#moving", Static).content.plain
        assert "keys.toml" in re.sub(r"\s", "", shown)
        assert '"live.view" = "V"' in shown
