"""The style sheets are parsed once per theme, and another theme is seen at once."""

from collections import Counter
from pathlib import Path

import pytest
import snapshots
from textual.css import stylesheet

from vp_tui.tui.app import VpTuiApp


@pytest.fixture
def parsed(monkeypatch):
    """How often each file of the dashboard's styles was parsed, by its name."""
    counts, parse = Counter(), stylesheet.parse

    def noted(scope, css, read_from, **options):
        if read_from[0].endswith(".tcss"):
            counts[Path(read_from[0]).name] += 1
        return parse(scope, css, read_from, **options)

    monkeypatch.setattr(stylesheet, "parse", noted)
    return counts


async def test_screens_and_dialogs_parse_nothing_again_and_another_theme_everything(drive, parsed):
    names = [Path(path).name for path in VpTuiApp.CSS_PATH]
    async with drive(snapshots.passed()) as driven:
        for key in ("2", "1", "question_mark", "escape", "5"):
            await driven.press(key)
        assert parsed == dict.fromkeys(names, 1)
        before = driven.app.main_screen.styles.background
        driven.app.theme = "textual-light"
        await driven.until(lambda: driven.app.main_screen.styles.background != before)
        assert parsed == dict.fromkeys(names, 2)
