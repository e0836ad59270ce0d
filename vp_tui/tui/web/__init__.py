"""The dashboard in a browser: a web server, and one dashboard process per tab."""

import os
import shlex
import sys

from vp_tui.core.store.home import HOME_VARIABLE, Home

_DRIVER_VARIABLE = "TEXTUAL_DRIVER"
_DRIVER = "vp_tui.tui.dashboard:TabDriver"


def tab_command(home: Home) -> str:
    """Return the shell command of a tab's dashboard: this interpreter and this home, quoted."""
    environment = [f"{HOME_VARIABLE}={home.root}", f"{_DRIVER_VARIABLE}={_DRIVER}"]
    # exec: no shell stays between the server and the dashboard
    return f"exec {shlex.join(['env', *environment, sys.executable, '-P', '-m', 'vp_tui.tui.cli'])}"


def is_tab() -> bool:
    """Return True if this process is the dashboard of a tab, with pipes as its terminal."""
    return os.environ.get(_DRIVER_VARIABLE) == _DRIVER
