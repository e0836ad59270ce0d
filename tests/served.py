"""A `vp-tui serve` of its own for a test: the real command in a real process, on a free port."""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from command_line import CLI


class Served:
    """The server's process and its address."""

    def __init__(self, process, address):
        self.process, self.address = process, address
        self.url, _, self.token = address.partition("/?token=")

    def at(self, path, query=""):
        """The URL of `path`, with the token."""
        return f"{self.url}{path}?{query}&token={self.token}"

    @property
    def dashboards(self):
        """The process ids of the tabs."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in path.read_text().split()} if path.exists() else set()


@contextmanager
def serving(home, *arguments):
    process = subprocess.Popen(
        [*CLI, "serve", "--port", "0", *arguments],
        env={**os.environ, "VP_TUI_HOME": str(home.root)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            yield Served(process, process.stdout.readline().strip())
        finally:
            process.kill()
