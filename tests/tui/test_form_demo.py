"""The demo from the form: chosen, made once, quietly."""

import sys
import threading

import pytest
import snapshots
from form_parts import choices_of, fill, opened, value_of
from textual.widgets import Button

from vp_tui.core.errors import ResourceError
from vp_tui.core.store.home import Home
from vp_tui.tui.backend import Backend


async def test_the_demo_is_chosen_and_started_by_the_screen_alone(drive, tmp_path):
    files = {"demo": (tmp_path / "checkpoint", tmp_path / "sequences.fasta")}
    files["demo"][0].mkdir()
    files["demo"][1].write_text(">a\nMKV\n")
    go_on = threading.Event()
    async with drive(snapshots.snapshot(snapshots.row(43))) as driven:
        driven.backend.demos = lambda: go_on.wait(10) and files
        form = await opened(driven)
        await driven.press(*"demo")
        await driven.until(lambda: choices_of(driven) == ["demo", "demo-dnabert"])
        await driven.press("down", "enter")
        await driven.until_text("making a tiny checkpoint")
        assert form.query_one("#start", Button).disabled
        go_on.set()
        await driven.until(lambda: driven.app.focused is form.query_one("#start"))
        assert (value_of(driven, "model"), value_of(driven, "input")) == tuple(map(str, files["demo"]))
        await driven.press("enter")
        await driven.until(lambda: driven.backend.started)
        assert driven.backend.started[0].input == str(files["demo"][1])


async def test_a_demo_whose_name_was_typed_is_filled_in_too(drive, tmp_path):
    async with drive() as driven:
        driven.backend.demos = lambda: {"demo": (tmp_path, tmp_path / "s.fasta")}
        await opened(driven)
        await driven.press(*"demo")
        await driven.until(lambda: choices_of(driven) == ["demo", "demo-dnabert"])
        await driven.press("tab")
        await driven.until(lambda: value_of(driven, "input") == str(tmp_path / "s.fasta"))


async def test_a_demo_that_cannot_be_made_says_why(drive):
    async with drive() as driven:
        driven.backend.demos = "the demo's files could not be made in /x: no space left"
        await opened(driven)
        await fill(driven, model="demo")
        await driven.press("enter")
        await driven.until_text("no space left")


# -- the estimate


def child(tmp_path, monkeypatch, script):
    """What runs in place of Python, where the demo's files are made."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


def test_the_demo_files_are_made_once_and_quietly(tmp_path, monkeypatch, capfd):
    make = 'echo noise; echo noise >&2; mkdir -p "$6/dnabert"; touch "$6/sequences.fasta" "$6/dnabert/sequences.fasta"'
    child(tmp_path, monkeypatch, make)
    backend = Backend(Home(tmp_path / "home"))
    folder = tmp_path / "home" / "cache" / "demo"
    assert backend.demo_files() == {
        "demo": (folder / "checkpoint", folder / "sequences.fasta"),
        "demo-dnabert": (folder / "dnabert" / "checkpoint", folder / "dnabert" / "sequences.fasta"),
    }
    child(tmp_path, monkeypatch, "exit 1")
    assert set(backend.demo_files()) == {"demo", "demo-dnabert"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("script", "words"), [("echo a >&2; echo no room >&2; exit 7", "no room"), ("exit 7", "7")])
def test_demo_files_that_cannot_be_made_are_an_error_with_the_words_of_the_child(tmp_path, monkeypatch, script, words):
    child(tmp_path, monkeypatch, script)
    with pytest.raises(ResourceError, match=rf"{words}$"):
        Backend(Home(tmp_path / "home")).demo_files()
