"""The look of the screens: one golden picture per screen at 80x24, and words that each state must show.

`VP_TUI_WRITE_GOLDEN=1 pytest tests/tui/test_screens_svg.py` writes the pictures.
"""

import os
import re
import time
from pathlib import Path

import pytest
import searched
import snapshots

GOLDEN = Path(__file__).parents[1] / "golden/screens"
AGAIN = "VP_TUI_WRITE_GOLDEN=1 pytest tests/tui/test_screens_svg.py"

# name: what is in the store, keys, and words that must be there whatever a golden file says
SCREENS = {
    "live": ((snapshots.running,), (), ("step 3 of 6", "SAFE SO FAR", "0.9994000")),
    "runs": ((snapshots.running,), ("2",), ("nightly", "PASS", "FAIL")),
    "compare": ((snapshots.passed,), ("3",), ("c compares",)),
    "search": ((snapshots.passed,), ("4",), ("FP32",)),
    "logs": ((snapshots.passed,), ("5",), ("run.log",)),
    "runs-tree": ((snapshots.running,), ("2", "v"), ("(model, ", "(device, ")),
    "new-run": ((), ("n",), ("New run", "Sequences")),
    "help": ((), ("question_mark",), ("Who, safe, fast", "PASS")),
    "leave": ((snapshots.running,), ("q",), ("#42", "esc")),
    "measures": ((snapshots.failed_gate,), ("m",), ("V1", "long")),
}  # fmt: skip
# name: size of the screen that shows the result of a search
SEARCHED = {"search-result": (80, 24), "search-result-large": (200, 50)}
# the same without a picture: what is in the store, size, keys, words
STATES = {
    "running, 120x40": ((snapshots.running,), (120, 40), (), ("step 3 of 6", "SAFE SO FAR", "NVIDIA H200", "1st pct")),
    "running, 200x50": ((snapshots.running,), (200, 50), (), ("SAFE SO FAR", "difference", "1/4", "2/4", "3/4", "4/4")),
    "running, 60x16": ((snapshots.running,), (60, 16), (), ("step 3 of 6", "SAFE SO FAR", "0.9994000")),
    "passed": ((snapshots.passed,), (80, 24), (), ("took 06:43", "PASS  all 10,000 sequences", "2.05x")),
    "failed": ((snapshots.failed_gate,), (80, 24), (), ("FAIL  12 of 10,000", "!NaN")),
    "interrupted": ((lambda: snapshots.ended("interrupted", "the process is gone"),), (80, 24), (),
                    ("INTERRUPTED", "the process is gone")),
    "empty": ((), (80, 24), (), ("validate your own",)),
    "runs, 120x40": ((snapshots.running,), (120, 40), ("2",), ("nightly", "esm2 after", "started")),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch):
    """One time zone, one size of colour space, no blinking."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    # plotext draws no wider than the terminal that the tests happen to run in
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("LINES", "80")
    for name in ("NO_COLOR", "COLORTERM", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    yield
    monkeypatch.undo()
    time.tzset()


def golden(name, found):
    """Hold a picture against its file, or write the file."""
    path = GOLDEN / f"{name}.svg"
    if os.environ.get("VP_TUI_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found)
    assert path.exists(), f"{path} is missing; write it with {AGAIN}"
    assert found == path.read_text(), f"{name} looks different; if that is meant: {AGAIN}, and look at the pictures"


def plain(svg):
    """Without the class names that Rich makes from a hash of the content, and one element to a line."""
    svg = re.sub(r"terminal-\d+-", "terminal-", svg)
    return re.sub(r"(<(?:text|rect|g|path|/g))", r"\n\1", svg).replace("\n\n", "\n") + "\n"


async def settled(driven):
    """The picture once nothing moves in it any more."""
    for blinking in driven.app.screen.query("Input"):
        blinking.cursor_blink = False
    before = None
    while before != driven.rows:
        before = driven.rows
        await driven.pilot.pause(0.1)
    return plain(driven.app.export_screenshot(title="vp-tui", simplify=True))


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_looks_as_in_its_picture_and_says_its_words(drive, name):
    made, keys, words = SCREENS[name]
    runs = [make() for make in made]
    async with drive(*runs, rows=snapshots.history()[1:] if runs else ()) as driven:
        await driven.press(*keys)
        for each in words:
            await driven.until_text(each)
        golden(name, await settled(driven))


@pytest.mark.parametrize("name", SEARCHED)
async def test_the_result_of_a_search_looks_as_in_its_picture(drive, name):
    async with drive(searched.run(), size=SEARCHED[name]) as driven:
        driven.backend.searched = searched.after()
        await driven.press("4")
        for each in ("plan found and confirmed", "!32", "plan:run-42"):
            await driven.until_text(each)
        golden(name, await settled(driven))


@pytest.mark.parametrize("name", STATES)
async def test_a_state_shows_its_words(drive, name):
    made, size, keys, words = STATES[name]
    runs = [make() for make in made]
    async with drive(*runs, size=size, rows=snapshots.history()[1:] if runs else ()) as driven:
        await driven.press(*keys)
        for each in words:
            await driven.until_text(each)


def test_every_golden_picture_has_its_screen():
    assert {path.stem for path in GOLDEN.glob("*.svg")} == {*SCREENS, *SEARCHED}
