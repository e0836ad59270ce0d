"""The driver of a tab's dashboard: Textual's own, which also leaves when the server is gone."""

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp


class TabDriver(WebDriver):
    """Keys come and pictures go through pipes."""

    def run_input_thread(self) -> None:
        """Read keys to the end of the pipe; there Textual's own driver goes on for ever, seen by nobody."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(ExitApp())
