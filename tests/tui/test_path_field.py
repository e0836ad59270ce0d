"""The fields for model and sequences: choices, completion, folders that hang."""

import threading

import snapshots
from form_parts import choices_of, fill, opened, value_of

from vp_tui.tui.completion import PathChoice
from vp_tui.tui.panels import path_field
from vp_tui.tui.panels.path_field import ChoiceList, _line


async def test_an_untouched_form_complains_of_nothing_and_offers_the_demo_first(drive):
    async with drive() as driven:
        await opened(driven)
        await driven.until_text("Checkpoint: local folder")
        assert "!" not in driven.text
        await driven.until(lambda: choices_of(driven)[:3] == ["demo", "demo-dnabert", "esm2-8m"])


async def test_models_and_sequences_of_earlier_runs_come_first(drive):
    earlier = (snapshots.passed().run, snapshots.row(7, model="/m/own", input="/d/own.fa"))
    async with drive(snapshots.passed(), rows=earlier[1:]) as driven:
        driven.backend.answers["NOT is:judged"] = earlier
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


async def test_up_leaves_the_list_so_that_typing_goes_on(drive, fasta):
    async with drive(snapshots.snapshot(snapshots.row(43))) as driven:
        await opened(driven)
        await fill(driven, input=fasta, model="esm2-")
        await driven.until(lambda: len(choices_of(driven)) == 6)
        await driven.press("down", "up", "end", *"8m", "ctrl+s")
        await driven.until(lambda: driven.backend.started)
        assert driven.backend.started[0].model == "esm2-8m"


async def test_tab_completes_a_path_like_a_shell_and_then_is_folder_to_open(drive, tmp_path):
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
        await driven.press("escape")
    # the app has ended, and the thread that reads the folder still hangs
    assert any(thread.name.startswith("patient") for thread in threading.enumerate())
    free.set()


# -- the demo


def test_a_path_that_is_cut_at_its_start_does_not_look_like_another_path():
    shown = _line(PathChoice(value="/long/home/" + "x" * 40), 30).plain
    assert (len(shown), shown[-28:]) == (30, "x" * 28)
    assert not shown.startswith((".", "/", "~"))
