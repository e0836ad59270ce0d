"""A terminal of its own for one child process: a pty, and pyte to read what was painted on it."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

ENVIRONMENT = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}


class Terminal:
    """Start a command on a pty; `pump` reads what it painted."""

    def __init__(
        self, command: Sequence[str], *, columns: int = 80, lines: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=kept | ENVIRONMENT | dict(env or {}),
            # a session with the pty as its controlling terminal, as an SSH login has it
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (no threads here)
        )
        os.close(slave)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def pump(self, seconds: float) -> bytes:
        """Read for so long, or until the other end is closed."""
        end = time.monotonic() + seconds
        got = b""
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self._master], [], [], left)
            if not ready:
                break
            try:
                data = os.read(self._master, 65536)
            except OSError:
                break
            if not data:
                break
            got += data
            self._stream.feed(data)
        self.raw += got
        return got

    def wait_for(self, condition: Callable[[str], bool], seconds: float = 10.0) -> float:
        """Seconds from exec until the picture fulfils the condition."""
        end = time.monotonic() + seconds
        while not condition(self.text):
            assert time.monotonic() < end, f"not seen within {seconds} s:\n{self.text}"
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.text}"
            self.pump(0.01)
        return time.monotonic() - self.started

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """The SSH connection is lost."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait_end(self, seconds: float = 5.0) -> int:
        """The exit code, reading on meanwhile: a full pty would block the child."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still running after {seconds} s:\n{self.text}"
            if self._master >= 0:
                self.pump(0.05)
            else:
                time.sleep(0.02)
        return int(self.process.returncode)
