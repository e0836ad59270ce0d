"""Notifications that would cover a form or the help wait until it is closed."""

from typing import Any

from textual.screen import ModalScreen

from vp_tui.tui.key_order import KeyOrderApp


class HoldingApp(KeyOrderApp):
    """An app whose notifications wait while a modal is open."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[tuple[str, dict[str, Any]]] = []

    def notify(self, message: str, **how: Any) -> None:
        """Show a notification, at the latest when no modal is open any more."""
        # while the app ends there is no screen
        stack = self.screen_stack
        if stack and isinstance(stack[-1], ModalScreen):
            self._held.append((message, how))
        else:
            super().notify(message, **how)

    def tell_held(self) -> None:
        """Show what has waited; called when a main screen is in front again."""
        held, self._held = self._held, []
        for message, how in held:
            self.notify(message, **how)
