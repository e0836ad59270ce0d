"""A reader's own keys: what keys.toml may say, and what it changes."""

import pytest

from vp_tui.core.errors import UsageError
from vp_tui.tui.keyfile import NAME, read_keys, refusal
from vp_tui.tui.keymap import BY_ID, KEYS, shown


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
    assert read_keys(tmp_path / NAME) == {}


@pytest.mark.parametrize("text", ['"live.view" = "V"', 'live.view = "V"', '[live]\nview = "V"'])
def test_an_id_may_stand_in_quotes_with_a_dot_or_under_its_table(written, text):
    assert read_keys(written(text)) == {"live.view": "V"}


def test_two_keys_may_change_places(written):
    moved = read_keys(written('app.copy = "z"\napp.zoom = "y"'))
    assert moved == {"app.copy": "z", "app.zoom": "y"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"live.viev" = "V"', "'live.viev' is no key of the dashboard; did you mean 'live.view'?"),
        ('"live.view" = 3', "must be a key in quotes, not 3"),
        ('"live.view" = "a"', "'a' would be both 'live.view' and 'live.alerts'"),
        ('"app.leave" = "v"', "'v' would be both 'live.view' and 'app.leave'"),
        ('"runs-table.open" = "t"', "'t' would be both 'runs-table.open' and 'runs.tag'"),
        ('"logs.find" = ","', "',' would be both"),
        ('"app.leave" = "ctrl+b"', "tmux takes it"),
        ('"app.leave" = "ctrl+a"', "GNU screen takes it"),
        ('"app.leave" = "ctrl+enter"', "most terminals cannot send it"),
        ('"app.leave" = "shift+f"', "most terminals cannot send it"),
        ('"app.leave" = "alt+q"', "do not agree"),
        ('"app.leave" = "tab"', "moves the cursor or the focus"),
        ('"app.leave" = "quit"', "that is no key"),
        ('"app.leave" = "\u00e4"', "that is no key"),
        ('"app.leave" = ""', "that is no key"),
        ("app.leave", "is no TOML"),
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
    with pytest.raises(UsageError, match="is no TOML"):
        read_keys(tmp_path / NAME)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_keys(tmp_path / "folder")


def test_every_key_of_the_table_would_be_accepted_in_the_file():
    # what moves in a list may be bound there, but nothing else may be moved onto it
    moving = {"up", "down", "tab"}
    assert {key.key for key in KEYS if refusal(key.key)} <= moving


def test_every_key_has_a_name_and_works_on_all_boards_under_one():
    assert all(key.id_on(screen) in BY_ID for key in KEYS for screen in key.screens)
    assert {"app.leave", "app.help", "live.view", "runs-table.mark"} <= set(BY_ID)


def test_keys_are_written_as_a_reader_types_them():
    names = {"question_mark": "?", "?": "?", "ctrl+r": "^r", "escape": "esc", "f5": "f5", "space": "space", "V": "V"}
    assert {key: shown(key) for key in names} == names


async def test_a_moved_key_works_and_the_old_one_does_not(drive, home_with_keys):
    async with drive(home=home_with_keys('"app.help" = "h"\n"app.logs" = "L"')) as driven:
        await driven.press("L")
        await driven.until(lambda: driven.app.current_mode == "logs")
        await driven.press("question_mark")
        assert "On every screen" not in driven.text
        await driven.press("h")
        await driven.until_text("On every screen")


async def test_key_bar_help_and_palette_show_the_moved_key(drive, home_with_keys):
    async with drive(home=home_with_keys('"app.help" = "h"\n"app.logs" = "L"'), size=(120, 60)) as driven:
        await driven.until_text("L Logs")
        assert "h Help" in driven.rows[-1]
        await driven.press("h")
        await driven.until_text("L      Logs")
        await driven.press("escape", "ctrl+p")
        await driven.until_text("Logs: what the run wrote")
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
