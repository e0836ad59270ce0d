"""The form: generated from RunConfig, checked by it, started in a thread."""

import sys
import threading
import time
from dataclasses import replace

import pytest
import snapshots
from textual.widgets import Button, Collapsible, Input, Select, Switch

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ResourceError
from vp_tui.core.estimate.figures import ArmEstimate, Estimate
from vp_tui.core.estimate.known import Earlier
from vp_tui.core.store.home import Home
from vp_tui.tui.backend import CoreBackend
from vp_tui.tui.fields import begin_values, changed_titles, check, file_error, form_fields, initial_values
from vp_tui.tui.panels import path_field
from vp_tui.tui.panels.estimate import estimate_content, waits_for
from vp_tui.tui.panels.path_field import ChoiceList
from vp_tui.tui.remembered import Remembered
from vp_tui.tui.screens.new_run import NewRunScreen

LIKE = Earlier(run_id=41, created_at_us=1, seconds=403.0, config={}, arms={})


def arm(precision="fp16", seconds=83.5, weight_bytes=6 * 2**30, like=LIKE):
    return ArmEstimate(precision=precision, seconds=seconds, like=like, weight_bytes=weight_bytes)


def estimate_of(**changes):
    values = {
        "in_file": 20_000, "strata": {"short": 3334, "medium": 3333, "long": 3333}, "tokens": 1_400_000,
        "is_exact": True, "reference": arm("fp32", 171.2, 12 * 2**30), "candidate": arm(), "stored_by": None,
        "device": "cuda:0", "free_bytes": 139 * 2**30, "to_fetch": None, "precision_reason": None,
    }  # fmt: skip
    return Estimate(**values | changes)


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
    ],
)
def test_a_wrong_value_has_its_message_at_its_field(fasta, name, value, words):
    checked = check({"model": "esm2-3b", "input": fasta} | {name: value})
    assert checked.config is None
    assert words in checked.errors[name]
    assert set(checked.errors) == {name}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("input", "/nonexistent/a.fasta", "no such file"),
        ("input", "a.fasta", "no such file"),
        ("input", "/tmp", "not a file"),
        ("input", "~nobody-here/a.fasta", "no such file"),
        ("input", "/tmp/" + 300 * "a", "File name too long"),
        ("model", "/nonexistent/model", "no such file"),
        ("model", "~nobody-here/model", "no such file"),
        ("model", 300 * "a", "File name too long"),
        ("model", "esm2-3b\0", "null"),
    ],
)
def test_a_path_that_cannot_be_has_its_message(name, value, words):
    assert words in file_error(name, value)


def test_a_name_of_the_hub_is_no_path(tmp_path):
    assert [file_error("model", text) for text in ("", "esm2-3b", "facebook/esm2_t6_8M_UR50D", str(tmp_path))] == [
        None, None, None, None,
    ]  # fmt: skip


def test_what_is_asked_for_every_day_is_shown_and_the_rest_is_more():
    first = [item.name for item in form_fields() if not item.is_more]
    assert first == ["model", "input", "precision", "sample", "device", "name"]


def test_only_changed_settings_of_the_rest_are_told():
    assert changed_titles(begin_values({"sample": "5"})) == []
    assert changed_titles(begin_values({"strata": "64,128", "oracle": "0", "gates": "strict"})) == [
        "Strata", "Gates", "Oracle",
    ]  # fmt: skip


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


# -- the form on the screen


async def opened(driven, key="n"):
    await driven.press(key)
    await driven.until(lambda: isinstance(driven.app.screen, NewRunScreen))
    await driven.pilot.pause()
    return driven.app.screen


async def fill(driven, **values):
    for name, value in values.items():
        driven.app.screen.query_one(f"#field-{name}", Input).value = value
    await driven.pilot.pause()


def value_of(driven, name):
    return driven.app.screen.query_one(f"#field-{name}", Input).value


