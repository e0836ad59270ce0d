"""Standard streams that are closed, full or gone, and arguments that are no text."""

import json
import os
import subprocess

import pytest
import stored_runs
from command_line import CLI

from vp_tui.tui.commands.output import json_safe

COMMANDS = (("runs",), ("show", "last", "--json"), ("runs", "--help"), ("policy", "-m", "x", "--env"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from vp_tui.core.store.home import Home
    from vp_tui.migrations import upgrade

    home = Home(tmp_path_factory.mktemp("streams"))
    upgrade(home)
    stored_runs.complete(home)
    return home


def started(place, *arguments, shell=""):
    """The real command, with its standard output as the shell has it."""
    line = f'"$@" {shell}'
    return subprocess.run(
        ["bash", "-c", line, "bash", *CLI, *arguments],
        env={**os.environ, "VP_TUI_HOME": str(place.root)},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_under_the_output_is_one_line_and_exit_code_2(place, command):
    done = started(place, *command, shell="> /dev/full")
    assert done.returncode == 2
    assert "No space left" in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_is_quiet_and_no_error(place, command):
    """The pipe is closed before the command writes."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*CLI, *command],
        env={**os.environ, "VP_TUI_HOME": str(place.root)},
        stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 0
    assert b"Exception" not in done.stderr


def test_a_closed_output_does_not_become_the_store(place):
    """The lowest free descriptor would otherwise be the database, and what is printed would go into it."""
    assert started(place, "runs", shell=">&-").returncode == 0
    assert started(place, "db", "check").returncode == 0


def test_an_argument_that_is_not_utf8_is_refused_with_its_bytes(place):
    done = started(place, "show", b"caf\xe9")
    assert done.returncode == 2
    assert rb"b'caf\xe9'" in done.stderr


@pytest.mark.parametrize("locale", ["ascii", "latin-1", "utf-8"])
def test_a_name_of_any_letters_is_listed_in_any_encoding(place, locale):
    stored_runs.complete(place, name="Epichloë-β")
    done = subprocess.run(
        [*CLI, "runs"],
        env={**os.environ, "VP_TUI_HOME": str(place.root), "PYTHONIOENCODING": locale},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Epichlo" in done.stdout


def test_json_that_is_printed_steers_no_terminal_and_means_the_same():
    value = {"name": "a\x9b31m\u202eb\u2028c\x7f\U000e0041\ufeff", "plain": "ë β 中"}
    printed = json_safe(json.dumps(value, ensure_ascii=False))
    assert json.loads(printed) == value
    assert printed.isprintable()
    assert "ë β 中" in printed
