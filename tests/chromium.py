"""A headless Chromium, driven through its DevTools protocol: open a page, press keys, read the terminal in it."""

import asyncio
import shutil
import time
from contextlib import asynccontextmanager

try:
    import aiohttp
except ModuleNotFoundError:
    aiohttp = None

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in NAMES if aiohttp and (found := shutil.which(name))), None)
WHY_NOT = "no Chromium (Debian: apt-get install chromium), or no aiohttp (pip install 'vp-tui[web]')"

_NAMED = {"Enter": ("\r", 13), "Escape": ("", 27), "Tab": ("", 9), "ArrowDown": ("", 40), "Backspace": ("", 8)}
_TERMINAL = (
    "function() { return this.find(one => { try { return one.loadAddon && one.buffer.active.getLine(0) } "
    "catch { return false } }) }"
)
_ROWS = (
    "function() { const rows = this.buffer.active; return Array.from({length: this.rows}, "
    "(_, y) => rows.getLine(rows.viewportY + y).translateToString(true)) }"
)


class Page:
    """One tab of a browser."""

    def __init__(self, socket):
        self._socket = socket
        self._number = 0
        self._terminal = None
        self.answered = []

    async def call(self, method, **parameters):
        """The answer of the browser; addresses that answered it meanwhile are noted."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json()
            if told.get("method") == "Network.responseReceived":
                self.answered.append(told["params"]["response"]["url"])
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                assert "exceptionDetails" not in told["result"], f"{method}: {told['result']}"
                return told["result"]

    async def value(self, expression):
        """What a line of JavaScript gives."""
        return (await self.call("Runtime.evaluate", expression=expression, returnByValue=True))["result"].get("value")

    async def go(self, url):
        """Open another page in this tab."""
        self._terminal = None
        await self.call("Page.navigate", url=url)

    async def leave(self):
        """For a page without anything."""
        await self.go("about:blank")

    async def press(self, *keys):
        """Keys as a person presses them: characters, or names as Enter."""
        for key in keys:
            text, code = _NAMED.get(key, (key, ord(key[0].upper())))
            pressed = {"key": key, "windowsVirtualKeyCode": code}
            typed = {"text": text} if text else {}
            await self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **pressed, **typed)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def click(self, x, y):
        """With the left button, in pixels of the page."""
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def text(self):
        """The words of the terminal in the page, from its own buffer: what it draws is on a canvas."""
        if self._terminal is None:
            self._terminal = await self._find_terminal()
        if self._terminal is None:
            return ""
        rows = await self.call(
            "Runtime.callFunctionOn", objectId=self._terminal, functionDeclaration=_ROWS, returnByValue=True
        )
        return "\n".join(rows["result"]["value"])

    async def _find_terminal(self):
        """No name leads to it from outside, so every object of the page is asked whether it is one."""
        base = await self.call("Runtime.evaluate", expression="Object.prototype")
        found = await self.call("Runtime.queryObjects", prototypeObjectId=base["result"]["objectId"])
        terminal = await self.call(
            "Runtime.callFunctionOn", objectId=found["objects"]["objectId"], functionDeclaration=_TERMINAL
        )
        return terminal["result"].get("objectId")

    async def until(self, *words, seconds=150):
        """Wait for words in the terminal; its text."""
        end = time.monotonic() + seconds
        while True:
            text = await self.text()
            if all(word in text for word in words):
                return text
            assert time.monotonic() < end, f"{words} not seen within {seconds} s:\n{text}"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def opened(url, profile, size=(1200, 800)):
    """A browser with one page, which is at `url`; its traces are in the folder `profile`."""
    process = await asyncio.create_subprocess_exec(
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--no-first-run",
        "--remote-debugging-port=0", f"--window-size={size[0]},{size[1]}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        port = await asyncio.wait_for(_port(process.stderr), 30)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                target = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.call("Network.enable")
                await page.call("Page.enable")
                await page.go(url)
                yield page
    finally:
        process.terminate()
        await process.wait()


async def _port(stderr):
    """Of the DevTools, which Chromium tells."""
    async for line in stderr:
        if line.startswith(b"DevTools listening on"):
            return int(line.rpartition(b"/devtools")[0].rpartition(b":")[2])
    raise AssertionError("Chromium ended before it could be driven")
