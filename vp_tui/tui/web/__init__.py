"""The dashboard in a browser: a server of pages and pipes, and a dashboard process per tab."""

import os
import shlex
import sys

from vp_tui.core.store.home import HOME_VARIABLE, Home

_DRIVER_VARIABLE = "TEXTUAL_DRIVER"
_DRIVER = "vp_tui.tui.web.driver:TabDriver"


def tab_command(home: Home) -> str:
    """The line of shell that is a tab's dashboard: this interpreter on this home, whatever blanks their paths have."""
    environment = [f"{HOME_VARIABLE}={home.root}", f"{_DRIVER_VARIABLE}={_DRIVER}"]
    # exec: no shell stays between the server and the dashboard
    return f"exec {shlex.join(['env', *environment, sys.executable, '-P', '-m', 'vp_tui.tui.cli'])}"


def is_tab() -> bool:
    """Whether this process is the dashboard of a tab, with pipes for a terminal."""
    return os.environ.get(_DRIVER_VARIABLE) == _DRIVER
