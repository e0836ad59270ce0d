"""Any size at any moment: nothing breaks, and something is always there."""

import pytest
import snapshots

from vp_tui.tui.keymap import MAIN_SCREENS

SIZES = [(10, 3), (300, 80), (1, 1), (79, 23), (80, 24)]


async def resized(driven, size):
    await driven.pilot.resize_terminal(*size)
    await driven.until(lambda: driven.app.screen.size == size)
    await driven.pilot.pause()


@pytest.mark.parametrize("made", [snapshots.failed_gate, snapshots.loading])
async def test_every_screen_takes_every_size(drive, made):
    async with drive(made(), rows=snapshots.history()) as driven:
        for digit, board in enumerate(MAIN_SCREENS, 1):
            await driven.press(str(digit))
            await driven.until(lambda name=board: driven.app.current_mode == name)
            for size in SIZES:
                await resized(driven, size)
                assert driven.text.strip() or size == (1, 1), f"{board} at {size} is blank"


async def test_questions_help_and_palette_take_every_size(drive):
    async with drive(snapshots.running()) as driven:
        for keys in (["q"], ["question_mark"], ["m"], ["n"], ["ctrl+p"]):
            await driven.press(*keys)
            for size in [(10, 3), (1, 1), (80, 24)]:
                await resized(driven, size)
                assert driven.text.strip() or size == (1, 1)
            while not driven.app.screen.query("#banner"):
                await driven.press("escape")


async def test_a_panel_over_the_whole_screen_takes_every_size(drive):
    async with drive(snapshots.failed_gate(), rows=snapshots.history()) as driven:
        for digit in "125":
            await driven.press(digit)
            await driven.until(lambda name=MAIN_SCREENS[int(digit) - 1]: driven.app.current_mode == name)
            await driven.press("tab", "z")
            for size in SIZES:
                await resized(driven, size)
            await driven.press("z")


async def test_without_a_run_and_with_trouble_the_words_fit_every_size(drive):
    async with drive(
        trouble="the store is gone: /a/very/long/path/that/does/not/fit/anywhere/at/all/runs.db"
    ) as driven:
        for size in SIZES:
            await resized(driven, size)
            assert driven.text.strip() or size == (1, 1)
