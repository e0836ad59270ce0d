"""A reader's own keys: what keys.toml may say, and what it changes."""

from dataclasses import replace

import pytest

from vp_tui.core.errors import UsageError
from vp_tui.tui.keyfile import NAME, read_keys, refusal
from vp_tui.tui.keymap import BY_ID, KEYS, MAIN_SCREENS, keys_of, shown


@pytest.fixture
def written(tmp_path):
    def write(text):
        (tmp_path / NAME).write_text(text)
        return tmp_path / NAME

    return write


@pytest.fixture
def home_with_keys(tmp_path):
    def write(text):
        (tmp_path / NAME).write_text(text)
        return tmp_path

    return write


def test_without_a_file_no_key_is_moved(tmp_path):
    assert read_keys(tmp_path / NAME).moved == {}


@pytest.mark.parametrize("text", ['"live.view" = "V"', 'live.view = "V"', '[live]\nview = "V"'])
def test_an_id_may_stand_in_quotes_with_a_dot_or_under_its_table(written, text):
    assert read_keys(written(text)).moved == {"live.view": "V"}


def test_two_keys_may_change_places(written):
    moved = read_keys(written('app.copy = "z"\napp.zoom = "y"')).moved
    assert moved == {"app.copy": "z", "app.zoom": "y"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"live.viev" = "V"', "'live.viev' is not the id of a key; did you mean 'live.view'?"),
        ('"live.view" = 3', "must be a key in quotes, not 3"),
        ('"live.view" = "a"', "'a' is used for both 'live.view' and 'live.alerts'"),
        ('"app.leave" = "v"', "'v' is used for both 'live.view' and 'app.leave'"),
        ('"runs-table.open" = "t"', "'t' is used for both 'runs-table.open' and 'runs.tag'"),
        ('"logs.find" = "N"', "'N' is used for both"),
        ('"app.leave" = "ctrl+b"', "tmux"),
        ('"app.leave" = "ctrl+a"', "GNU screen"),
        ('"app.leave" = "ctrl+enter"', "most terminals cannot send it"),
        ('"app.leave" = "shift+f"', "most terminals cannot send it"),
        ('"app.leave" = "alt+q"', "do not agree"),
        ('"app.leave" = "tab"', "moves the cursor or the focus"),
        ('"app.leave" = "quit"', "not a valid key"),
        ('"app.leave" = "\u00e4"', "not a valid key"),
        ('"app.leave" = ""', "not a valid key"),
        ("app.leave", "not valid TOML"),
        ('"live.viev" = "V"\n"live.vieb" = "W"', "(and 1 more)"),
    ],
)
def test_a_wrong_line_is_refused_with_the_file_and_the_reason(written, text, words):
    path = written(text)
    with pytest.raises(UsageError) as refused:
        read_keys(path)
    assert str(path) in str(refused.value)
    assert words in str(refused.value)


def test_a_file_that_is_no_text_or_cannot_be_read_is_said_so(tmp_path):
    (tmp_path / NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_keys(tmp_path / NAME)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_keys(tmp_path / "folder")


def test_every_key_of_the_table_would_be_accepted_in_the_file():
    # what moves in a list may be bound there, but nothing else may be moved onto it
    moving = {"up", "down", "left", "right", "tab"}
    assert {key.key for key in KEYS if refusal(key.key)} <= moving


# the public ids: a name that is missing here breaks somebody's keys.toml
IDS = {
    "alert": "back leave sequence",
    "alerts": "open",
    "app": "compare copy help leave live logs new runs search zoom",
    "chart": "left right",
    "compare": "export regressions swap view",
    "form": "back",
    "help": "back leave toggle",
    "live": "alerts baseline compare export fp32 measures modules next pause previous rerun stop view worst",
    "logs": "clear find follow next previous view",
    "measures": "back leave toggle",
    "module-map": "left right",
    "modules": "back leave view",
    "new-run": "back",
    "path-field": "choose close complete take up",
    "question": "leave stay stop",
    "runs": "baseline clear compare delete export filter fp32 rerun stop tag",
    "runs-table": "mark open reverse sort",
    "search": "accept evidence forbid measures pin start",
    "sequence": "back leave",
    "unit": "back leave",
    "worst": "back leave open",
}


def test_no_id_that_a_file_may_use_is_ever_lost():
    assert {f"{owner}.{name}" for owner, names in IDS.items() for name in names.split()} <= set(BY_ID)


def test_each_id_is_one_key_and_does_not_follow_the_label():
    everywhere = [key for key in KEYS if set(MAIN_SCREENS) <= set(key.screens) or key.owner]
    ids = [key.id_on(screen) for key in KEYS if key not in everywhere for screen in key.screens]
    ids += [key.id_on(MAIN_SCREENS[0]) for key in everywhere]
    assert len(ids) == len(set(ids)) == len(BY_ID)
    renamed = [replace(key, label="Other", description="other") for key in KEYS]
    assert [key.id_on(key.screens[0]) for key in renamed] == [key.id_on(key.screens[0]) for key in KEYS]


def test_each_of_the_keys_that_close_the_help_moves_alone(written):
    moved = read_keys(written('"help.back" = "B"')).moved
    assert {key.key for key in keys_of("help", moved) if key.label == "Back"} == {"B", "q", "question_mark"}


def test_keys_are_written_as_a_reader_types_them():
    names = {"question_mark": "?", "?": "?", "ctrl+r": "^r", "escape": "esc", "f5": "f5", "space": "space", "V": "V"}
    assert {key: shown(key) for key in names} == names


async def test_a_moved_key_works_and_the_old_one_does_not(drive, home_with_keys):
    async with drive(home=home_with_keys('"app.help" = "h"\n"app.logs" = "L"')) as driven:
        await driven.press("L")
        await driven.until(lambda: driven.app.current_mode == "logs")
        await driven.press("question_mark")
        assert "Log and events of the run" not in driven.text
        await driven.press("h")
        await driven.until_text("Log and events of the run")


async def test_key_bar_help_and_palette_show_the_moved_key(drive, home_with_keys):
    async with drive(home=home_with_keys('"app.help" = "h"\n"app.logs" = "L"'), size=(120, 60)) as driven:
        await driven.until_text("L Logs")
        assert "h Help" in driven.rows[-1]
        await driven.press("h")
        await driven.until_text("L      Logs")
        await driven.press("escape", "ctrl+p")
        await driven.until_text("Logs: log and status")
        assert "key L" in driven.text


async def test_a_wrong_file_leaves_every_key_and_says_so_above_the_picture(drive, home_with_keys):
    async with drive(home=home_with_keys('"app.hepl" = "h"'), size=(200, 50)) as driven:
        await driven.until_text("did you mean 'app.help'?")
        assert driven.rows[0].startswith(" ~ ")
        await driven.press("question_mark")
        await driven.until_text("On every screen")


async def test_the_gravest_notice_stands_first_and_each_has_its_line(drive, home_with_keys):
    made = home_with_keys('"app.hepl" = "h"')
    async with drive(home=made, trouble="database is locked", size=(200, 50)) as driven:
        await driven.until_text("database is locked")
        assert "! database is locked" in driven.rows[0]
        assert "~ " in driven.rows[1]
        assert "'app.hepl'" in driven.rows[1]
