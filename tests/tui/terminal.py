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
from pathlib import Path

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
        left = max(0.0, seconds)
        while left >= 0:
            ready, _, _ = select.select([self._master], [], [], left)
            left = end - time.monotonic()
            if not ready:
                break
            try:
                data = os.read(self._master, 65536)
            except OSError:
                break
            if not data:
                break
            got += data
            self._take(data)
        return got

    def _take(self, data: bytes) -> None:
        self.raw += data
        self._stream.feed(data)

    def wait_for(self, condition: Callable[[str], bool], seconds: float = 20.0) -> float:
        """Seconds from exec until the picture fulfils the condition."""
        end = time.monotonic() + seconds
        while not condition(self.text):
            assert time.monotonic() < end, f"not seen within {seconds} s:\n{self.text}"
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.text}"
            self.pump(0.01)
        return time.monotonic() - self.started

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def answer(self, keys: str, words: bytes, seconds: float = 5.0) -> float:
        """Seconds from a key to the last byte of the words it brings, on the wire and before pyte reads them."""
        self.pump(0.0)
        pressed, got = time.monotonic(), b""
        self.press(keys)
        while words not in got:
            left = max(0.0, pressed + seconds - time.monotonic())
            assert select.select([self._master], [], [], left)[0], f"no {words!r} after {keys!r}"
            got += os.read(self._master, 65536)
        took = time.monotonic() - pressed
        self._take(got)
        return took

    def resize(self, columns: int, lines: int) -> None:
        """The kernel tells the child by SIGWINCH."""
        self.screen.resize(lines, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def cpu_seconds(self) -> float:
        """What the child has used up to now, all its threads together."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """The SSH connection is lost."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait_end(self, seconds: float = 20.0) -> int:
        """The exit code, reading on meanwhile: a full pty would block the child."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still running after {seconds} s:\n{self.text}"
            if self._master >= 0:
                self.pump(0.05)
            else:
                time.sleep(0.02)
        return int(self.process.returncode)
