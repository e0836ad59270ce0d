"""Text field of every form: focus selects its text, and its keys act in the order in which they were pressed."""

from textual import events
from textual.suggester import Suggester
from textual.widgets import Input


class Entry(Input):
    """Textual inserts a letter at once but sends a key such as ctrl+u to the app and back first.

    Under load letters that follow such a key would be in the field before it acts, and ctrl+u would delete them.
    """

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

    async def _on_key(self, event: events.Key) -> None:
        if not event.is_printable:
            active = self.screen.active_bindings.get(event.key)
            is_own = active is not None and active.node is self and active.enabled
            if is_own and active is not None and await self.app.run_action(active.binding.action, self):
                event.stop()
                event.prevent_default()
                return
        await super()._on_key(event)
