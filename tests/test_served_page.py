"""A real browser opens the served dashboard; a demo run is started by keys there, left alone, and found finished."""

import asyncio
import signal

import chromium
import pytest
from served import serving

from vp_tui.core.store.reader import Reader

pytestmark = [
    pytest.mark.skipif(chromium.BROWSER is None, reason=chromium.WHY_NOT),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def served(home):
    """A server on the home, which ends without a complaint afterwards."""
    with serving(home) as one:
        yield one
        one.process.send_signal(signal.SIGINT)
        told = "".join(one.process.communicate(timeout=20))
        assert one.process.returncode == 0
        assert "Traceback" not in told


def runs_of(home):
    with Reader(home) as reader:
        return reader.runs()


async def until(condition, seconds=150):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("small_demo")
async def test_a_demo_run_is_started_by_keys_in_a_browser_and_its_verdict_is_seen(home, served, tmp_path):
    async with chromium.opened(served.address, tmp_path / "profile") as page:
        await page.until("1 Live", "enter Demo", "q Leave")
        await page.press("n")
        await page.until("New run", "Model *")
        await page.press(*"demo", "Enter")
        await page.until("all 40 sequences", "Enter starts the run")
        await page.press("Enter")
        await page.until("#1", "FP16 against FP32")

        await page.leave()
        await until(lambda: not served.dashboards)
        assert runs_of(home)[0].is_active
        await until(lambda: not runs_of(home)[0].is_active)
        assert (runs_of(home)[0].status, runs_of(home)[0].verdict) == ("completed", "PASS")

        await page.go(served.address)
        await page.until("#1", "PASS  all 40", "40/40")
        await page.press("2")
        await page.until("lowest", "demo")


async def test_the_page_loads_nothing_from_elsewhere(served, tmp_path):
    async with chromium.opened(served.address, tmp_path / "profile") as page:
        await page.until("1 Live")
        assert await page.value("document.title") == "vp-tui"
        assert page.answered
        assert [one for one in page.answered if not one.startswith(f"{served.url}/")] == []
