"""Driver of a tab's dashboard: Textual's own, but it exits with the server."""

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp


class TabDriver(WebDriver):
    """Terminal over pipes."""

    def run_input_thread(self) -> None:
        """Read keys to the end of the pipe, then exit; Textual's own driver would run for ever."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(ExitApp())
