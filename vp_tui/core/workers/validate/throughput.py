"""Throughput of each arm, per stratum and overall, and the time left."""

from collections.abc import Mapping, Sequence

from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS
from vp_tui.core.measures import speed
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.prepare import Prepared

Rates = Mapping[str, float | None]


class Throughput:
    """Rates from the clocks of the arms that run; a stored reference has its own."""

    def __init__(self, data: Prepared, running: Sequence[ArmRunner], stored_rates: Rates) -> None:
        self._running, self._stored_rates = running, stored_rates
        self._stratum_of = {block.index: STRATA[block.stratum] for block in data.blocks}
        self._tokens_of = {block.index: int(data.tokens.lengths_S[block.indices_S].sum()) for block in data.blocks}

    def rates(self) -> dict[str, Rates]:
        """Return arm -> scope -> tokens/s over encode seconds without warm-up; None before anything was timed."""
        by_arm: dict[str, Rates] = {arm: self._stored_rates for arm in ARMS}
        return by_arm | {runner.arm: self._rates_of(runner) for runner in self._running}

    def _rates_of(self, runner: ArmRunner) -> Rates:
        found: dict[str, float | None] = {}
        for scope in (*STRATA, "all"):
            blocks = [index for index in runner.encode_s if scope in {"all", self._stratum_of[index]}]
            tokens = sum(self._tokens_of[index] for index in blocks)
            found[scope] = speed.tokens_per_s(tokens, sum(runner.encode_s[index] for index in blocks))
        return found

    def paired_seconds(self) -> tuple[list[float], list[float]]:
        """Return the encode seconds of reference and candidate on the blocks that both have timed."""
        if len(self._running) < len(ARMS):
            return [], []
        reference, candidate = self._running
        both = [index for index in reference.encode_s if index in candidate.encode_s]
        return [reference.encode_s[i] for i in both], [candidate.encode_s[i] for i in both]

    def eta_s(self) -> float | None:
        """Return the seconds that the remaining blocks take at each arm's rate so far.

        An arm that has not begun is assumed to be as fast as the one that has.
        """
        total = sum(self._tokens_of.values())
        wall_rates = []
        for runner in self._running:
            done = sum(self._tokens_of[index] for index in runner.encode_s)
            wall_rates.append((done, speed.tokens_per_s(done, runner.wall_s)))
        known = [rate for _, rate in wall_rates if rate]
        if not known:
            return None
        return sum((total - done) / (rate or min(known)) for done, rate in wall_rates)
