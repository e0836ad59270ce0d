"""`[[command]]` in keys.toml: checked as a whole, run for the selected run, and safe whatever a run is called."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import snapshots

from vp_tui.core.errors import UsageError
from vp_tui.core.store.home import Home
from vp_tui.tui.keyfile import NAME, read_keys
from vp_tui.tui.user_commands import FIELDS, UserCommand, run_command

HOSTILE = '\'; touch /tmp/never "$(touch never)" `touch never` \n{id} é'


@pytest.fixture
def written(tmp_path):
    def write(key, run, **more):
        entry = {"key": key, "name": "my command", "run": run, **more}
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in entry.items())
        (tmp_path / NAME).write_text(f'"live.view" = "V"\n\n[[command]]\n{lines}\n')
        return tmp_path / NAME

    return write


def test_a_command_stands_beside_moved_keys(written):
    found = read_keys(written("f2", "echo {id}"))
    assert found.moved == {"live.view": "V"}
    assert found.commands == (UserCommand(key="f2", name="my command", run="echo {id}"),)


@pytest.mark.parametrize(
    ("key", "run", "more", "words"),
    [
        ("f2", "echo {nmae}", {}, "{nmae} is not a field of a run; did you mean {name}?"),
        ("f2", "echo ${HOME}", {}, "{HOME} is not a field of a run"),
        ("f2", "", {}, "'run' must be a text"),
        ("f2", "ls", {"background": True}, "'background' is not known"),
        ("q", "ls", {}, "'q' is used for both 'app.leave'"),
        ("ctrl+c", "ls", {}, "cannot be the key"),
        ("V", "ls", {}, "'V' is used for both 'live.view'"),
    ],
)
def test_a_wrong_command_is_told_and_the_whole_file_is_ignored(written, key, run, more, words):
    with pytest.raises(UsageError) as refused:
        read_keys(written(key, run, **more))
    assert words in str(refused.value)


@pytest.mark.parametrize("quoted", ["{name}", "'{name}'", '"{name}"', "a{name}b"])
def test_no_name_of_a_run_is_executed_however_it_is_quoted(tmp_path, monkeypatch, quoted):
    monkeypatch.chdir(tmp_path)
    run = replace(snapshots.passed().run, name=HOSTILE)
    run_command(UserCommand(key="f2", name="x", run=f"printf %s {quoted}"), run, Home(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/never").exists()


def test_every_field_is_one_word_and_a_missing_one_is_empty(tmp_path):
    run = replace(snapshots.passed().run, name=HOSTILE, note=None)
    fields = " ".join(f"{{{name}}}" for name in FIELDS)
    ended = run_command(UserCommand(key="f2", name="x", run=f"printf '%s|' {fields} {{{{}}}}"), run, Home(tmp_path))
    values = dict(zip(FIELDS, ended.output.split("|"), strict=False))
    assert ended.exit_code == 0
    assert values["name"] == HOSTILE
    assert values["id"] == str(run.id)
    assert values["note"] == ""
    assert values["folder"] == str(Home(tmp_path).run_folder(run.uuid))
    assert ended.output.split("|")[len(FIELDS)] == "{}"


async def test_the_key_runs_it_for_the_run_on_the_screen_and_shows_output_and_exit_code(drive, written, tmp_path):
    written("f2", "echo run {id}; echo trouble >&2; exit 3")
    async with drive(snapshots.passed(), home=tmp_path) as driven:
        await driven.press("f2")
        await driven.until_text("exit code 3")
        assert f"run {snapshots.passed().run.id}" in driven.text
        assert "trouble" in driven.text
        await driven.press("escape")
        await driven.press("question_mark", "G")
        await driven.until_text("my command")


async def test_without_a_run_it_is_told(drive, written, tmp_path):
    written("f2", "echo {id}")
    async with drive(home=tmp_path) as driven:
        await driven.press("f2")
        await driven.until_text("no run is selected")
