"""Show the dashboard over a made-up store: `python tests/tui/show.py failed_gate`; names are those of snapshots.py.

The pty tests start it, and a developer who wants to look at a state of the screen.
"""

import sys
from pathlib import Path

import fakes
import snapshots

from vp_tui.core.store.home import Home
from vp_tui.tui.app import VpTuiApp


def main(name: str) -> int:
    """`none` is the empty store, `gone` one that cannot be read."""
    made = [] if name in {"none", "gone"} else [getattr(snapshots, name)()]
    store = fakes.FakeStore(*made, rows=snapshots.history()[1:] if made else ())
    if name == "gone":
        store.trouble = "the store is gone"
    app = VpTuiApp(Home(Path("/nonexistent")), made[0].run.id if made else None, backend=fakes.FakeBackend(store))
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "running"))