def choices_of(driven, name="model"):
    row = driven.app.screen.query_one(f"#field-{name}", Input).parent
    return [choice.value for choice in row.query_one(ChoiceList).choices]


async def test_start_is_open_only_while_everything_is_valid(drive, fasta):
    async with drive() as driven:
        start = (await opened(driven)).query_one("#start", Button)
        assert start.disabled
        await fill(driven, model="esm2-3b", input=fasta)
        assert not start.disabled
        await fill(driven, sample="0")
        assert start.disabled
        await driven.until_text("greater than or equal to 1")
        await fill(driven, sample="10")
        assert not start.disabled
        await fill(driven, input="/nonexistent/a.fasta")
        await driven.until_text("no such file: /nonexistent/a.fasta")
        assert start.disabled
        await fill(driven, input=fasta)
        assert not start.disabled


async def test_enter_starts_the_run_and_shows_it(drive, fasta):
    async with drive(snapshots.passed(), snapshots.snapshot(snapshots.row(43, name="fresh"))) as driven:
        form = await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        form.query_one("#field-precision", Select).value = "bf16"
        form.query_one("#field-fp32_compare", Switch).value = True
        await driven.pilot.pause()
        await driven.press("enter")
        await driven.until_text("#43 fresh")
        assert driven.backend.started == [RunConfig(model="esm2-3b", input=fasta, precision="bf16", fp32_compare=True)]


async def test_a_refused_start_shows_its_reason_and_keeps_the_form(drive, fasta):
    async with drive(refuse="no sequence in a.fasta: give a FASTA file") as driven:
        form = await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        await driven.press("enter")
        await driven.until_text("no sequence in a.fasta: give a FASTA file")
        assert driven.app.screen is form
        assert not form.query_one("#start", Button).disabled


async def test_escape_takes_the_list_away_and_then_the_form_and_starts_nothing(drive):
    async with drive() as driven:
        form = await opened(driven)
        await driven.until(lambda: choices_of(driven))
        await driven.press("escape")
        assert driven.app.screen is form
        assert choices_of(driven) == []
        await driven.press("escape")
        await driven.until(lambda: driven.app.screen is not form)
        assert driven.backend.started == []


async def test_two_quick_keys_open_one_form(drive):
    async with drive() as driven:
        await driven.press("n", "n")
        await opened(driven, "space")
        assert sum(isinstance(screen, NewRunScreen) for screen in driven.app.screen_stack) == 1


async def test_a_rerun_is_filled_in_like_the_run_on_the_screen(drive):
    async with drive(snapshots.passed()) as driven:
        driven.backend.last_values = Remembered(values={"model": "esm2-8m"})
        await opened(driven, "r")
        assert value_of(driven, "model") == "facebook/esm2_t36_3B_UR50D"


async def test_a_new_form_begins_with_the_last_values_and_a_start_keeps_them(drive, fasta):
    async with drive(snapshots.passed()) as driven:
        values = {"model": "esm2-8m", "input": fasta, "strata": "5,9"}
        driven.backend.last_values = Remembered(values=values, trouble="form.json: ignored: colour")
        await opened(driven)
        await driven.until_text("~ form.json: ignored: colour")
        assert (value_of(driven, "model"), value_of(driven, "strata"), value_of(driven, "name")) == (
            "esm2-8m", "5,9", "",
        )  # fmt: skip
        await driven.until_text("More settings (changed: Strata)")
        await driven.press("enter")
        await driven.until(lambda: driven.backend.calls)
        name, values = driven.backend.calls[-1]
        assert (name, values["model"], values["strata"]) == ("remember", "esm2-8m", "5,9")


# -- the group of other settings


