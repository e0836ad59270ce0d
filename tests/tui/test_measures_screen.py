"""Measures: every gate is explained from its line, text is found, and the whole text is copied."""

import pytest
import snapshots

from vp_tui.core.gates.table import BY_ID
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.screens.measures import GateScreen, Lines, gate_help, gate_in


@pytest.mark.parametrize("gate_id", BY_ID)
def test_a_line_names_its_gate_and_the_gate_is_explained_whole(gate_id):
    gate = BY_ID[gate_id]
    assert gate_in(f"{gate_id:<12} 0.5 0.5") == gate_id
    text = " ".join(gate_help(gate_id, Thresholds()).plain.split())
    assert all(" ".join(words.split()) in text for words in (gate.title, gate.what, gate.meaning, gate.advice))
    assert max(map(len, gate_help(gate_id, Thresholds()).plain.splitlines())) <= 73


def test_a_line_without_a_gate_names_none():
    assert gate_in("short 10 0.99 of M99 and S-1") is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_the_report_is_shown_in_its_own_lines_where_they_fit(drive, size):
    async with drive(snapshots.passed(), size=size) as driven:
        await driven.press("m")
        await driven.until(lambda: driven.app.screen.query(Lines))
        lines = driven.app.screen.query_one(Lines)
        await driven.until(lambda: lines.row_count)
        assert list(lines.rows) == lines.copy_text().split("\n")
        assert max(map(len, lines.rows)) <= lines.size.width


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 50)])
async def test_the_gate_that_was_found_is_explained_and_esc_goes_back_step_by_step(drive, size):
    async with drive(snapshots.passed(), size=size) as driven:
        await driven.press("m")
        await driven.until(lambda: driven.app.screen.query(Lines))
        lines = driven.app.screen.query_one(Lines)
        assert all(len(row) <= size[0] for row in lines.rows)
        place = next(row for row, text in enumerate(lines.rows) if gate_in(text))
        gate = gate_in(lines.rows[place])
        await driven.press("slash", *gate, "enter")
        await driven.until(lambda: lines.gate == gate)
        await driven.press("question_mark")
        await driven.until(lambda: isinstance(driven.app.screen, GateScreen))
        await driven.until_text(BY_ID[gate].title[:20])
        await driven.press("escape")
        await driven.press("escape")
        assert driven.app.screen.query(Lines), "the first esc ends the search"
        await driven.press("escape")
        assert not driven.app.screen.query(Lines)
