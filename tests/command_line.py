"""The real command in a real process, and the document it prints."""

import json
import os
import subprocess
import sys

CLI = [sys.executable, "-m", "vp_tui.tui.cli"]
"""The real command."""


def command_on(home):
    """The real command as a function, on this home."""

    def call(*arguments, check=0, environment=None, timeout=120):
        done = subprocess.run(
            [*CLI, *map(str, arguments)],
            env={**os.environ, "VP_TUI_HOME": str(home.root), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert check is None or done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return call


def document_of(done):
    """The run document on stdout; NaN and Infinity are refused."""

    def refuse(constant):
        raise AssertionError(f"{constant} in the JSON")

    return json.loads(done.stdout, parse_constant=refuse)
