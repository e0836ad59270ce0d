"""The form of a new run on the screen: typed into, checked, started in a thread."""

import snapshots
from form_parts import choices_of, fill, is_whole, opened, value_of
from textual.widgets import Button, Collapsible, Select, Switch

from vp_tui.core.config import RunConfig
from vp_tui.tui.fields import Remembered
from vp_tui.tui.screens.new_run import NewRunScreen


async def test_start_is_open_only_while_everything_is_valid(drive, fasta):
    async with drive() as driven:
        start = (await opened(driven)).query_one("#start", Button)
        assert start.disabled
        await fill(driven, model="esm2-3b", input=fasta)
        assert not start.disabled
        await fill(driven, sample="0")
        assert start.disabled
        await driven.until_text("must be at least 1")
        await fill(driven, sample="10")
        assert not start.disabled
        await fill(driven, input="/nonexistent/a.fasta")
        await driven.until_text("no such file: /nonexistent/a.fasta")
        assert start.disabled
        await fill(driven, input=fasta)
        assert not start.disabled


async def test_an_answer_about_a_path_that_was_typed_on_meanwhile_is_dropped(drive, fasta, monkeypatch):
    answers = []
    monkeypatch.setattr(
        "vp_tui.tui.screens.new_run.run_job", lambda node, group, work, done, failed=None: answers.append(done)
    )
    async with drive() as driven:
        start = (await opened(driven)).query_one("#start", Button)
        await fill(driven, model="esm2-3b", input=fasta[:5])
        about_the_beginning = answers[-1]
        await fill(driven, input=fasta)
        about_the_beginning(f"no such file: {fasta[:5]}")
        assert not start.disabled
        answers[-1](f"no such file: {fasta}")
        assert start.disabled


async def test_ctrl_s_starts_the_run_and_shows_it(drive, fasta):
    async with drive(snapshots.passed(), snapshots.snapshot(snapshots.row(43, name="fresh"))) as driven:
        form = await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        form.query_one("#field-precision", Select).value = "bf16"
        form.query_one("#field-fp32_compare", Switch).value = True
        await driven.pilot.pause()
        await driven.press("ctrl+s")
        await driven.until_text("#43 fresh")
        assert driven.backend.started == [RunConfig(model="esm2-3b", input=fasta, precision="bf16", fp32_compare=True)]


async def test_a_refused_start_shows_its_reason_and_keeps_the_form(drive, fasta):
    async with drive(refuse="no sequence in a.fasta: give a FASTA file") as driven:
        form = await opened(driven)
        await fill(driven, model="esm2-3b", input=fasta)
        await driven.press("ctrl+s")
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
        await driven.press("ctrl+s")
        await driven.until(lambda: "remember" in [call[0] for call in driven.backend.calls])
        (values,) = (call[1] for call in driven.backend.calls if call[0] == "remember")
        assert (values["model"], values["strata"]) == ("esm2-8m", "5,9")


# -- the group of other settings


async def test_all_is_reached_by_tab_alone_and_the_other_settings_open_by_enter(drive):
    async with drive() as driven:
        form = await opened(driven)
        seen = []
        for _ in range(8):
            seen.append(driven.app.focused.name or driven.app.focused.id or "more")
            await driven.press("tab")
        # Start is not open yet
        assert seen == ["model", "input", "precision", "sample", "device", "name", "more", "judge"]
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
