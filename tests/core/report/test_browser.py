"""A real browser opens the page: the charts are on the screen, in light and in dark."""

import shutil
import subprocess

import numpy as np
import pytest

from vp_tui.core.report import render
from vp_tui.core.report.runs_export import exported

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here (Debian: apt-get install chromium)")

LIGHT = {"paper": "ffffff", "base": "2f6db5", "cand": "bf5a12", "limit": "b3123a"}
DARK = {"paper": "16181d", "base": "79aef0", "cand": "f2a35e", "limit": "ff6f8b"}


def pixels(page, picture):
    """What the browser drew, uint8 [H, W, 3]."""
    from PIL import Image

    profile = picture.with_suffix(".profile")
    subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
            "--window-size=1100,4000", f"--screenshot={picture}", page.as_uri(),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with Image.open(picture) as image:
        return np.array(image.convert("RGB"))


def count(pixels_HW3, colour):
    return int((pixels_HW3 == np.frombuffer(bytes.fromhex(colour), np.uint8)).all(axis=-1).sum())


@pytest.mark.parametrize(("scheme", "colours"), [("light", LIGHT), ("dark", DARK)])
@pytest.mark.parametrize("kind", ["comparison", "run"])
def test_the_page_shows_its_charts_in_both_schemes(regressed, loaded, tmp_path, kind, scheme, colours):
    html = render.rendered(regressed, "html") if kind == "comparison" else exported([loaded("broken")], "html")
    if scheme == "dark":
        # headless Chromium prefers light; the dark colours are asked for by name instead
        html = html.replace("@media (prefers-color-scheme: dark)", "@media screen")
    render.write(tmp_path / "report.html", html)
    drawn_HW3 = pixels(tmp_path / "report.html", tmp_path / "page.png")
    assert count(drawn_HW3, colours["paper"]) > drawn_HW3[..., 0].size / 2
    charts_HW3 = drawn_HW3[drawn_HW3.shape[0] // 3 :] if kind == "comparison" else drawn_HW3
    for name in ("base", "cand", "limit"):
        # a line of a chart is some hundred pixels long at least
        assert count(charts_HW3, colours[name]) > 200, f"{name} is not drawn"
