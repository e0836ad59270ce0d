"""Text field of every form: focus selects its text, and its keys act in the order in which they were pressed."""

from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input


class Entry(Input):
    """Textual inserts a letter at once but sends a key such as ctrl+u to the app and back first.

    Under load letters that follow such a key would be in the field before it acts, and ctrl+u would delete them. What
    follows enter waits until the focus has moved, and goes where the focus is then.
    """

    @dataclass
    class Entered(Message):
        """Follows all messages of enter up to the app, which then calls `go_on`."""

        entry: "Entry"

    def __init__(
        self,
        value: str = "",
        *,
        name: str | None = None,
        id: str | None = None,
        select_on_focus: bool = True,
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(value, compact=True, name=name, id=id, select_on_focus=select_on_focus, suggester=suggester)
        self._waiting: list[events.Key] | None = None
        """Keys after an enter whose messages are on their way."""

    def go_on(self) -> None:
        """Pass the keys that waited to the focused widget."""
        waiting, self._waiting = self._waiting or (), None
        for key in waiting:
            (self.app.focused or self.screen)._forward_event(events.Key(key.key, key.character))

    async def _on_key(self, event: events.Key) -> None:
        if self._waiting is not None:
            self._waiting.append(event)
            event.stop()
            event.prevent_default()
            return
        await self._take_key(event)
        if event.key == "enter":
            self._waiting = []
            self.post_message(self.Entered(self))

    async def _take_key(self, event: events.Key) -> None:
        if not event.is_printable:
            active = self.screen.active_bindings.get(event.key)
            is_own = active is not None and active.node is self and active.enabled
            if is_own and active is not None and await self.app.run_action(active.binding.action, self):
                event.stop()
                event.prevent_default()
                return
        await super()._on_key(event)
