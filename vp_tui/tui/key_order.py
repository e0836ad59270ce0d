"""Keys act one after the other: each goes to what has the focus once the one before has acted.

Textual passes all keys of one read (typed quickly over a slow line, or pasted) to the widget that has the focus then,
and acts on bindings when a key comes back from it. The letters after `/` would run as commands of the list before the
filter has the focus, and text after enter would land in the field before.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.app import App
from textual.message import Message
from textual.widget import Widget

LOOK_SECONDS: Final = 0.1
"""Between looks at whether the widget that has a key is gone, and with it the message behind the key."""


class KeyOrderApp(App[int]):
    """An app that passes a key on when the one before has acted."""

    @dataclass
    class Acted(Message):
        """Follows a key through the same widgets up to the app; `again` follows what the key has made them send."""

        number: int
        again: bool = False

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Key] = deque()
        self._holder: Widget | None = None
        """What was given the last key, until it has acted."""
        self._number = 0

    @property
    def is_acting(self) -> bool:
        """Return True while a key is under way; a widget that is gone has taken the message behind its key with it."""
        return self._holder is not None and self._holder.is_attached and self._holder.is_running

    async def on_event(self, event: events.Event) -> None:
        """Pass a key on, or keep it until those before it have acted; all else as ever."""
        if not isinstance(event, events.Key) or event.is_forwarded or not self.screen_stack:
            await super().on_event(event)
        elif not self.is_acting and not self._ahead:
            await self._pass_on(event)
        elif not await self._check_bindings(event.key, priority=True):
            self._ahead.append(event)
            if len(self._ahead) == 1:
                self._look_later()

    async def _pass_on(self, key: events.Key) -> None:
        holder = self.focused or self.screen
        self._number += 1
        await super().on_event(key)
        self._send_behind(holder)
        if self._ahead:
            self._look_later()

    def _send_behind(self, holder: Widget, again: bool = False) -> None:
        """Send the message behind the key."""
        self._holder = holder
        if not holder.post_message(self.Acted(self._number, again)):
            self.call_later(self._go_on, self._number)

    def on_key_order_app_acted(self, message: Acted) -> None:
        """Pass the next key on, once a screen that this one has opened or closed has its focus."""
        message.stop()
        holder = self._holder
        if message.number != self._number or holder is None:
            return
        if self.screen_stack and holder.is_attached and holder.screen is not self.screen:
            self._send_behind(self.screen)
        elif not message.again:
            self._send_behind(holder, again=True)
        else:
            self.call_later(self._go_on, message.number)

    async def _go_on(self, number: int) -> None:
        if number != self._number or self._holder is None:
            return
        self._holder = None
        if self._ahead:
            await self._pass_on(self._ahead.popleft())

    def _look_later(self) -> None:
        """Pass the next key on, too, when the widget that has this one is removed."""
        number = self._number

        def look() -> None:
            if number != self._number or not self._ahead:
                return
            if self.is_acting:
                self._look_later()
            else:
                self.call_later(self._go_on, number)

        self.set_timer(LOOK_SECONDS, look)
