"""Makes the stills of README.md from real runs of the demo: `make stills`.

live.svg, runs.svg and compare.svg are screens; report.png is the HTML report of the run that fails, made where
chromium is installed.
"""

import asyncio
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from vp_tui.core.store.home import HOME_VARIABLE, Home
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.messages import OpenComparison

HERE = Path(__file__).parent
SIZE = (120, 40)
SHOWN_HOME = "/data/vp-tui"
SOUND, DEGRADED, BROKEN = 1, 3, 4
"""Runs of the home: the demo's ESM-2 as it is, and (after its DNABERT-S) faulty in engine and weights."""
REPORT_SIZE = (1000, 1400)
"""Pixels at the top of the report."""
PATIENCE_SECONDS = 600.0


def main() -> int:
    """Make the runs in a home of its own, then the pictures."""
    # as long as the path that is shown: every line of the picture has its width
    home = Home(Path("/tmp") / secrets.token_hex(8)[: len(SHOWN_HOME) - len("/tmp/")])
    home.root.mkdir()
    try:
        for fault in ([], ["--fault", "eos-in-mean"], ["--fault", "overflow"]):
            _demo(home, fault)
        for name, picture in asyncio.run(_pictures(home)).items():
            (HERE / f"{name}.svg").write_text(_published(picture, home))
        _report(home)
    finally:
        shutil.rmtree(home.root)
    return 0


def _demo(home: Home, options: list[str]) -> None:
    # a run that fails as it should ends with 4
    assert _vp_tui(home, "demo", "--no-tui", *options) in {0, 4}


def _vp_tui(home: Home, *arguments: str) -> int:
    command = [sys.executable, "-m", "vp_tui.tui.cli", *arguments]
    # exports show the home folder as ~
    environment = {**os.environ, HOME_VARIABLE: str(home.root), "HOME": str(home.root)}
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode


def _report(home: Home) -> None:
    """Write the top of the report of the run that fails."""
    browser = shutil.which("chromium")
    if browser is None:
        sys.stderr.write("report.png is not made again: chromium is not installed\n")
        return
    page = home.root / "report.html"
    assert _vp_tui(home, "export", str(BROKEN), "--format", "html", "--output", str(page)) == 0
    size = f"--window-size={REPORT_SIZE[0]},{REPORT_SIZE[1]}"
    shot = f"--screenshot={HERE / 'report.png'}"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--hide-scrollbars", size, shot, f"file://{page}"],
        check=True, timeout=PATIENCE_SECONDS, stderr=subprocess.DEVNULL,
    )  # fmt: skip


async def _pictures(home: Home) -> dict[str, str]:
    """Name -> SVG of the screen."""
    app = VpTuiApp(home, SOUND)
    made = {}
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, lambda text: "PASS" in text and "limit" in text)
        made["live"] = app.export_screenshot(title="vp-tui")
        await pilot.press("2")
        await _until(pilot, lambda text: "demo-dnabert" in text and "FAIL" in text)
        made["runs"] = app.export_screenshot(title="vp-tui")
        app.post_message(OpenComparison(str(SOUND), str(DEGRADED)))
        await _until(pilot, lambda text: "REGRESSED" in text)
        made["compare"] = app.export_screenshot(title="vp-tui")
    return made


async def _until(pilot: Pilot[int], is_there: Callable[[str], bool]) -> None:
    """Wait for words on the screen, and for the screen to be still."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        before, text = "", _text(pilot)
        while not is_there(text) or text != before:
            await pilot.pause(0.5)
            before, text = text, _text(pilot)


def _text(pilot: Pilot[int]) -> str:
    return re.sub(r"<[^>]*>|&#160;", " ", pilot.app.export_screenshot())


def _published(picture: str, home: Home) -> str:
    """The SVG without references to the outside and without this machine's paths."""
    picture = re.sub(r"@font-face\s*{[^}]*}\s*", "", picture)
    picture = re.sub(r"font-family: Fira Code, monospace", "font-family: monospace", picture)
    picture = picture.replace("<svg ", '<svg xml:space="preserve" ', 1)
    picture = picture.replace(str(home.root), SHOWN_HOME)
    lines = [line.rstrip() for line in picture.splitlines()]
    return "\n".join(line for line in lines if line) + "\n"


if __name__ == "__main__":
    sys.exit(main())
