"""The command that starts a worker process; what needs torch runs in one."""

import sys


def worker_command(name: str, *arguments: str) -> list[str]:
    """Return the command of the worker `name` (a key of core.workers.__main__.WORKERS).

    -P keeps the working directory off the import path: a torch.py there would run in place of the real one.
    """
    return [sys.executable, "-P", "-m", "vp_tui.core.workers", name, *arguments]
