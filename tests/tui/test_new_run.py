"""The form: generated from RunConfig, checked by it, started in a thread."""

import pytest
import snapshots
from textual.widgets import Button, Input, Select, Switch

from vp_tui.core.config import RunConfig
from vp_tui.tui.fields import check, form_fields, initial_values
from vp_tui.tui.screens.new_run import NewRunScreen


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "a.fasta"
    path.write_text(">a\nMKV\n")
    return str(path)


def test_the_form_has_every_field_a_person_fills_in_and_no_other():
    names = [item.name for item in form_fields()]
    hidden = {"tags", "thresholds", "fault", "precision_requested", "precision_reason"}
    assert names == [name for name in RunConfig.model_fields if name not in hidden]


def test_titles_words_and_limits_are_those_of_the_config():
    sample = next(item for item in form_fields() if item.name == "sample")
    info = RunConfig.model_fields["sample"]
    assert sample.title == info.title
    assert sample.description == f"{info.description} (1 to 10000000)"


def test_the_kind_of_widget_follows_the_type_of_the_field():
    kinds = {item.name: item.kind for item in form_fields()}
    assert kinds["precision"] == kinds["gates"] == "choice"
    assert kinds["fp32_compare"] == "switch"
    assert kinds["token_budget"] == kinds["strata"] == "text"


def test_good_values_become_a_config(fasta):
    checked = check({"model": "esm2-3b", "input": fasta, "sample": "500", "strata": "64,128", "name": ""})
    assert checked.config == RunConfig(model="esm2-3b", input=fasta, sample=500, strata=(64, 128))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sample", "0", "greater than or equal to 1"),
        ("sample", "many", "valid integer"),
        ("token_budget", "8", " or "),
        ("strata", "64", "64,128"),
        ("device", "gpu", "pattern"),
        ("input", "/nonexistent/a.fasta", "no such file"),
        ("input", "/tmp", "not a file"),
        ("model", "/nonexistent/model", "no such file"),
    ],
)
def test_a_wrong_value_has_its_message_at_its_field(fasta, name, value, words):
    checked = check({"model": "esm2-3b", "input": fasta} | {name: value})
    assert checked.config is None
    assert words in checked.errors[name]
    assert set(checked.errors) == {name}


def test_cuts_that_do_not_rise_are_a_message_of_the_whole_form(fasta):
    assert "rise" in check({"model": "m", "input": fasta, "strata": "128,64"}).errors[""]


def test_a_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.fasta").write_text(">a\nM\n")
    config = check({"model": "esm2-3b", "input": "~/a.fasta"}).config
    assert config is not None
    assert config.input == str(tmp_path / "a.fasta")


def test_a_rerun_asks_again_for_the_precision_that_was_wanted():
    stored = {"model": "m", "strata": [64, 128], "precision": "fp32", "precision_requested": "fp16", "tags": {"a": "b"}}
    assert initial_values(stored) == {"model": "m", "strata": "64,128", "precision": "fp16"}


async def fill(driven, **values):
    for name, value in values.items():
        driven.app.screen.query_one(f"#{name}", Input).value = value
    await driven.pilot.pause()


async def test_start_is_open_only_while_everything_is_valid(drive, fasta):
    async with drive() as driven:
        await driven.press("n")
        start = driven.app.screen.query_one("#start", Button)
        assert start.disabled
        await fill(driven, model="esm2-3b", input=fasta)
        assert not start.disabled
        await fill(driven, sample="0")
        assert start.disabled
        await driven.until_text("greater than or equal to 1")
        await fill(driven, sample="10")
        assert not start.disabled


async def test_an_untouched_form_shows_no_complaint(drive):
    async with drive() as driven:
        await driven.press("n")
        await driven.until_text("Checkpoint: local folder")
        assert "!" not in driven.text


async def test_enter_starts_the_run_and_shows_it(drive, fasta):
    async with drive(snapshots.passed(), snapshots.snapshot(snapshots.row(43, name="fresh"))) as driven:
        await driven.press("n")
        await fill(driven, model="esm2-3b", input=fasta)
        driven.app.screen.query_one("#precision", Select).value = "bf16"
        driven.app.screen.query_one("#fp32_compare", Switch).value = True
        await driven.pilot.pause()
        await driven.press("enter")
        await driven.until_text("#43 fresh")
        assert driven.backend.started == [RunConfig(model="esm2-3b", input=fasta, precision="bf16", fp32_compare=True)]


async def test_a_refused_start_shows_its_reason_and_keeps_the_form(drive, fasta):
    async with drive(refuse="no sequence in a.fasta: give a FASTA file") as driven:
        await driven.press("n")
        await fill(driven, model="esm2-3b", input=fasta)
        await driven.press("enter")
        await driven.until_text("no sequence in a.fasta: give a FASTA file")
        assert isinstance(driven.app.screen, NewRunScreen)
        assert not driven.app.screen.query_one("#start", Button).disabled


async def test_escape_starts_nothing(drive):
    async with drive() as driven:
        await driven.press("n", "escape")
        await driven.until(lambda: not isinstance(driven.app.screen, NewRunScreen))
        assert driven.backend.started == []


async def test_a_rerun_is_filled_in_like_the_run_on_the_screen(drive):
    async with drive(snapshots.passed()) as driven:
        await driven.press("r")
        assert driven.app.screen.query_one("#model", Input).value == "facebook/esm2_t36_3B_UR50D"


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_the_buttons_are_on_the_screen_at_small_sizes(drive, size):
    async with drive(size=size) as driven:
        await driven.press("n")
        await driven.until_text("Start")
        assert "Model *" in driven.text
