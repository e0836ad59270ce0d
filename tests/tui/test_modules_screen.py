"""The map of the model on screen: its key, its cursor, its three quantities, and a run that has none."""

import pytest
import snapshots

from vp_tui.core.report.heat_map import QUANTITIES, heat_map
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.panels.heat_grid import SHADES, HeatGrid, cell, legend
from vp_tui.tui.screens.modules import ModulesScreen

LIMITS = Thresholds()


def words(driven):
    return driven.app.screen.query_one("#module-words").copy_text()


async def opened(driven):
    await driven.press("M")
    await driven.until(lambda: isinstance(driven.app.screen, ModulesScreen))
    await driven.pilot.pause()


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 50)])
async def test_the_map_fits_every_screen_and_v_goes_round_its_three_quantities(drive, size):
    async with drive(snapshots.mapped(33), size=size) as driven:
        await opened(driven)
        titles = []
        for _ in range(4):
            titles.append(driven.app.screen.query_one("#about").copy_text())
            await driven.press("v")
            await driven.pilot.pause()
        assert len(set(titles)) == len(QUANTITIES)
        assert titles[0] == titles[3]
        rows = driven.app.screen.query_one(HeatGrid).copy_text().splitlines()
        assert max(map(len, rows)) <= size[0]
        assert words(driven)


async def test_the_cursor_names_module_and_number_and_stays_when_the_quantity_changes(drive):
    async with drive(snapshots.mapped()) as driven:
        await opened(driven)
        assert words(driven).startswith("embedding: ")
        await driven.press("right", "right", *["down"] * 5)
        await driven.until(lambda: words(driven).startswith("layers.2.fc1: 1.62x"))
        await driven.press("v")
        await driven.until(lambda: words(driven).startswith("layers.2.fc1: 0.5 "))
        await driven.press("left")
        await driven.until(lambda: words(driven).startswith("layers.1.fc1: "))
        await driven.press("escape")
        await driven.until(lambda: not isinstance(driven.app.screen, ModulesScreen))


@pytest.mark.parametrize("made", [snapshots.running, snapshots.passed])
async def test_a_run_without_numbers_of_modules_says_why(drive, made):
    async with drive(made()) as driven:
        await opened(driven)
        await driven.until(lambda: "modules" in words(driven))
        await driven.press("right", "down", "v", "enter")
        assert "modules" in words(driven)


def test_marks_tell_the_grades_apart_without_colour():
    found = heat_map(snapshots.mapped(), "rounding")
    marks = {at: cell(found.spots[at], "rounding", LIMITS, 2).plain[0] for at in found.spots}
    assert (marks["fc1", 2], marks["fc2", 5], marks["embedding", 0], marks["fc1", 0]) == ("~", "!", "?", SHADES[1])
    tight = heat_map(snapshots.mapped(), "headroom").spots["fc1", 2]
    assert cell(tight, "headroom", LIMITS, 2).plain[0] == "!"
    assert len(set(SHADES) | {"~", "!", "?"}) == len(SHADES) + 3


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_legend_has_every_shade(quantity):
    text = legend(quantity, LIMITS).plain
    assert all(shade in text for shade in SHADES)
    assert "~" in text
