"""One table of keys: nothing is bound, shown or explained anywhere else."""

import pytest

from vp_tui.tui.keymap import KEYS, bindings, keys_of
from vp_tui.tui.panels.runs_table import RunsTable
from vp_tui.tui.screens.help import SECTIONS, HelpScreen, key_help
from vp_tui.tui.screens.leave import Question
from vp_tui.tui.screens.live import LiveScreen
from vp_tui.tui.screens.measures import MeasuresScreen
from vp_tui.tui.screens.new_run import NewRunScreen
from vp_tui.tui.screens.runs import RunsScreen

OWNERS = {
    "live": LiveScreen,
    "runs": RunsScreen,
    "runs table": RunsTable,
    "new run": NewRunScreen,
    "question": Question,
    "help": HelpScreen,
    "measures": MeasuresScreen,
}


def test_every_key_belongs_to_a_screen_that_exists():
    assert {screen for key in KEYS for screen in key.screens} == set(OWNERS)


@pytest.mark.parametrize("name", OWNERS)
def test_a_screen_binds_the_keys_of_the_table_and_no_other(name):
    assert bindings(name) == OWNERS[name].BINDINGS


@pytest.mark.parametrize("name", OWNERS)
def test_no_key_has_two_meanings_on_one_screen(name):
    used = [key.key for key in keys_of(name)]
    assert len(used) == len(set(used))


def test_the_help_explains_each_key_of_each_screen_in_the_words_of_the_table():
    rows = key_help().plain.splitlines()
    for _, screen in SECTIONS:
        for key in keys_of(screen):
            assert any(row.split()[0] == key.shown and row.endswith(key.description) for row in rows if row.strip())
    assert len([row for row in rows if row.startswith("  ")]) == sum(len(keys_of(screen)) for _, screen in SECTIONS)


def test_keys_survive_tmux_and_ssh():
    words = {"enter", "escape", "space", "question_mark"}
    assert all(key.key in words or (len(key.key) == 1 and key.key.isascii()) for key in KEYS)


@pytest.mark.parametrize("name", ["live", "runs"])
def test_the_footer_fits_into_eighty_columns(name):
    table = keys_of("runs table") if name == "runs" else ()
    shown = [key for key in (*table, *keys_of(name)) if key.footer]
    assert sum(len(f" {key.shown} {key.label} ") for key in shown) <= 80
