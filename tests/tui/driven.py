"""An app under a Pilot and its picture as text."""

import time

PATIENCE_S = 20.0
"""A limit, not a wait: other tests share the two cores."""


class Driven:
    """An app under a Pilot, its fake world, and its picture as text."""

    def __init__(self, app, pilot, backend=None):
        self.app, self.pilot, self.backend = app, pilot, backend

    @property
    def rows(self):
        """The picture, line by line, modals included."""
        return ["".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self):
        return "\n".join(self.rows)

    async def until(self, condition, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not reached within {seconds} s:\n{self.text}"
            await self.pilot.pause(0.01)

    async def until_text(self, words):
        await self.until(lambda: words in self.text)

    async def press(self, *keys):
        """Press the keys, and wait until each has acted, or has ended the app."""
        await self.pilot.press(*keys)
        await self.until(lambda: not self.app.is_acting or self.app._exit)
        await self.pilot.pause()
