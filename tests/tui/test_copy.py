"""y copies to the clipboard and to a file, z gives a panel the whole screen."""

import base64
import re
import sys
from pathlib import Path

import pytest
import snapshots
from terminal import Terminal

from vp_tui.core.errors import UsageError
from vp_tui.tui.clipboard import MOST_BYTES, NAME, fits_clipboard, toast, write_copy
from vp_tui.tui.panels.log_view import LogView

SHOW = [sys.executable, str(Path(__file__).with_name("show.py"))]
SIZES = [(60, 16), (80, 24), (120, 40), (200, 50)]


async def copied(driven, place):
    await driven.press("y")
    await driven.until((place / NAME).exists)
    return (place / NAME).read_text()


async def test_with_nothing_in_focus_the_whole_screen_is_copied(drive, tmp_path):
    async with drive(snapshots.failed_gate(), home=tmp_path) as driven:
        driven.app.screen.set_focus(None)
        text = await copied(driven, tmp_path)
        assert "FAIL  12 of 10,000 sequences hold NaN" in text
        assert "!NaN" in text
        assert "q Leave" not in text
        assert text.strip() == driven.app.clipboard.strip()


async def test_the_panel_in_focus_is_copied_alone_and_whole(drive, tmp_path):
    (tmp_path / "run.log").write_text("".join(f"line {number}\n" for number in range(300)))
    run = snapshots.snapshot(snapshots.passed().run, folder=str(tmp_path))
    async with drive(run, home=tmp_path) as driven:
        await driven.press("5")
        await driven.until_text("line 299")
        text = await copied(driven, tmp_path)
        assert len(text.splitlines()) == 300
        assert "COMPLETED" not in text


async def test_the_toast_names_both_and_the_path(drive, tmp_path):
    async with drive(snapshots.passed(), home=tmp_path, size=(200, 50)) as driven:
        await driven.press("y")
        await driven.until_text("to the clipboard; file:")
        (toast_shown,) = driven.app._notifications
        assert toast_shown.message.endswith(str(tmp_path / NAME))


async def test_a_place_that_cannot_be_written_is_said_so_and_the_clipboard_has_it(drive, tmp_path):
    (tmp_path / "file").write_text("")
    async with drive(snapshots.passed(), home=tmp_path / "file", size=(200, 50)) as driven:
        await driven.press("y")
        await driven.until_text("no file: cannot write")
        assert "PASS" in driven.app.clipboard


def test_the_file_is_written_whole_or_not_at_all(tmp_path):
    path = write_copy(tmp_path / "new" / NAME, "w\u00f6rds \ud800")
    assert path.read_text() == "w\u00f6rds ?\n"
    assert [one.name for one in path.parent.iterdir()] == [NAME]
    (tmp_path / "folder" / NAME / "in the way").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot write"):
        write_copy(tmp_path / "folder" / NAME, "words")
    assert [one.name for one in (tmp_path / "folder").iterdir()] == [NAME]


def test_what_no_clipboard_takes_is_left_to_the_file():
    assert fits_clipboard("x" * MOST_BYTES)
    assert not fits_clipboard("\u00fc" * MOST_BYTES)
    words = toast("x\n" * MOST_BYTES, place="the file is x", environment={})
    assert "74,000 lines" in words
    assert "the file is x" in words


def test_in_tmux_the_toast_says_what_tmux_needs():
    assert "set-clipboard on" in toast("a", place="", environment={"TMUX": "/tmp/tmux-0/default,1,0"})
    assert "tmux" not in toast("a", place="", environment={})


def test_the_terminal_gets_the_text_by_osc_52():
    with Terminal([*SHOW, "failed_gate"]) as terminal:
        terminal.wait_for(lambda text: "FAIL  12 of" in text)
        terminal.press("y")
        terminal.wait_for(lambda text: "to the clipboard" in text)
    (coded,) = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", terminal.raw)
    assert "!NaN" in base64.b64decode(coded).decode()


# -- zoom


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("back", ["z", "escape"])
async def test_z_gives_the_panel_in_focus_the_whole_screen_and_back(drive, tmp_path, size, back):
    (tmp_path / "run.log").write_text("line\n" * 100)
    run = snapshots.snapshot(snapshots.passed().run, folder=str(tmp_path))
    async with drive(run, size=size) as driven:
        await driven.press("5")
        await driven.until_text("100 lines")
        view = driven.app.screen.query_one(LogView)
        before = view.size
        driven.app.screen.set_focus(view)
        await driven.press("z")
        await driven.until(lambda: driven.app.screen.maximized is view)
        assert view.outer_size.width == size[0]
        assert "q Leave" in driven.rows[-1]
        await driven.press(back)
        await driven.until(lambda: driven.app.screen.maximized is None)
        await driven.until(lambda: view.size == before)


async def test_zoom_without_a_focus_says_how_to_get_one(drive):
    async with drive(snapshots.passed()) as driven:
        driven.app.screen.set_focus(None)
        await driven.press("z")
        await driven.until_text("press tab")