async def test_all_is_reached_by_tab_alone_and_the_other_settings_open_by_enter(drive):
    async with drive() as driven:
        form = await opened(driven)
        seen = []
        for _ in range(8):
            seen.append(driven.app.focused.name or driven.app.focused.id or "more")
            await driven.press("tab")
        # Start is not open yet
        assert seen == ["model", "input", "precision", "sample", "device", "name", "more", "back"]
        await driven.press("shift+tab", "shift+tab")
        await driven.until_text("enter opens and closes them")
        await driven.press("enter", "tab", "tab")
        assert not form.query_one("#more", Collapsible).collapsed
        assert driven.app.focused is form.query_one("#field-seed")
        await driven.until_text("Seed of the sample")
        assert is_whole(driven, "Start", "Back")


async def test_a_wrong_value_among_the_other_settings_opens_them(drive, fasta):
    async with drive() as driven:
        driven.backend.last_values = Remembered(values={"model": "esm2-8m", "input": fasta, "oracle": "-1"})
        form = await opened(driven)
        assert not form.query_one("#more", Collapsible).collapsed
        assert form.query_one("#start", Button).disabled


# -- choices


async def test_an_untouched_form_complains_of_nothing_and_offers_the_demo_first(drive):
    async with drive() as driven:
        await opened(driven)
        await driven.until_text("Checkpoint: local folder")
        assert "!" not in driven.text
        await driven.until(lambda: choices_of(driven)[:3] == ["demo", "demo-dnabert", "esm2-8m"])


async def test_models_and_sequences_of_earlier_runs_come_first(drive):
    async with drive(snapshots.passed(), rows=(snapshots.row(7, model="/m/own", input="/d/own.fa"),)) as driven:
        await opened(driven)
        await driven.until(lambda: choices_of(driven)[:3] == ["facebook/esm2_t36_3B_UR50D", "/m/own", "esm2-8m"])
        assert choices_of(driven)[-2:] == ["demo", "demo-dnabert"]
        await driven.press("tab")
        await driven.until(lambda: choices_of(driven, "input")[:2] == ["/data/reads/orfs.fasta.gz", "/d/own.fa"])


async def test_down_and_enter_take_a_choice_without_starting(drive, fasta):
    async with drive() as driven:
        await opened(driven)
        await fill(driven, input=fasta)
        await driven.press(*"8m")
        await driven.until(lambda: choices_of(driven) == ["esm2-8m"])
        await driven.press("down", "enter")
        assert value_of(driven, "model") == "esm2-8m"
        assert choices_of(driven) == []
        assert driven.backend.started == []


async def test_up_leaves_the_list_so_that_enter_starts_again(drive, fasta):
    async with drive(snapshots.snapshot(snapshots.row(43))) as driven:
        await opened(driven)
        await fill(driven, input=fasta, model="esm2-")
        await driven.until(lambda: len(choices_of(driven)) == 6)
        await driven.press("down", "up", *"8m", "enter")
        await driven.until(lambda: driven.backend.started)
        assert driven.backend.started[0].model == "esm2-8m"


async def test_tab_completes_a_path_like_a_shell_and_then_goes_on(drive, tmp_path):
    (tmp_path / "reads-all.fasta").touch()
    (tmp_path / "reads-bad.fasta").touch()
    async with drive() as driven:
        form = await opened(driven)
        await driven.press("tab")
        await fill(driven, input=f"{tmp_path}/re")
        await driven.until(lambda: len(choices_of(driven, "input")) == 2)
        await driven.press("tab")
        assert value_of(driven, "input") == f"{tmp_path}/reads-"
        await driven.until(lambda: len(choices_of(driven, "input")) == 2)
        await driven.press("b")
        await driven.until(lambda: len(choices_of(driven, "input")) == 1)
        await driven.press("tab")
        assert value_of(driven, "input") == f"{tmp_path}/reads-bad.fasta"
        assert driven.app.focused is form.query_one("#field-input")
        await driven.press("tab")
        assert driven.app.focused is form.query_one("#field-precision")


