"""Open the dashboard on the terminal of this process."""

import sys
from collections.abc import Callable

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.store.home import Home
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.backend import CoreBackend
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
    app = VpTuiApp(home, run_id, backend=CoreBackend(home, prepare))
    app.run()
    return app.return_code or ExitCode.GOOD
