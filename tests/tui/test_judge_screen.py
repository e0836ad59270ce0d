"""The form of a judged run, opened from the form of a new run."""

import snapshots
from form_parts import opened
from textual.widgets import Button, Input

from vp_tui.tui.screens.judge import JudgeScreen
from vp_tui.tui.screens.new_run import NewRunScreen


async def judge_form(driven):
    form = await opened(driven)
    form.query_one("#judge", Button).press()
    await driven.until(lambda: isinstance(driven.app.screen, JudgeScreen))
    await driven.pilot.pause()
    return driven.app.screen


async def test_files_of_another_program_are_judged_from_the_form_of_a_new_run(drive):
    async with drive(snapshots.passed(), snapshots.snapshot(snapshots.row(43, name="judged"))) as driven:
        form = await judge_form(driven)
        assert not any(isinstance(screen, NewRunScreen) for screen in driven.app.screen_stack)
        do = form.query_one("#do", Button)
        for name, value in (("reference", "esm2-650m"), ("candidate", "x.h5"), ("fasta", "-")):
            assert do.disabled == (name != "fasta")
            form.query_one(f"#{name}", Input).value = value
            await driven.pilot.pause()
        # standard input is the terminal's
        assert do.disabled
        form.query_one("#fasta", Input).value = "a.fasta"
        await driven.pilot.pause()
        do.press()
        await driven.until(lambda: driven.app.screen is not form)
        await driven.until_text("#43 judged")
        assert driven.backend.calls[-1] == ("judge", "esm2-650m", "x.h5", "a.fasta")


async def test_sides_that_cannot_be_judged_leave_the_form_with_the_reason(drive):
    async with drive(refuse="no id of x.npz is in y.npz") as driven:
        form = await judge_form(driven)
        for name in ("reference", "candidate"):
            form.query_one(f"#{name}", Input).value = f"{name}.npz"
        await driven.pilot.pause()
        form.query_one("#do", Button).press()
        await driven.until_text("no id of x.npz is in y.npz")
        assert driven.app.screen is form
        assert not form.query_one("#do", Button).disabled
