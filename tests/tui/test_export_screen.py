"""The form for a file: format, path, what is wrong with the path, and what becomes of the writing."""

import os
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import snapshots

from vp_tui.core.errors import UsageError
from vp_tui.core.report.render import FORMATS as CORE_FORMATS
from vp_tui.tui.screens.export import FORMATS, MAX_NAME, ExportScreen, checked, file_name


@pytest.fixture
def exporting(drive, tmp_path, monkeypatch):
    """`async with exporting(write, size=..) as driven`: driven.answers holds what the form is closed with."""
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def opened(write=None, what="run #42", suggestion="run-42", size=(80, 24)):
        async with drive(snapshots.running(), size=size) as driven:
            driven.answers = []
            driven.written = []
            note = lambda format, path: driven.written.append((format, path))  # noqa: E731
            driven.app.push_screen(ExportScreen(what, write or note, suggestion), driven.answers.append)
            await driven.until_text("^s write")
            yield driven

    return opened


def path_field(driven):
    return driven.app.screen.query_one("#path")


async def choose(driven, format):
    driven.app.screen.query_one("#format").value = format
    await driven.pilot.pause()


async def type_path(driven, text):
    path_field(driven).value = str(text)
    await driven.pilot.pause()


def test_the_formats_are_those_of_the_exports():
    assert set(FORMATS) == set(CORE_FORMATS)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 50)])
async def test_enter_writes_to_the_current_folder_and_says_where(exporting, tmp_path, size):
    async with exporting(size=size) as driven:
        assert "Export run #42" in driven.text
        assert "page for a browser" in driven.text
        await driven.press("ctrl+s")
        await driven.until(lambda: driven.answers)
        assert driven.written == [("html", tmp_path / "run-42.html")]
        assert driven.answers == [tmp_path / "run-42.html"]
        await driven.until_text("run #42 exported")


async def test_the_suffix_follows_the_format_until_the_path_is_edited(exporting, tmp_path):
    async with exporting() as driven:
        for format, (suffix, words) in FORMATS.items():
            await choose(driven, format)
            assert path_field(driven).value == str(tmp_path / f"run-42{suffix}")
            assert words in driven.text
        await type_path(driven, tmp_path / "mine.txt")
        await choose(driven, "md")
        assert path_field(driven).value == str(tmp_path / "mine.txt")
        await driven.press("ctrl+s")
        await driven.until(lambda: driven.answers)
        assert driven.written == [("md", tmp_path / "mine.txt")]


async def test_the_form_works_by_keys_alone(exporting, tmp_path):
    async with exporting() as driven:
        await driven.press("shift+tab", "enter", "down", "enter", "tab", "ctrl+s")
        await driven.until(lambda: driven.answers)
        assert driven.written == [("md", tmp_path / "run-42.md")]


async def test_a_home_folder_expands_and_an_existing_file_is_announced(exporting, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "there.html").write_text("old")
    async with exporting() as driven:
        await type_path(driven, "~/there.html")
        assert "~ the file exists" in driven.text
        await driven.press("ctrl+s")
        await driven.until(lambda: driven.answers)
        assert driven.written == [("html", tmp_path / "there.html")]


async def test_what_cannot_be_written_is_told_and_nothing_is_tried(exporting):
    async with exporting() as driven:
        for text, words in {
            "": "a file name is required",
            "   ": "a file name is required",
            "missing/x.html": "folder does not exist",
            ".": "is a folder; add a file name",
            "~nobody-of-this-name/x": "folder does not exist",
            f"{'x' * 300}": "File name too long",
        }.items():
            await type_path(driven, text)
            assert words in driven.text
            await driven.press("ctrl+s")
            assert isinstance(driven.app.screen, ExportScreen)
        assert driven.written == []


def test_a_folder_that_cannot_be_written_to_and_letters_that_cannot_be_shown_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert checked(str(tmp_path / "x.md"))[1].startswith("folder is not writable")
    assert checked("x\0.md")[1].startswith("the path has unprintable")


async def test_an_error_stays_in_the_form_and_a_second_try_works(exporting, tmp_path):
    tries = []

    def write(format, path):
        tries.append(path)
        if len(tries) == 1:
            raise UsageError(f"cannot write {path}: No space [red] left on device")

    async with exporting(write) as driven:
        await driven.press("ctrl+s")
        await driven.until_text("! cannot write")
        assert "No space [red] left" in driven.text
        await driven.press("ctrl+s")
        await driven.until(lambda: driven.answers)
        assert driven.answers == [tmp_path / "run-42.html"]


async def test_the_form_waits_for_the_writing_and_does_not_start_it_twice(exporting):
    begun, go = [], threading.Event()

    def write(*told):
        begun.append(told)
        go.wait(5)

    async with exporting(write) as driven:
        await driven.press("ctrl+s")
        await driven.until_text("writing ..")
        await driven.press("ctrl+s", "ctrl+s")
        go.set()
        await driven.until(lambda: driven.answers)
        assert len(begun) == 1


@pytest.mark.parametrize(("error", "words"), [(None, "run #42 exported"), (UsageError("disk full"), "disk full")])
async def test_closing_the_form_does_not_take_the_answer_away(exporting, error, words):
    go = threading.Event()

    def write(*_):
        go.wait(5)
        if error:
            raise error

    async with exporting(write) as driven:
        await driven.press("ctrl+s")
        await driven.until_text("writing ..")
        await driven.press("escape")
        assert driven.answers == [None]
        go.set()
        await driven.until_text(words)


async def test_escape_and_back_write_nothing(exporting):
    async with exporting() as driven:
        await driven.press("escape")
        assert driven.answers == [None]
    async with exporting() as driven:
        await driven.press("tab", "tab", "enter")
        assert (driven.answers, driven.written) == ([None], [])


async def test_a_start_folder_that_is_gone_makes_the_home_folder_the_suggestion(exporting, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)

    def gone():
        raise FileNotFoundError

    monkeypatch.setattr(Path, "cwd", gone)
    async with exporting() as driven:
        assert path_field(driven).value == str(tmp_path / "run-42.html")


@pytest.mark.parametrize(
    ("suggestion", "name"),
    [("run-42", "run-42"), ("../a b/[red]\x1b", "a-b-red"), ("...", "export"), ("x" * 300, "x" * MAX_NAME)],
)
def test_a_suggestion_becomes_a_name_every_file_system_takes(suggestion, name):
    assert file_name(suggestion) == name


async def test_hostile_words_about_what_is_exported_steer_nothing(exporting):
    async with exporting(what="run [red]\x1b[31m") as driven:
        assert "Export run [red][31m" in driven.text
        await driven.press("ctrl+s")
        await driven.until_text("run [red][31m exported")
