"""The steps of a run and how far it is: one fraction over all of them, which never falls, and the seconds left.

A step that has not begun takes as long as in the earlier run like this one; without one, a multiple of what encoding
takes. The fraction is that of the time: passed over passed and left.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from vp_tui.core.events import PhaseChanged, Progress, now_us
from vp_tui.core.runs.step_times import EarlierSteps

READING, LOADING, ENCODING, AGAIN, ORACLE, MEASURING = "reading", "loading", "encoding", "again", "oracle", "measuring"
FIRST: Final = " first"
"""Of a reference that is encoded before the candidate is loaded."""
_UNKNOWN: Final = 0.02
"""Share of a run whose time nothing is known about yet: it has only read and loaded."""
_LEAST_LEFT: Final = 0.01
"""Until the last event."""
_LATE: Final = 0.1
"""Share of its expected time that a step takes at least from now on, however long it has been going on."""
_FIXED_S: Final[Mapping[str, float]] = {AGAIN: 1.0, ORACLE: 2.0, MEASURING: 8.0}
_TIMES: Final[Mapping[str, float]] = {AGAIN: 2.0, ORACLE: 8.0, MEASURING: 0.0}
"""Without an earlier run: seconds, and how many times as long as encoding a sequence of the sample takes (tiny and
trained ESM-2 8M on two CPU cores)."""


def steps_of(*, has_oracle: bool, is_interleaved: bool = True) -> tuple[str, ...]:
    """Return the steps in their order."""
    looks = (AGAIN,) if has_oracle else ()
    first = () if is_interleaved else tuple(step + FIRST for step in (LOADING, ENCODING, *looks))
    return (READING, *first, LOADING, ENCODING, *looks, *((ORACLE,) if has_oracle else ()), MEASURING)


class Course:
    """The steps of one run; safe to use from several threads."""

    def __init__(
        self,
        *,
        has_oracle: bool = True,
        earlier: EarlierSteps | None = None,
        tell: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tell` takes what is reported in the middle of a computation (`part`)."""
        self._steps = steps_of(has_oracle=has_oracle)
        self._has_oracle, self._earlier, self._tell, self._clock = has_oracle, earlier, tell, clock
        self._expected: dict[str, float] = dict(earlier.seconds) if earlier is not None else {}
        self._step, self._name = READING, "reading"
        self._began_s = self._entered_s = clock()
        self._compared, self._total = 0, 0
        self._fraction = 0.0
        self._lock = threading.Lock()
        self.seconds: dict[str, float] = {}
        """Of the steps that are over."""

    def plan(self, *, total: int, tokens: int, is_interleaved: bool) -> None:
        """Take what is known once data and checkpoint are read: sequences, their tokens, the order of the arms."""
        self._steps = steps_of(has_oracle=self._has_oracle, is_interleaved=is_interleaved)
        self._total = total
        if self._earlier is not None and self._earlier.tokens:
            share = tokens / self._earlier.tokens
            self._expected |= {step: share * s for step, s in self._expected.items() if step.startswith(ENCODING)}

    def guess(self, sample_share: float, encoding_s: float) -> None:
        """Expect what no earlier run tells; a sample of this share of the tokens is looked into.

        `encoding_s` are the seconds of encoding in all arms.
        """
        if ENCODING not in self._expected:
            # of a candidate that is encoded later: as fast as the reference
            self._expected[ENCODING] = encoding_s / 2
        for step in self._steps:
            kind = step.removesuffix(FIRST)
            if step not in self._expected and kind in _TIMES:
                self._expected[step] = _FIXED_S[kind] + _TIMES[kind] * sample_share * encoding_s

    @property
    def spent_s(self) -> float:
        """Return the seconds of the step that is going on."""
        return self._clock() - self._entered_s

    def enter(self, step: str, name: str) -> tuple[PhaseChanged, Progress]:
        """Begin a step, or a named part of the one that is going on."""
        with self._lock:
            if step != self._step:
                self._leave(step)
            self._name = name
        return PhaseChanged(at_us=now_us(), phase=step, detail=name), self.progress()

    def _leave(self, step: str) -> None:
        now_s = self._clock()
        self.seconds[self._step] = now_s - self._entered_s
        self._step, self._entered_s = step, now_s

    def progress(
        self, *, compared: int | None = None, done: int = 0, total: int = 0, left_s: float | None = None
    ) -> Progress:
        """Return the event: `compared` sequences of the run so far, `done` of `total` of this step.

        `left_s` are the seconds that the step still takes, where it knows.
        """
        with self._lock:
            self._compared = self._compared if compared is None else compared
            eta_s = self._left_s(done, total, left_s)
            passed_s = self._clock() - self._began_s
            share = _UNKNOWN if eta_s is None else passed_s / max(passed_s + eta_s, 1e-9)
            self._fraction = max(self._fraction, min(share, 1 - _LEAST_LEFT))
            return self._event(done, total, eta_s)

    def part(self, step: str, done: int, total: int) -> None:
        """Report from inside a computation; nothing while another step is going on."""
        if step == self._step:
            self._tell(self.progress(done=done, total=total))

    def finished(self) -> Progress:
        """Return the last event: everything is done."""
        with self._lock:
            self._leave(self._step)
            self._fraction = 1.0
            return self._event(0, 0, 0.0)

    def _event(self, done: int, total: int, eta_s: float | None) -> Progress:
        return Progress(
            at_us=now_us(),
            done=self._compared,
            total=self._total,
            eta_s=eta_s,
            step=self._steps.index(self._step) + 1,
            steps=len(self._steps),
            name=self._name,
            part_done=done,
            part_total=total,
            fraction=self._fraction,
        )

    def _left_s(self, done: int, total: int, left_s: float | None) -> float | None:
        """Return the seconds of this step and of all later ones; None where a long one is not known."""
        spent_s = self._clock() - self._entered_s
        if left_s is None and done > 0:
            left_s = spent_s * (total - done) / done
        if left_s is None and self._step in self._expected:
            expected_s = self._expected[self._step]
            left_s = max(expected_s - spent_s, _LATE * expected_s)
        later = self._steps[self._steps.index(self._step) + 1 :]
        known = [self._expected.get(step) for step in later]
        if left_s is None and self._step.startswith(ENCODING):
            return None
        # what is short and unknown: reading and loading
        short = [
            0.0 if s is None and not step.startswith(ENCODING) else s for step, s in zip(later, known, strict=True)
        ]
        return None if None in short else (left_s or 0.0) + sum(s for s in short if s is not None)