async def test_a_folder_is_looked_into_until_a_checkpoint_is_taken(drive, tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    (tmp_path / "models" / "mine" / "config.json").touch()
    async with drive() as driven:
        await opened(driven)
        await fill(driven, model=f"{tmp_path}/m")
        await driven.until(lambda: choices_of(driven) == [f"{tmp_path}/models/"])
        await driven.press("down", "enter")
        await driven.until(lambda: choices_of(driven) == [f"{tmp_path}/models/mine"])
        await driven.press("down", "enter")
        assert value_of(driven, "model") == f"{tmp_path}/models/mine"


async def test_a_click_takes_a_choice(drive):
    async with drive() as driven:
        await opened(driven)
        await driven.until(lambda: choices_of(driven))
        await driven.pilot.pause()
        await driven.pilot.click(driven.app.screen.query(ChoiceList).first(), offset=(4, 3))
        await driven.until(lambda: value_of(driven, "model") == "esm2-8m")


async def test_a_folder_that_hangs_holds_neither_the_typing_nor_the_end(drive, monkeypatch):
    free, calls = threading.Event(), []
    monkeypatch.setattr(path_field, "in_folder", lambda text, field: calls.append(text) or free.wait(30) or ())
    async with drive() as driven:
        await opened(driven)
        await driven.press(*"/net/x", *"yz")
        assert value_of(driven, "model") == "/net/xyz"
        await driven.press("tab")
        assert value_of(driven, "model") == "/net/xyz"
        # one thread per folder hangs, not one per letter: /, /net/ and the current one
        assert len(calls) <= 3
        started = time.monotonic()
        await driven.press("escape")
    assert time.monotonic() - started < 2
    free.set()


# -- the demo


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


async def test_the_estimate_comes_when_the_values_are_good_and_the_newest_wins(drive, fasta):
    first = threading.Event()

    def slow_first(config):
        if config.sample == 7:
            first.wait(10)
        return estimate_of(in_file=config.sample * 1000)

    async with drive() as driven:
        driven.backend.estimates = slow_first
        await opened(driven)
        await driven.press("escape")
        await driven.until_text("What the run would take is said here")
        await fill(driven, model="esm2-3b", input=fasta, sample="7")
        await driven.until(lambda: driven.backend.estimated)
        await fill(driven, sample="9")
        first.set()
        await driven.until_text("of 9,000 sequences")
        assert [config.sample for config in driven.backend.estimated] == [7, 9]
        await fill(driven, sample="0")
        await driven.until_text("What the run would take is said here")


async def test_an_estimate_of_values_that_are_no_more_is_dropped(drive, fasta):
    go_on, gone = threading.Event(), threading.Event()

    def slow(config):
        go_on.wait(10)
        gone.set()
        return estimate_of()

    async with drive() as driven:
        driven.backend.estimates = slow
        await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        await driven.until(lambda: driven.backend.estimated)
        await fill(driven, sample="0")
        go_on.set()
        await driven.until(lambda: gone.is_set() and not any(work.group == "estimate" for work in driven.app.workers))
        await driven.pilot.pause()
        assert "1,400,000" not in driven.text


async def test_a_name_needs_no_other_estimate_and_what_speaks_against_the_run_takes_its_place(drive, fasta):
    async with drive() as driven:
        driven.backend.estimates = lambda config: estimate_of()
        await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        await driven.until_text("1,400,000 tokens")
        await fill(driven, name="nightly")
        assert "1,400,000 tokens" in driven.text
        driven.backend.estimates = "the sequences are DNA or RNA, and tiny reads proteins"
        await fill(driven, sample="5")
        await driven.until_text("! the sequences are DNA or RNA")


def lines_of(*runs, **changes):
    return estimate_content(estimate_of(**changes), runs).plain.splitlines()


def test_one_sentence_per_line_with_seconds_and_memory():
    assert lines_of() == [
        "10,000 of 20,000 sequences (short 3,334, medium 3,333, long 3,333), 1,400,000 tokens",
        "encoding fp32 about 171 s + fp16 about 83.5 s, as fast as #41 (06:43 in all)",
        "weights fp32 12 GiB + fp16 6.0 GiB + activations, 139 GiB free on cuda:0",
    ]


def test_a_projection_says_about_and_an_unknown_says_why():
    assert lines_of(is_exact=False, in_file=10_000)[0].startswith("all 10,000 sequences")
    assert lines_of(is_exact=False)[0].endswith("about 1.4M tokens")
    assert lines_of(reference=arm(like=None), candidate=arm(like=None))[1] == (
        "seconds not known: no comparable run yet (this model on cuda)"
    )
    assert "fp16 not known" in lines_of(candidate=arm(seconds=None, like=None))[1]
    assert "own tokenizer" in lines_of(tokens=None)[1]
    assert "the fp32 of #40 can probably be taken over" in lines_of(stored_by=40)[1]
    fetched = lines_of(tokens=None, to_fetch="a/b", reference=arm(weight_bytes=None))
    assert fetched[1].startswith("~ a/b is not on this machine: the run fetches it first")


def test_memory_that_does_not_suffice_is_marked():
    assert lines_of(free_bytes=8 * 2**30)[2].startswith("! weights")
    assert "will not fit" in lines_of(free_bytes=8 * 2**30)[2]
    assert lines_of(free_bytes=13 * 2**30)[2].startswith("~ weights")
    assert "not known how much is free" in lines_of(free_bytes=None)[2]


def test_a_run_on_the_same_device_is_waited_for():
    queued, there, elsewhere, done = (
        snapshots.row(44, status="queued", device=None), snapshots.row(42), snapshots.row(41, device="cuda:1"),
        replace(snapshots.passed().run, id=40),
    )  # fmt: skip
    assert waits_for("cuda:0", (queued, there, elsewhere, done)) is there
    assert waits_for("cuda:1", (there, elsewhere, done)) is elsewhere
    assert waits_for("cpu", (there, elsewhere, done)) is None
    assert waits_for("cpu", (queued, there)) is queued
    assert lines_of(there)[3] == (
        "~ #42 nightly (esm2_t36_3B_UR50D) is running: this run waits in the queue for its turn"
    )


# -- sizes


def is_whole(driven, *words):
    return all(word in driven.text for word in words)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
async def test_fields_estimate_and_buttons_are_on_the_screen_at_every_size(drive, fasta, size):
    async with drive(size=size) as driven:
        driven.backend.estimates = lambda config: estimate_of()
        driven.backend.last_values = Remembered(values={"model": "esm2-3b", "input": fasta})
        form = await opened(driven)
        await driven.until_text("1,400,000")
        await driven.until(lambda: is_whole(driven, "Model *", "Sequences *", "Start", "Back", "about 171 s"))
        if size[1] >= 24:
            assert is_whole(driven, "Precision", "Sample", "Device", "Name", "> More settings", "139 GiB free")
            assert form.query_one("VerticalScroll").max_scroll_y == 0


async def test_a_low_screen_holds_the_list_and_scrolls_to_the_field_in_hand(drive):
    async with drive(size=(60, 16)) as driven:
        await opened(driven)
        await driven.until_text("demo-dnabert")
        await driven.until_text("down chooses, enter takes, tab")
        await driven.press("escape", *6 * ["tab"], "enter", *8 * ["tab"])
        await driven.until_text("Gates")


def child(tmp_path, monkeypatch, script):
    """What runs in place of Python, where the demo's files are made."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


def test_the_demo_files_are_made_once_and_quietly(tmp_path, monkeypatch, capfd):
    make = 'echo noise; echo noise >&2; mkdir -p "$4/dnabert"; touch "$4/sequences.fasta" "$4/dnabert/sequences.fasta"'
    child(tmp_path, monkeypatch, make)
    backend = CoreBackend(Home(tmp_path / "home"))
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
    with pytest.raises(ResourceError, match=rf"could not be made in .*{words}$"):
        CoreBackend(Home(tmp_path / "home")).demo_files()
