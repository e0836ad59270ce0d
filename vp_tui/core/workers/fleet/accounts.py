"""What each device of several has done, and whether it is slower than the others."""

from dataclasses import dataclass
from typing import Final

STRAGGLES: Final = 1.5
"""A device that takes so much longer per token than the median of the others is named."""
JUDGED_PACKS: Final = 8
"""Packs that a device has encoded before it is compared with others."""
JUDGED_SECONDS: Final = 2.0
"""Of device work, as the others would have done it, before it is compared. Two equal CPU devices on two cores loaded by
other processes, 402 starts in 150 s of packs of 5 ms: 11 % were named without this bound, 1 % at 0.25 s, none from
0.5 s on. A slow device of a shorter run is not named."""


@dataclass(slots=True)
class Account:
    """What one device has done so far."""

    name: str
    packs: int = 0
    tokens: int = 0
    busy_s: float = 0.0
    """Seconds of device work."""
    held: int = 0
    """Packs in flight."""
    held_s: float = 0.0
    """Device seconds that they are expected to take."""
    lost: str = ""
    """Why it is gone; empty while it works."""
    judged: int = 0
    """Packs that could be compared with the pace of the other devices."""
    judged_s: float = 0.0
    """Device seconds of those."""
    usual_s: float = 0.0
    """Device seconds that the others would have taken for them."""
    straggles: bool = False

    def compare(self, seconds: float, usual_s: float) -> None:
        """Add a pack that took `seconds` of device work here and would take `usual_s` on the other devices."""
        self.judged += 1
        self.judged_s += seconds
        self.usual_s += usual_s

    def turns_slow(self) -> bool:
        """Return True once: when enough packs have taken too long."""
        known = self.judged >= JUDGED_PACKS and self.usual_s >= JUDGED_SECONDS
        if self.straggles or not known or self.judged_s <= STRAGGLES * self.usual_s:
            return False
        self.straggles = True
        return True
