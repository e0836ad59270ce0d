"""`make fuzz`: damaged files for every parser, for SECONDS each; prints how many were tried and what was found.

Each parser has a process of its own: native code that crashes on a file ends that one only. A file that takes more than
CPU_SECONDS, or more than MEMORY of memory, is a finding, as is an error that the parser may not raise. Findings are
told once per place in the code, as the bytes that cause them: they belong into `found` of tests/parsers.py.
"""

import argparse
import contextlib
import hashlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from parsers import PARSERS, TORCH_PARSERS, Parser

CPU_SECONDS = 5
MEMORY = 3 << 30
"""Bytes beyond those that the imports take."""
ROUND = 1000
"""Examples of one Hypothesis run: it remembers them, to try none twice."""
EVERY = (*PARSERS, *TORCH_PARSERS)


class TooLongError(BaseException):
    """A file took all of its CPU time; no `except Exception` of a library may swallow it."""


@contextlib.contextmanager
def bounded_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLongError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    # without a handler it ends the process, which native code that never returns does not hear of otherwise
    signal.setitimer(signal.ITIMER_VIRTUAL, 3 * CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def bound_memory() -> None:
    """Call it after the imports: torch alone reserves gigabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def place_of(error: BaseException) -> str:
    """The kind of an error and where it was raised, and the last line of vp_tui on the way."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "vp_tui" in frame.filename and "tests" not in frame.filename]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in (*ours[-1:], frames[-1])]
    return f"{type(error).__name__} at {', '.join(dict.fromkeys(places))}"


def fuzz(parser: Parser, folder: Path, seconds: float) -> tuple[int, int, dict[str, bytes]]:
    """Return files tried, files read, and the findings: place -> the shortest file."""
    tried = read = 0
    found: dict[str, bytes] = {}
    ends = time.monotonic() + seconds
    strategy = parser.strategy()
    parser.refuses_or_reads(folder, next(iter(parser.seeds())))
    bound_memory()

    def one(content: bytes) -> None:
        nonlocal tried, read
        if time.monotonic() > ends:
            return
        tried += 1
        try:
            with bounded_time():
                read += parser.refuses_or_reads(folder, content)
        except (Exception, TooLongError) as error:  # noqa: BLE001  # every kind is a finding
            place = place_of(error)
            if len(content) < len(found.get(place, content + b"x")):
                found[place] = content

    number = 0
    while time.monotonic() < ends:
        number += 1
        run = settings(
            max_examples=ROUND, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        seed(number)(run(given(strategy)(one)))()
    return tried, read, found


def of_one(name: str, seconds: float, folder: Path) -> int:
    parser = next(one for one in EVERY if one.name == name)
    tried, read, found = fuzz(parser, folder, seconds)
    sys.stdout.write(f"{name:24}{tried:9} tried {read:9} read {len(found):3} found\n")
    for place, content in found.items():
        tell(place, content)
    return int(bool(found))


def tell(place: str, content: bytes) -> None:
    """Print a finding; the file itself stays in the folder for temporary files."""
    kept = Path(tempfile.gettempdir()) / f"vp-tui-fuzz-{hashlib.sha256(content).hexdigest()[:12]}"
    kept.write_bytes(content)
    sys.stdout.write(f"    {place}: {kept}, {content[:120]!r}{' ...' if len(content) > 120 else ''}\n")


def main() -> int:
    """Fuzz all parsers, or those that are named; exit code 1 if anything was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600, help="per parser")
    options.add_argument("--one", help="fuzz this parser in this process")
    options.add_argument("names", nargs="*", help="parsers; default: all")
    asked = options.parse_args()
    if asked.one:
        return of_one(asked.one, asked.seconds, Path.cwd())
    failed = 0
    for parser in EVERY:
        if asked.names and parser.name not in asked.names:
            continue
        command = [sys.executable, __file__, "--one", parser.name, "--seconds", str(asked.seconds)]
        with tempfile.TemporaryDirectory() as folder:
            ended = subprocess.run(command, check=False, cwd=folder).returncode
            if ended < 0:
                sys.stdout.write(f"{parser.name:24} ended by {signal.Signals(-ended).name}\n")
                tell("the last file", (Path(folder) / parser.file).read_bytes())
        failed |= ended != 0
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
