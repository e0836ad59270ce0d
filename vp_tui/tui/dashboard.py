"""Opening the dashboard on the terminal of this process."""

import sys
from collections.abc import Callable

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.store.home import Home
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.backend import CoreBackend
from vp_tui.tui.web import is_tab

SWITCH_S = 0.001
"""Python's own 5 ms, a few times per key, can be seen."""


def run_dashboard(home: Home, run_id: int | None = None, *, prepare: Callable[[], object] | None = None) -> int:
    """Show the dashboard until the reader leaves; returns the exit code.

    `prepare` (creating or upgrading the store) runs in the reading thread, after the first frame; a StoreError
    of it is shown on the screen, and it is tried again.

    Raises:
        UsageError: there is no terminal to draw on.
    """
    # Textual reads keys from stdin and paints on stderr; without a terminal it would spin or fill a file
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr)):
        if not is_tab() and (stream is None or not stream.isatty()):
            raise UsageError(
                f"the dashboard needs a terminal, and {name} is none; "
                "use `vp-tui run`, `vp-tui watch` or `vp-tui runs --json` in scripts"
            )
    # the reading thread must not hold a key up: after every wait for the terminal the screen wants the interpreter back
    sys.setswitchinterval(SWITCH_S)
    app = VpTuiApp(home, run_id, backend=CoreBackend(home, prepare))
    app.run()
    return app.return_code or ExitCode.GOOD
