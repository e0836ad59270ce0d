"""Open the dashboard on the terminal of this process, or in a tab of the browser."""

import sys
from collections.abc import Callable

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.store.home import Home
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.backend import Backend
from vp_tui.tui.web import is_tab


def run_dashboard(home: Home, run_id: int | None = None, *, prepare: Callable[[], object] | None = None) -> int:
    """Show the dashboard until the user leaves, and return the exit code.

    `prepare` (creating or upgrading the store) runs in the reading thread after the first frame; its StoreError is
    shown on the screen, and it is retried.

    Raises:
        UsageError: there is no terminal to draw on.
    """
    # Textual reads keys from stdin and paints on stderr; without a terminal it would spin or fill a file
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr)):
        if not is_tab() and (stream is None or not stream.isatty()):
            raise UsageError(
                f"the dashboard needs a terminal, and {name} is not one; "
                "use `vp-tui run`, `vp-tui watch` or `vp-tui runs --json` in scripts"
            )
    app = VpTuiApp(home, run_id, backend=Backend(home, prepare))
    app.run()
    return app.return_code or ExitCode.GOOD


class TabDriver(WebDriver):
    """Terminal of a tab, over pipes; unlike Textual's own it exits with the server."""

    def run_input_thread(self) -> None:
        """Read keys to the end of the pipe, then exit; Textual's own driver would run for ever."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(ExitApp())
